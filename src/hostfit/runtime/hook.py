"""hostfit-hook: the createRuntime hook (runtime-spec, config.md), the gate of engines that call no wrapper."""

from __future__ import annotations

import os
import sys

from hostfit.core.errors import HostfitError
from hostfit.core.paths import Paths
from hostfit.oci.state import read_state
from hostfit.runtime import judge, record
from hostfit.runtime.abort import abort, crash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.oci.request import Bundle

_GENERATIONS = 8
"""Between a runtime and its hook there is at most a shell and a helper."""


def main(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Judge the container whose state is on standard input: exit status 0 lets it start, 1 stops it.

    runc and Kata show the one line on standard error; crun drops it, so the journal and `hostfit why` have it too.
    The arguments are as in hostfit.runtime.wrapper.main.
    """
    paths = Paths(*places)
    if not (sys.flags.isolated and sys.flags.no_site):
        from hostfit.runtime.execve import isolate  # noqa: PLC0415 - only where an installer rewrote the first line

        isolate(script)
    try:
        state = read_state(0)
        asked = judge.request(paths, entry="hook", verb="create", id=state.id, bundle=state.bundle)
        if _decided(asked.bundle, paths):
            return 0
        report = judge.judge(asked, paths, gate)
        judge.require_unchanged(asked.bundle)
    except HostfitError as error:
        return abort(None, error.message)
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing starts because of it
        return abort(None, crash(error))
    return 0 if report.starts else abort(None, report.line)


def _decided(bundle: Bundle, paths: Paths) -> bool:
    """Whether a wrapper judged exactly this configuration in the create that is running now.

    The wrapper's process has become the runtime, so it is alive and an ancestor of ours; and the configuration has the
    content that was judged (security rule R8). Anything else is judged here.
    """
    found = record.load_by_bundle(paths, bundle.path)
    if found is None or not found.config or found.config != judge.digest(bundle) or not found.alive():
        return False
    pid = os.getppid()
    for _ in range(_GENERATIONS):
        if pid == found.pid:
            return True
        pid = record.parent(pid)
    return False
