"""What a pod's sandbox fixes for the pod's containers: the kind of runtime, and where that is not the host's, which."""

from __future__ import annotations

from hostfit.oci.pod import sandbox_of
from hostfit.policy.model import HOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.oci.request import Request
    from hostfit.policy.model import Policy

_NONE = "no such kind"


def fixed(request: Request, policy: Policy, entry: str) -> tuple[str, tuple[str, ...], str]:
    """Give the kind of the pod, the runtimes that its containers are bound to, and why neither is known.

    All are empty outside of a pod. Without a record of the sandbox the kind is that of `entry`, the entry's default. A
    record that leads to no runtime of the policy leads to no guess either.
    """
    if not sandbox_of(request.bundle, request.id) and not request.sandbox:
        return "", (), ""
    default = policy.runtime(entry)
    found = [
        one for name, one in policy.runtimes.items() if request.sandbox in (name, *one.binaries, *one.shims)
    ] if request.sandbox else [default] if default is not None else []  # fmt: skip
    kinds = {one.kind for one in found}
    if request.sandbox and len(kinds) != 1:
        many = "kinds of runtime that differ" if kinds else "no runtime"
        return _NONE, (), f"the pod's sandbox runs on {request.sandbox}, for which the policy has {many}"
    kind = next(iter(kinds), "")
    return kind, () if kind == HOST or not kind else tuple([one.name for one in found]), ""
