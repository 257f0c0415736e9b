"""The entry's own runtime, which takes nearly every container, and whether a start needs to be chosen for at all."""

from __future__ import annotations

import os
import stat

from hostfit.core.decision import Candidate
from hostfit.core.errors import PolicyError
from hostfit.core.text import escape
from hostfit.oci.files import open_trusted, symbol
from hostfit.policy.model import HOST, HOST_SHIMS, OWN
from hostfit.sources.annotations import RUNTIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.oci.request import Request
    from hostfit.policy.model import Policy, RuntimeDefinition


SHIM_ENTRY = "shim"
NOT_INSTALLED = "not installed"
_CDI = "cdi.k8s.io/"
_VISIBLE, _NODES = "NVIDIA_VISIBLE_DEVICES=", "/dev/nvidia"


def entry_names(request: Request, policy: Policy) -> tuple[str, ...]:
    """Give the entry's own runtimes, the preferred one first: NAME of `hostfit-runtime-NAME`, else the defaults."""
    return (request.runtime,) if request.runtime else policy.defaults


def candidates_for(request: Request, policy: Policy) -> tuple[tuple[Candidate, ...], str]:
    """Give the entry's own runtimes, and the path of the first that can be executed, empty where none can."""
    found: list[Candidate] = []
    first = None
    for name in entry_names(request, policy):
        definition = policy.runtime(name)
        if first is not None:
            found.append(Candidate(name, "", f"{first.name} comes first"))
            continue
        one = (
            Candidate(name, "", "no such runtime in the policy")
            if definition is None
            else candidate(definition, request.entry)
        )
        found.append(one)
        first = None if one.reason else one
    return tuple(found), first.path if first is not None else ""


def none_usable(candidates: tuple[Candidate, ...]) -> str:
    """Say that none of the candidates can be executed, with the reason for each."""
    reasons = [f"{one.name}: {one.reason}" for one in candidates]
    return "no runtime can be used: " + "; ".join(reasons)


def settled(request: Request, policy: Policy) -> bool:
    """Whether nothing in request or policy asks for any runtime but the entry's own.

    Only the image can then, and it does so where it does not fit or prefers one.
    """
    bundle = request.bundle
    if RUNTIME in bundle.annotations:
        return False
    names = entry_names(request, policy)
    own = policy.runtime(names[0])
    if own is None:
        return False
    for name in names:
        one = policy.runtime(name)
        if one is None or one.kernel == OWN or one.requires or one.platforms or one.grants:
            return False
        if one.isolation < own.isolation or one.kind != own.kind:
            return False
    if policy.allowed is not None and not all([one in policy.allowed for one in names]):
        return False
    if any([one.when or one.instead for one in policy.own.values()]):
        return False
    if any([one.allowed is not None for one in policy.scopes]):
        return False
    if request.sandbox:
        same = [found for one in names if (found := policy.own.get(one)) is not None]
        if not any([request.sandbox in (one.name, *one.binaries) and one.kind == own.kind for one in same]):
            return False
    nodes = [*bundle.devices, *[source for source, _ in bundle.mounts]]
    gpu = any([one.startswith(_VISIBLE) for one in bundle.env]) or any([one.startswith(_NODES) for one in nodes])
    return not gpu and not any([key.startswith(_CDI) for key in bundle.annotations])


def candidate(definition: RuntimeDefinition, entry: str = "") -> Candidate:
    """Give a runtime with the first of its binaries that is safe to execute, or with what is wrong with each.

    A shim entry executes shims, and `check` asks about whichever the runtime has.
    """
    paths = definition.binaries
    if entry == SHIM_ENTRY:
        # containerd's own shim can call any OCI runtime, but loses sight of a pod that has a kernel of its own.
        paths = definition.shims
        if definition.kind == HOST:
            paths = (*paths, *[one for one in HOST_SHIMS if one not in paths])
        else:
            paths = tuple([one for one in paths if one not in HOST_SHIMS])
    if not paths and entry not in (SHIM_ENTRY, "runtime"):
        paths = definition.shims
    if not paths:
        lacks = (
            "no containerd shim of its own"
            if entry == SHIM_ENTRY
            else "a containerd shim cannot serve as an OCI runtime"
        )
        return Candidate(definition.name, "", lacks)
    reasons = []
    for path in paths:
        reason = unsafe(path)
        if not reason:
            return Candidate(definition.name, path)
        reasons.append(reason)
    if definition.shipped and all([one.endswith(": ENOENT") for one in reasons]):
        return Candidate(definition.name, "", NOT_INSTALLED)
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
