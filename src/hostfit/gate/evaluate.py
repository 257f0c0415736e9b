"""Documents to judgements: gather what has a say, read the facts they name, compare, judge each by its knob."""

from __future__ import annotations

from hostfit.core.decision import judge
from hostfit.core.document import BROKEN, IMAGE, MISSING, PRESENT, Document, Provenance
from hostfit.core.errors import HostfitError
from hostfit.core.image import Resolution
from hostfit.gate.deadline import Deadline, Expired

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.decision import Judgement, Knobs
    from hostfit.core.facts import Feature, Wanted
    from hostfit.core.results import SpecResult
    from hostfit.core.spec import Spec
    from hostfit.core.vocabulary import Lookup
    from hostfit.oci.request import Request

_LATE = "took too long"
RUNTIME_PLATFORM = "runtime.platform"
"""The one feature that is a runtime's and not a host's."""
_GRACE = 0.5
"""Seconds for comparing where no others are left."""


def resolved(request: Request, deadline: Deadline) -> tuple[Resolution, tuple[Document, ...]]:
    """Find the image of a request; a store that is broken or too slow gives a document that says so (`on_error`)."""
    from hostfit.sources import resolve  # `hostfit check` knows its image already

    try:
        with deadline:
            return resolve.resolve(request), ()
    except HostfitError as error:
        return Resolution("", None, error.message), (_broken("image store", error.message),)
    except Expired:
        late = f"image store: {_LATE}"
        return Resolution("", None, late), (_broken("image store", late),)


def gathered(
    request: Request,
    resolution: Resolution,
    administrators: tuple[tuple[Document, ...], bool],
    *,
    lookup: Lookup,
    var: str,
    runtime: str,
    deadline: Deadline,
) -> tuple[Document, ...]:
    """Give every document that has a say: the administrator's own, and unless those replace them, all others.

    `runtime` is the name of the runtime that takes the container, empty where that is not known.
    """
    own, replace = administrators
    if replace:
        return own
    from hostfit.sources import collect  # not where the administrator replaces everything

    try:
        with deadline:
            found = collect.documents(request, resolution, lookup=lookup, var=var, runtime=runtime)
    except HostfitError as error:
        return (*own, _broken("spec sources", error.message))
    except Expired:
        return (*own, _broken("spec sources", f"spec sources: {_LATE}"))
    if resolution.unresolved and not any([one.state != PRESENT for one in found]):
        found = [*found, Document(Provenance(IMAGE, "image store"), state=MISSING, reason=resolution.reason)]
    return (*own, *found)


def facts_for(
    documents: tuple[Document, ...], host: Any, deadline: Deadline, platforms: tuple[str, ...] | None = None
) -> dict[str, Feature]:
    """Read the facts that the documents name, as containers of a runtime with these `platforms` see them.

    `platforms` is None where no runtime is in question.
    """
    if not any([one.spec is not None for one in documents]):
        return {}
    from hostfit.core.facts import Feature, Wanted  # containers without any spec need none

    wanted = Wanted()
    for one in documents:
        if one.spec is not None:
            for feature, names in one.spec.wanted().elements.items():
                wanted.add(feature.lower(), names)
    of_runtime = {}
    if platforms is not None and RUNTIME_PLATFORM in wanted.elements:
        del wanted.elements[RUNTIME_PLATFORM]
        of_runtime[RUNTIME_PLATFORM] = Feature(flags=platforms)
    return {**features(wanted, host, deadline), **of_runtime}


def features(wanted: Wanted, host: Any, deadline: Deadline) -> dict[str, Feature]:
    """Read facts one feature at a time: one that hangs makes no other unknown."""
    from hostfit.core.facts import Feature, Unknown, Wanted  # as above

    facts: dict[str, Feature] = {}
    for feature, names in wanted.elements.items():
        try:
            with deadline:
                facts.update(host.read(Wanted({feature: names})))
        except Expired:
            facts[feature] = Feature(unknown=Unknown(f"{feature}: evaluation {_LATE}"))
    return facts


def judged(
    documents: tuple[Document, ...],
    facts: Mapping[str, Feature],
    knobs: Knobs,
    tag: str,
    deadline: Deadline,
    *,
    compare: Any = None,
) -> tuple[Judgement, ...]:
    """Compare each document with the facts and judge it.

    Comparing takes next to no time, and gets some even where reading the facts took all there was: what is known by
    then may be enough for a verdict. `compare` answers as match.evaluate does, which it is by default.
    """
    rest = Deadline(_GRACE) if deadline.passed else deadline
    return tuple([judge(one, _result(one, facts, tag, rest, compare), knobs) for one in documents])


def _result(
    document: Document, facts: Mapping[str, Feature], tag: str, deadline: Deadline, compare: Any
) -> SpecResult | None:
    if document.state != PRESENT or document.spec is None:
        return None
    from hostfit.core import match  # containers without any spec need none
    from hostfit.core.results import INVALID, SpecResult  # as above

    try:
        with deadline:
            found: SpecResult = (compare or match.evaluate)(document.spec, facts, tag=tag_for(document.spec, tag))
            return found
    except Expired:
        return SpecResult(INVALID, (), None, f"comparison with the host {_LATE}")


def tag_for(spec: Spec, tag: str) -> str:
    """The tag that chooses among the sets of a spec: none where its form has no place for one.

    That is so of the flat form, of platforms and of NVIDIA_REQUIRE_*.
    """
    return tag if not spec.sets or any([one.tag or one.path for one in spec.sets]) else ""


def _broken(place: str, reason: str) -> Document:
    return Document(Provenance(IMAGE, place), state=BROKEN, reason=reason)
