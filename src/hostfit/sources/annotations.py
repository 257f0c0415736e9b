"""hostfit's keys among annotations and labels, and the documents that they hold.

`io.hostfit.require` and `io.hostfit.prefer` hold the flat form, `io.hostfit.spec` a whole document in JSON, and
`io.hostfit.spec.digest` names one in the spec store; `io.hostfit.spec.digest.CONTAINER` does so for one container of a
pod. Everything is untrusted: what cannot be read becomes a document that says so.
"""

from __future__ import annotations

from hostfit.core import limits, memo
from hostfit.core.document import BROKEN, MISSING, Document, Provenance
from hostfit.core.errors import SourceError, SpecError
from hostfit.core.spec import PREFERRED, REQUIRED
from hostfit.core.text import escape, quoted
from hostfit.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostfit.core.image import Image
    from hostfit.core.spec import Spec
    from hostfit.core.vocabulary import Lookup
    from hostfit.sources.store import SpecStore

PREFIX = "io.hostfit."
REQUIRE, PREFER = PREFIX + "require", PREFIX + "prefer"
SPEC, SPEC_DIGEST = PREFIX + "spec", PREFIX + "spec.digest"
RUNTIME = PREFIX + "runtime"
"""The deployer's request for a runtime; from an image it is ignored."""
_LEVELS = {REQUIRE: REQUIRED, PREFER: PREFERRED}


def ours(notes: Mapping[str, str]) -> dict[str, str]:
    """Give hostfit's keys among some annotations or labels."""
    return {key: value for key, value in notes.items() if key.startswith(PREFIX)}


def deployers(notes: Mapping[str, str], image: Image | None, *, forgeable: bool) -> dict[str, str]:
    """Give hostfit's keys of a bundle that its deployer wrote.

    Podman 4.3 copies an image's annotations into the bundle: what is equal in key and value to one of the image's is
    the image's. `forgeable` says that the image is not known although it has one: then all of them may be the image's.
    """
    if forgeable:
        return {}
    known = () if image is None else (image.manifest_annotations, image.index_annotations, image.labels)
    return {
        key: value for key, value in ours(notes).items() if not any([one.get(key) == value for one in known])
    }  # fmt: skip


def documents(
    notes: Mapping[str, str],
    *,
    authority: str,
    place: str,
    lookup: Lookup,
    store: SpecStore,
    kind: str = "annotation",
    container: str = "",
) -> list[Document]:
    """Give one document for each of hostfit's keys that holds or names a spec, in a fixed order.

    `place` says whose keys these are, such as "manifest sha256:...", and `kind` what they are; `container`
    is the name in its pod, for `io.hostfit.spec.digest.CONTAINER`. Never raises for what the values hold.
    """
    found = []
    keys = [REQUIRE, PREFER, SPEC, SPEC_DIGEST]
    if container:
        keys.append(f"{SPEC_DIGEST}.{container}")
    for key in keys:
        value = notes.get(key)
        if value is None:
            continue
        where = f"{kind} {key} of {place}"
        if len(value) > limits.ANNOTATION:
            reason = f"{where}: at most {limits.ANNOTATION} characters are allowed, found {len(value)}"
            found.append(Document(Provenance(authority, where), state=BROKEN, reason=reason))
        elif key.startswith(SPEC_DIGEST):
            found.append(by_digest(value, authority=authority, place=where, store=store))
        else:
            found.append(_own(key, value, where, authority, lookup))
    return found


def _own(key: str, value: str, where: str, authority: str, lookup: Lookup) -> Document:
    def read() -> Spec:
        spec: Spec = memo.kept((key, value, where), len(value) + len(where), lambda: _spec(key, value, where, lookup))
        return spec

    return parsed(read, Provenance(authority, where))


def by_digest(digest: str, *, authority: str, place: str, store: SpecStore, signer: str = "") -> Document:
    """Give the document of the spec store that has this digest, MISSING where it is not there."""
    if not digests.valid(digest):
        reason = f"{place}: a digest is required, found {quoted(digest)}"
        return Document(Provenance(authority, place, signer=signer), state=BROKEN, reason=reason)
    provenance = Provenance(authority, place, digest=digest, signer=signer)
    document = parsed(lambda: store.spec(digest), provenance)
    if document.spec is None and document.state != BROKEN:
        reason = f"{place}: document {digest} is not in the spec store"
        return Document(provenance, state=MISSING, reason=reason)
    return document


def parsed(read: Callable[[], Spec | None], provenance: Provenance) -> Document:
    """Give the document that `read` makes, BROKEN where it raises SpecError or SourceError."""
    try:
        return Document(provenance, spec=read())
    except SpecError as error:
        return Document(provenance, problems=error.problems, state=BROKEN, reason=error.message)
    except SourceError as error:
        return Document(provenance, state=BROKEN, reason=error.message)


def _spec(key: str, value: str, where: str, lookup: Lookup) -> Spec:
    if key == SPEC:
        from hostfit.core.read import read_spec  # only for those who hold a whole document

        return read_spec(value, place=escape(where), yaml=False)
    from hostfit.core import flat  # only for those who hold the flat form

    return flat.parse(value, level=_LEVELS[key], lookup=lookup, place=escape(where))
