"""What takes a start that cannot be judged, while the break-glass file is there: the file lifts verdicts, no demand."""

from __future__ import annotations

from hostfit.gate.candidates import candidates_for, entry_names
from hostfit.gate.pods import fixed
from hostfit.sources.annotations import RUNTIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.decision import Candidate
    from hostfit.oci.request import Request
    from hostfit.policy.model import Policy


def unjudged(request: Request, policy: Policy) -> tuple[tuple[Candidate, ...], str]:
    """Give what candidates_for does, nothing where another runtime may be demanded or the pod is of another kind.

    What `when` and scopes ask about is not known, so each of them counts; a request of the deployer's does too.
    """
    candidates, path = candidates_for(request, policy)
    names = entry_names(request, policy)
    first = policy.runtime(names[0])
    own = policy.runtime(next((one.name for one in candidates if not one.reason), ""))
    asked = policy.runtime(request.bundle.annotations.get(RUNTIME) or (own.name if own is not None else ""))
    if own is None or first is None or asked is None or own.isolation < max(first.isolation, asked.isolation):
        return (), ""
    if any([one.when and one.isolation > own.isolation for one in policy.runtimes.values()]):
        return (), ""
    allowed = [policy.allowed, *[one.allowed for one in policy.scopes]]
    if not all([one is None or own.name in one for one in allowed]):
        return (), ""
    kind, _, lost = fixed(request, policy, names[0])
    if lost or kind not in ("", own.kind):
        return (), ""
    return candidates, path
