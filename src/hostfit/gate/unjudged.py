"""What takes a start that cannot be judged, while the break-glass file is there: the file lifts verdicts, no demand."""

from __future__ import annotations

from hostfit.gate.candidates import candidates_for, entry_names, none_usable
from hostfit.gate.pods import fixed
from hostfit.sources.annotations import RUNTIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.decision import Candidate
    from hostfit.oci.request import Request
    from hostfit.policy.model import Policy, RuntimeDefinition


def unjudged(request: Request, policy: Policy) -> tuple[tuple[Candidate, ...], str, str]:
    """Give what candidates_for does, or nothing and why: another runtime may be demanded, or another kind by the pod.

    What `when` and scopes ask about is not known, so each of them counts; a request of the deployer's does too.
    """
    candidates, path = candidates_for(request, policy)
    own = policy.runtime(next((one.name for one in candidates if not one.reason), ""))
    why = _why(request, policy, own) if own is not None else none_usable(candidates)
    return ((), "", why) if why else (candidates, path, "")


def _why(request: Request, policy: Policy, own: RuntimeDefinition) -> str:
    """Why the entry's own runtime may not take a start of which nothing else is known; empty where it may."""
    first, wanted = entry_names(request, policy)[0], request.bundle.annotations.get(RUNTIME, "")
    for name, who in ((first, "the entry demands"), (wanted, "the deployer demands")):
        one = policy.runtime(name or own.name)
        if one is None:
            return f"{who} {name}, which the policy does not have"
        if one.isolation > own.isolation:
            return f"{who} {_named(one)}"
    maybe = [one for one in policy.runtimes.values() if one.when and one.isolation > own.isolation]
    if maybe:
        return f"the policy may demand {_named(maybe[0])}"
    allowed = [policy.allowed, *[one.allowed for one in policy.scopes]]
    if not all([one is None or own.name in one for one in allowed]):
        return f"the policy may not allow {own.name}"
    kind, _, lost = fixed(request, policy, first)
    if lost or kind in ("", own.kind):
        return lost
    return f"the pod's sandbox is of kind {kind}"


def _named(one: RuntimeDefinition) -> str:
    return f"{one.name}, of isolation {one.isolation}"
