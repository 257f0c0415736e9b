"""Forms of compatibility that the OCI working group proposed for image indexes, read where they are unambiguous (cold).

`platform.features` is a list of CPU features that must be there, by the lower-case names of Go's `x/sys/cpu` (proposal
E). `platform.compatibilities` is a list of flat sets, of which one must hold (proposal H): labels such as
`oci.kernel.versions` with a range, a score, a tag and words for people. What has no one meaning asks for a fact that
nobody has, so it is unknown and never passed over.

Source: github.com/opencontainers/wg-image-compatibility, docs/proposals, E and H to J.
"""

from __future__ import annotations

from hostfit.core import fastjson, limits
from hostfit.core.document import BROKEN, IMAGE, MISSING, Document, Provenance
from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term
from hostfit.core.text import escape, quoted
from hostfit.core.versions import integer, parse_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from hostfit.core.vocabulary import Lookup

FEATURES, SETS, ELSEWHERE = "platform.features", "platform.compatibilities", "platform.compat"
_KEYS = ("features", "compatibilities", "compat")
_ALTOGETHER = 64 << 10
"""Characters that all descriptors of one index may spend on these keys."""
_SCORES = ("oci.compatibility-score", "compatibility-score")
_WORDS = ("annotation", "description")
_MOST = 64
"""Features, and labels of one set."""
_GO_NAMES = {
    "aes": "AESNI", "fma": "FMA3", "pclmulqdq": "CLMUL", "sse41": "SSE4", "avx512vpclmulqdq": "VPCLMULQDQ",
    "avx512gfni": "GFNI", "avx512vaes": "VAES",
}  # fmt: skip
"""Names of x/sys/cpu for amd64 that are not NFD's in lower case."""
_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon"}
"""Vendors as the processor spells them to names as NFD has them."""


class Proposed:
    """What a descriptor says in such forms: documents that have a say, the forms they came in, features asked for."""

    __slots__ = ("documents", "features", "forms")

    def __init__(self, documents: tuple[Document, ...] = (), forms: tuple[str, ...] = (), features: int = 0) -> None:
        self.documents = documents
        self.forms = forms
        self.features = features


def of_index(data: bytes, *, lookup: Lookup) -> dict[int, Proposed]:
    """Give what the members of an index, by their position, say in proposed forms; `data` was read as an index before.

    `lookup` is the vocabulary, by which names of CPU features are known.
    """
    tree = fastjson.loads(data, what="image index", cap=limits.MANIFEST)
    found: dict[int, Proposed] = {}
    left = _ALTOGETHER
    for position, member in enumerate(tree.get("manifests") or ()):
        platform = member.get("platform")
        said = {key: platform[key] for key in _KEYS if platform.get(key)} if isinstance(platform, dict) else {}
        if not said:
            continue
        left -= len(fastjson.dumps(said))
        if left >= 0:
            found[position] = _of_platform(platform, str(member.get("digest")), lookup)
            continue
        reason = f"descriptors of one index: at most {_ALTOGETHER} characters in proposed forms are allowed, found more"
        place = f"platform of descriptor {member.get('digest')}"
        found[position] = Proposed((Document(Provenance(IMAGE, place), state=BROKEN, reason=reason),))
    return found


def _of_platform(platform: dict[str, Any], digest: str, lookup: Lookup) -> Proposed:
    documents: list[Document] = []
    forms: list[str] = []

    def add(form: str, read: Callable[[], Spec]) -> None:
        provenance = Provenance(IMAGE, f"{form} of descriptor {digest}")
        forms.append(form)
        try:
            documents.append(Document(provenance, spec=read()))
        except ValueError as error:
            documents.append(Document(provenance, state=BROKEN, reason=f"{form}: {error}"))

    features = platform.get("features")
    if features:
        add(FEATURES, lambda: _features(features, str(platform.get("architecture")), lookup))
    sets = platform.get("compatibilities")
    if sets is not None and not isinstance(sets, dict):
        add(SETS, lambda: _sets(sets, lookup))
    for key, form in (("compatibilities", SETS), ("compat", ELSEWHERE)):
        if isinstance(platform.get(key), dict):
            forms.append(form)
            reason = f"{form}: {quoted(str(platform[key].get('digest')))} is a document of its own, which is not read"
            documents.append(
                Document(Provenance(IMAGE, f"{form} of descriptor {digest}"), state=MISSING, reason=reason)
            )
    count = len(features) if isinstance(features, list) else 0
    return Proposed(tuple(documents), tuple(forms), count)


def _features(tree: Any, architecture: str, lookup: Lookup) -> Spec:
    if not isinstance(tree, list) or not all([isinstance(name, str) and name for name in tree]):
        raise ValueError("a list of names is required")
    if len(tree) > _MOST:
        raise ValueError(f"at most {_MOST} names are allowed, found {len(tree)}")
    terms = tuple([_cpu_feature(name, architecture, lookup) for name in tree])
    return Spec((CompatibilitySet((Rule(FEATURES, Matcher(terms)),)),))


def _cpu_feature(name: str, architecture: str, lookup: Lookup) -> Term:
    lowered = name.lower()
    known = _GO_NAMES.get(lowered, lowered.upper()) if architecture in ("amd64", "x86_64") else lowered.upper()
    info = lookup("cpu.cpuid")
    if info is None or known not in info.elements:
        return _nobody("platform.features", name)
    return Term("cpu.cpuid", {known: Expression("Exists")})


def _sets(tree: Any, lookup: Lookup) -> Spec:
    if not isinstance(tree, list) or not 0 < len(tree) <= limits.SETS:
        raise ValueError(f"a list of 1 to {limits.SETS} sets is required")
    return Spec(tuple([_set(one, lookup) for one in tree]))


def _set(tree: Any, lookup: Lookup) -> CompatibilitySet:
    if not isinstance(tree, dict) or len(tree) > _MOST:
        raise ValueError(f"a set of at most {_MOST} labels is required")
    labels = dict(tree)
    weight = next((labels.pop(key) for key in _SCORES if key in labels), 0)
    if isinstance(weight, bool) or not isinstance(weight, int) or abs(weight) >= limits.INTEGER:
        raise ValueError("a score must be a number")
    words = [labels.pop(key) for key in _WORDS if key in labels]
    tags = labels.pop("tags", "")
    tag = tags if isinstance(tags, str) else tags[0] if isinstance(tags, list) and len(tags) == 1 else ""
    rules = []
    for label, value in labels.items():
        if not isinstance(value, str):
            raise ValueError(f"label {quoted(label)}: text is required")  # noqa: TRY004 - bad input, one error
        rules.append(Rule(f"{escape(label)} = {escape(value)}", Matcher(tuple(_terms(label, value, lookup)))))
    description = " ".join([one for one in words if isinstance(one, str)])
    return CompatibilitySet(tuple(rules), weight=weight, tag=str(tag), description=description)


def _terms(label: str, value: str, lookup: Lookup) -> Iterator[Term]:
    """What one label asks for. Where the value has more than one reading it is a fact that nobody has."""
    listed = [one.strip() for one in value.split(",") if one.strip()]
    single = listed[0] if len(listed) == 1 else ""
    bounds = _range(value)
    if label == "oci.cpu.vendor" and single:
        yield Term("cpu.model", {"vendor_id": Expression("In", (_VENDORS.get(single, single),))})
    elif label == "oci.cpu.features" and listed:
        for name in listed:
            yield _cpu_feature(name, "", lookup)
    elif label == "oci.kernel.selinux" and single in ("true", "false"):
        yield Term("kernel.selinux", {"enabled": Expression("IsTrue" if single == "true" else "IsFalse")})
    elif label == "oci.kernel.configurations" and listed:
        for name in listed:
            yield Term("kernel.config", {name.removeprefix("CONFIG_"): Expression("Exists")})
    elif label == "oci.kernel.versions" and bounds:
        for one in bounds:
            yield Term("kernel.version", {"full": one})
    elif label == "oci.os.glibc" and bounds:
        for one in bounds:
            yield Term("os.glibc", {"version": one})
    elif label == "oci.os.openmpi" and (both := _single(bounds)) is not None:
        yield Term("software.mpi", {"implementation": Expression("In", ("openmpi",)), "version": both})
    elif label == "oci.pci.devices" and single.count(".") == 1:
        vendor, _, device = single.lower().partition(".")
        yield Term("pci.device", {"vendor": Expression("In", (vendor,)), "device": Expression("In", (device,))})
    else:
        yield _nobody(label, value)


def _range(value: str) -> tuple[Expression, ...]:
    """Read `[2.31, 2.37)` or `>=2.31, <=2.37` as comparisons of versions; empty for anything else."""
    text = value.strip()
    parts = [one.strip() for one in text.strip("[]()").split(",")]
    if text[:1] in ("[", "(") and text[-1:] in ("]", ")") and len(parts) == 2:
        signs = (">=" if text[0] == "[" else ">", "<=" if text[-1] == "]" else "<")
        pairs = list(zip(signs, parts, strict=True))
    else:
        pairs = [(one[: 2 if one[1:2] == "=" else 1], one[2 if one[1:2] == "=" else 1 :].strip()) for one in parts]
    names = {">=": "Ge", ">": "Gt", "<=": "Le", "<": "Lt"}
    if not all([sign in names and _version(number) for sign, number in pairs]):
        return ()
    return tuple([Expression(names[sign], (number,), "version") for sign, number in pairs])


def _single(bounds: tuple[Expression, ...]) -> Expression | None:
    """Both bounds as one expression, for what must hold of one and the same instance; None where that cannot be."""
    if len(bounds) == 1:
        return bounds[0]
    if [one.op for one in bounds] != ["Ge", "Le"]:
        return None
    values = (*bounds[0].values, *bounds[1].values)
    return Expression("In", values[:1]) if values[0] == values[1] else Expression("GeLe", values, "version")


def _version(text: str) -> bool:
    """Whether a bound is a plain version: numbers and dots."""
    return parse_host(text) is not None and all([integer(part) is not None for part in text.split(".")])


def _nobody(label: str, value: str) -> Term:
    """A term that is unknown on every host: what it asks for has no one meaning here."""
    return Term("proposed.requirement", {f"{label}={value}": Expression("Exists")})
