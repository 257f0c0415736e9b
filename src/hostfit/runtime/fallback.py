"""Which runtime a call goes to that starts nothing: cleaning up must work with a corrupt policy and a full disk."""

from __future__ import annotations

import os

from hostfit.core.errors import RuntimeUnusableError
from hostfit.runtime import passed, record
from hostfit.runtime.execve import require_usable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.paths import Paths
    from hostfit.oci.argv import Call

_NAMES = ("runc", "crun")
_PLACES = ("/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
_TRACES = (("runc", "state.json"), ("crun", "status"))
"""What each leaves in its directory of a container; nvidia-container-runtime and youki leave runc's."""


def recorded(call: Call, paths: Paths) -> str:
    """Give the runtime that the container was created with, empty where that is not known or no longer usable."""
    if not call.id:
        return ""
    found = record.load(paths, record.absolute_root(call), call.id)
    return found.runtime if found is not None and _usable(found.runtime) else ""


def without_record(call: Call, paths: Paths, name: str) -> str:
    """Give the best runtime where no record tells: by the traces of the container, else the entry's default.

    `name` is what argv[0] asks for. A policy that cannot be read is passed over. Raises RuntimeUnusableError where
    there is no runtime at all. One that has called hostfit-runtime again is passed over.
    """
    kind = traced(call, paths)
    wanted = [one for one in (kind, name) if one]
    definitions, defaults = _policy(paths)
    tried, again = [], passed.before(paths)
    for one in [*wanted, *defaults, *_NAMES]:
        # A name that nobody defined is no runtime: hostfit-runtime-rm must not be rm.
        built_in = [place + one for place in _PLACES] if one in _NAMES else ()
        for path in definitions.get(one, built_in):
            if path not in again and _usable(path):
                return path
        if one not in tried:
            tried.append(one)
    raise RuntimeUnusableError(f"no OCI runtime can be used: tried {', '.join(tried)}")


def _usable(path: str) -> bool:
    try:
        require_usable(path)
    except RuntimeUnusableError:
        return False
    return True


def traced(call: Call, paths: Paths) -> str:
    """Give the kind of runtime that has state of this container below --root, empty where none has.

    Without --root both keep it beside ours: in /run for root, in XDG_RUNTIME_DIR for a user.
    """
    if not call.id or "/" in call.id or call.id in (".", ".."):
        return ""
    root, above = record.absolute_root(call), os.path.dirname(paths.run)
    for kind, trace in _TRACES:
        if os.path.lexists(f"{root or f'{above}/{kind}'}/{call.id}/{trace}"):
            return kind
    return ""


def _policy(paths: Paths) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The binaries of each runtime and the names of the defaults; nothing where the policy cannot be read."""
    try:
        from hostfit.policy import load  # most calls have a record and need no policy

        policy = load.load(paths)
        return {name: one.binaries for name, one in policy.runtimes.items() if one.binaries}, policy.defaults
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it must not keep a container from being removed
        return {}, ()
