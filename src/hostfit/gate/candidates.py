"""Which OCI runtime may take a container, and why another may not. Choosing among several builds on this."""

from __future__ import annotations

import os
import stat

from hostfit.core.decision import Candidate
from hostfit.core.errors import PolicyError
from hostfit.core.text import escape
from hostfit.oci.files import open_trusted, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.oci.request import Request
    from hostfit.policy.model import Policy, RuntimeDefinition


def candidates_for(request: Request, policy: Policy) -> tuple[tuple[Candidate, ...], str]:
    """Give the runtimes to consider, the preferred one first, and the path of the first that can be executed.

    An entry point that was called as `hostfit-runtime-NAME` gets NAME; any other the policy's default. The path is
    empty where none can.
    """
    names = (request.runtime,) if request.runtime else policy.defaults
    found = []
    for name in names:
        definition = policy.runtimes.get(name)
        found.append(
            candidate(definition) if definition is not None else Candidate(name, "", "no such runtime in the policy")
        )
    return tuple(found), next((one.path for one in found if not one.reason), "")


def candidate(definition: RuntimeDefinition) -> Candidate:
    """Give a runtime with the first of its binaries that is safe to execute, or with what is wrong with each."""
    if not definition.binaries:
        return Candidate(definition.name, definition.shim, "a containerd shim cannot serve as an OCI runtime")
    reasons = []
    for path in definition.binaries:
        reason = unsafe(path)
        if not reason:
            return Candidate(definition.name, path)
        reasons.append(reason)
    return Candidate(definition.name, "", "; ".join(_worth_saying(reasons)))


def unsafe(path: str) -> str:
    """Say why a file must not be executed, or nothing: it must be root's alone to change, with all above it (R3)."""
    try:
        fd = open_trusted(path)
    except PolicyError as error:
        return error.message
    except OSError as error:
        return f"{escape(path, 4096)}: {symbol(error)}"
    try:
        mode = os.fstat(fd).st_mode
    finally:
        os.close(fd)
    return "" if mode & stat.S_IXOTH or mode & stat.S_IXUSR else f"{escape(path, 4096)}: required executable"


def _worth_saying(reasons: list[str]) -> list[str]:
    """Without the places where nothing is, unless there is nothing anywhere."""
    return [one for one in reasons if not one.endswith(": ENOENT")] or reasons
