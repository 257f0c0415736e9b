"""Documents that a document includes: read from the spec store by digest, to a fixed depth, cycles named."""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.document import BROKEN, PRESENT, Document, Provenance
from hostfit.sources import annotations as keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.sources.store import SpecStore

_MOST_INCLUDED = 64


def included(document: Document, store: SpecStore) -> Iterator[Document]:
    """The documents that one includes, each once, to depth limits.INCLUDE_DEPTH; a cycle is named and is an error."""
    seen: set[str] = set()
    own = document.provenance.digest
    todo = [(document, (own,) if own else ())]
    while todo:
        outer, path = todo.pop(0)
        if outer.state != PRESENT or outer.spec is None:
            continue
        for include in outer.spec.includes:
            provenance = Provenance(
                document.provenance.authority,
                f"include {include.digest} of {outer.provenance.place}",
                digest=include.digest,
                signer=document.provenance.signer,
            )
            reason = ""
            if include.digest in path:
                circle = " includes ".join([*path[path.index(include.digest) :], include.digest])
                reason = f"documents include each other: {circle}"
            elif include.digest in seen:
                continue
            elif len(path) > limits.INCLUDE_DEPTH - (0 if own else 1):
                reason = f"includes are followed to depth {limits.INCLUDE_DEPTH}, and {include.digest} is deeper"
            elif len(seen) >= _MOST_INCLUDED:
                reason = f"at most {_MOST_INCLUDED} documents may be included"
            if reason:
                yield Document(provenance, state=BROKEN, reason=reason)
                return
            seen.add(include.digest)
            inner = keys.by_digest(
                include.digest,
                authority=document.provenance.authority,
                place=provenance.place,
                store=store,
                signer=document.provenance.signer,
            )
            yield inner
            todo.append((inner, (*path, include.digest)))
