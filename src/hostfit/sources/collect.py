"""Every document that has a say about one container, in falling authority; the administrator's come from the policy.

Deployer (bundle annotations), then the image as the local store describes it: annotations of manifest and index,
labels, NVIDIA_REQUIRE_*, platform, the program it starts, its base images; then what was fetched for it; then, for each
of these, the documents that it includes. All must hold.
"""

from __future__ import annotations

from hostfit.core import limits, memo
from hostfit.core.document import ARTIFACT, BROKEN, DEPLOYER, IMAGE, MISSING, UNSYNCED, Document, Provenance
from hostfit.core.errors import SourceError
from hostfit.core.text import escape
from hostfit.oci import digest as digests
from hostfit.sources import annotations as keys
from hostfit.sources.store import SpecStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostfit.core.image import Image, Platform, Resolution
    from hostfit.core.spec import Spec
    from hostfit.core.vocabulary import Lookup
    from hostfit.oci.request import Bundle, Request

_CONTAINER_NAMES = {"containerd": "io.kubernetes.cri.container-name", "cri-o": "io.kubernetes.container.name"}
"""Written by the engine after the pod's annotations (CRI-O: from the kubelet's labels)."""
_NVIDIA = "NVIDIA_REQUIRE_"
_CDI = "cdi.k8s.io/"


def documents(
    request: Request, resolution: Resolution, *, lookup: Lookup, var: str, runtime: str = ""
) -> list[Document]:
    """Give every document in falling authority; never raises for bad content, which becomes a document that says so.

    `lookup` is the vocabulary, by which the flat form knows how values compare; `var` holds the spec store; `runtime`
    names the runtime that was chosen, if it is another than the request asks for.
    """
    store = SpecStore(var)
    bundle, image = request.bundle, resolution.image
    container = bundle.annotations.get(_CONTAINER_NAMES.get(resolution.engine, ""), "")
    found = list(_of_bundle(bundle, resolution, lookup, store, container))
    if bundle.problem:
        found.append(Document(Provenance(DEPLOYER, "bundle"), state=BROKEN, reason=bundle.problem))
    if resolution.unresolved:
        state = BROKEN if resolution.broken else MISSING
        place = f"image store of {resolution.engine}"
        found.append(Document(Provenance(IMAGE, place), state=state, reason=resolution.reason or "image is not known"))
    if image is not None:
        found += _of_image(image, lookup, store, container=container)
    found += _of_environment(request, image, runtime or request.runtime)
    if image is not None and image.platform is not None:
        found += _of_platform(image.platform, f"platform of image {image.digest or image.config_digest}")
    found += _of_program(bundle)
    if image is not None:
        found += _of_bases(image, lookup, store)
        found += _fetched(image, store)
    including = [one for one in found if one.spec is not None and one.spec.includes]
    if including:
        from hostfit.sources.include import included  # most documents include nothing

        found += [one for document in including for one in included(document, store)]
    return found


def _of_bundle(
    bundle: Bundle, resolution: Resolution, lookup: Lookup, store: SpecStore, container: str
) -> list[Document]:
    """The bundle's annotations: the deployer's, or the image's where they may be (design: where a spec comes from)."""
    forgeable = resolution.image is None and resolution.engine != ""
    if forgeable:
        notes, authority, place = bundle.annotations, IMAGE, "bundle, whose image is not known"
    else:
        notes = keys.deployers(bundle.annotations, resolution.image, forgeable=False)
        authority, place = DEPLOYER, "bundle"
    return keys.documents(
        notes, authority=authority, place=place, lookup=lookup, store=store, container=container
    )  # fmt: skip


def _of_image(
    image: Image,
    lookup: Lookup,
    store: SpecStore,
    base: str = "",
    skip: tuple[Image, ...] = (),
    *,
    container: str = "",
) -> list[Document]:
    """What the image's author wrote; the same words in a second place, or in an image of `skip`, say nothing new.

    `container` is the name in its pod: a key for it that the deployer wrote too counts as the image's.
    """
    parts = (
        ("annotation", image.manifest_annotations, f"manifest {image.digest}"),
        ("annotation", image.index_annotations, f"index {image.index_digest}"),
        ("label", image.labels, f"config {image.config_digest}"),
    )
    seen = {pair for one in skip for notes in _notes(one) for pair in keys.ours(notes).items()}
    found: list[Document] = []
    for kind, notes, place in parts:
        own = {key: value for key, value in keys.ours(notes).items() if (key, value) not in seen}
        seen.update(own.items())
        found += keys.documents(
            own, authority=IMAGE, place=base + place, lookup=lookup, store=store, kind=kind, container=container
        )  # fmt: skip
    return found


def _notes(image: Image) -> tuple[Mapping[str, str], ...]:
    return (image.manifest_annotations, image.index_annotations, image.labels)


def _of_environment(request: Request, image: Image | None, runtime: str) -> Iterator[Document]:
    """NVIDIA_REQUIRE_*: the image's, and what the process is given beyond that."""
    bundle = request.bundle
    own = image.env if image is not None else ()
    added = tuple([entry for entry in bundle.env if entry.startswith(_NVIDIA) and entry not in own])
    if not added and not any([entry.startswith((_NVIDIA, "CUDA_VERSION=")) for entry in own]):
        return
    from hostfit.core import nvidia  # CUDA images only

    shown_only = not given_gpu(request, runtime)
    for env, provenance in (
        (own, Provenance(IMAGE, "environment of the image")),
        (added, Provenance(DEPLOYER, "environment of the process")),
    ):
        spec, problems = nvidia.parse(env)
        if problems:
            reason = str(problems[0])
            yield Document(
                provenance, problems=tuple(problems), state=BROKEN, reason=reason, reported_only=shown_only
            )  # fmt: skip
        elif spec is not None:
            yield Document(provenance, spec=spec, reported_only=shown_only)


def given_gpu(request: Request, runtime: str) -> bool:
    """Whether a container is given an NVIDIA GPU: a CDI device, /dev/nvidia*, or the nvidia runtime by its variable."""
    bundle = request.bundle
    if any([key.startswith(_CDI) and "nvidia.com/" in value for key, value in bundle.annotations.items()]):
        return True
    paths = [*bundle.devices, *[path for mount in bundle.mounts for path in mount]]
    if any([path.startswith("/dev/nvidia") for path in paths]):
        return True
    if "nvidia" not in runtime:
        return False
    visible = [entry.partition("=")[2] for entry in bundle.env if entry.startswith("NVIDIA_VISIBLE_DEVICES=")]
    return bool(visible) and visible[-1] not in ("", "void", "none")


def _of_platform(platform: Platform, place: str) -> Iterator[Document]:
    if not platform.os and not platform.architecture:
        return
    from hostfit.core.platform import platform_spec  # containers with an image only

    yield Document(Provenance(IMAGE, place), spec=platform_spec(platform))


def _of_program(bundle: Bundle) -> Iterator[Document]:
    """What the program was built for (ELF notes): a level of x86-64, the oldest kernel that its C library takes."""
    if not bundle.rootfs or not bundle.args:
        return
    from hostfit.sources import elf  # whoever only checks an image has no program yet

    needs = elf.entrypoint(bundle)
    if needs is None:
        return
    program = escape(needs.path)
    if needs.level:
        from hostfit.core.image import Platform  # programs built for more than the baseline

        yield from _of_platform(Platform("linux", "amd64", needs.level), f"ELF note of program {program}")
    if needs.kernel:
        place = f"ELF note of program {program}"
        yield Document(
            Provenance(IMAGE, place),
            spec=memo.kept(("kernel note", needs.kernel), len(needs.kernel), lambda: _kernel_spec(needs.kernel)),
        )


def _kernel_spec(oldest: str) -> Spec:
    from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term  # as above

    term = Term("kernel.version", {"full": Expression("Ge", (oldest,), "version")})
    return Spec((CompatibilitySet((Rule(f"kernel.version.full >={oldest}", Matcher((term,))),)),))


def _of_bases(image: Image, lookup: Lookup, store: SpecStore) -> list[Document]:
    """The specs of the base images that the store has; a base without one adds nothing."""
    from hostfit.sources.manifest import base_digest  # the store that made the image has loaded it

    found: list[Document] = []
    above: tuple[Image, ...] = (image,)
    for base in image.bases[: limits.INCLUDE_DEPTH]:
        found += _of_image(base, lookup, store, f"base image {base.digest}: ", above)
        above = (*above, base)
    for one in above:
        digest = base_digest(*_notes(one))
        if digest:
            found += looked_up((digest,), store, "base image ")[1]
    if len(image.bases) > limits.INCLUDE_DEPTH:
        reason = f"base images are followed to depth {limits.INCLUDE_DEPTH}, and there are more"
        found.append(Document(Provenance(IMAGE, "base images"), state=MISSING, reason=reason))
    return found


def _fetched(image: Image, store: SpecStore) -> list[Document]:
    """What was fetched for the image, by its own digest and its index's; UNSYNCED where nobody ever looked."""
    subjects = subjects_of(image)
    known, found = looked_up(subjects, store, "image ")
    own = [one for one in (image.digest, image.index_digest) if digests.valid(one)]
    # A digest in a name is the same image's; what the image itself is known by must have been looked up.
    if not (known.issuperset(own) if own else known) and store.used():
        place = f"artifacts of image {subjects[0] if subjects else image.config_digest}"
        reason = "nobody has looked for specs of this image yet; hostfit sync does"
        found.append(Document(Provenance(ARTIFACT, place), state=UNSYNCED, reason=reason))
    return found


def subjects_of(image: Image) -> tuple[str, ...]:
    """The digests under which specs of an image are looked up: its manifest's, its index's, those that names end in.

    Docker knows neither of an image that was loaded from a file; the image ID stands for it.
    """
    named = [name.partition("@")[2] for name in (*image.names, image.name)]
    found = [one for one in dict.fromkeys([image.digest, image.index_digest, *named]) if digests.valid(one)]
    return tuple(found) if found or not image.config_digest else (image.config_digest,)


def looked_up(subjects: tuple[str, ...], store: SpecStore, what: str) -> tuple[set[str], list[Document]]:
    """Which of these were looked up, and the documents that were found for them, each once."""
    known: set[str] = set()
    found: dict[str, Document] = {}
    for subject in subjects:
        try:
            record = store.looked_up(subject)
        except SourceError as error:
            provenance = Provenance(ARTIFACT, f"artifacts of {what}{subject}")
            found[subject] = Document(provenance, state=BROKEN, reason=error.message)
            known.add(subject)
            continue
        if record is None:
            continue
        known.add(subject)
        for digest, signer in record.specs:
            place = f"artifact {digest} of {what}{subject}"
            found.setdefault(
                digest, keys.by_digest(digest, authority=ARTIFACT, place=place, store=store, signer=signer)
            )
    return known, list(found.values())
