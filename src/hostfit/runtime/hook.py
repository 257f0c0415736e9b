"""hostfit-hook: the createRuntime hook (runtime-spec, config.md), the gate of engines that call no wrapper."""

from __future__ import annotations

import os
import sys

from hostfit.core.errors import HostfitError
from hostfit.core.paths import Paths
from hostfit.oci.request import Bundle, Request
from hostfit.oci.state import read_state
from hostfit.runtime import judge, record
from hostfit.runtime.abort import abort, crash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Judge the container whose state is on standard input: exit status 0 lets it start, 1 stops it.

    runc and Kata show the one line on standard error; crun drops it, so the journal and `hostfit why` have it too.
    The arguments are as in hostfit.runtime.wrapper.main.
    """
    paths = record.rooted(Paths(*places), os.environ.get("XDG_RUNTIME_DIR"))
    if not (sys.flags.isolated and sys.flags.no_site):
        from hostfit.runtime.execve import isolate  # only where an installer rewrote the first line

        isolate(script)
    asked = Request(entry="hook", verb="create", id="", bundle=Bundle("/"))
    published = False
    try:
        state = read_state(0)
        # A bundle that cannot be understood is published where it is read.
        published = True
        asked = judge.request(paths, gate, entry="hook", verb="create", id=state.id, bundle=state.bundle)
        published = False
        if _decided(asked.bundle, paths):
            return 0
        report = judge.judge(asked, paths, gate)
        if not report.starts:
            return abort(None, report.line)
        judge.require_unchanged(asked.bundle)
    except BaseException as error:  # noqa: BLE001 - whatever it is, nothing starts because of it
        message = error.message if isinstance(error, HostfitError) else crash(error)
        if not published:
            judge.stopped(asked, paths, gate, message)
        return abort(None, message)
    return 0


def _decided(bundle: Bundle, paths: Paths) -> bool:
    """Whether a wrapper judged exactly this configuration in the create that is running now.

    The wrapper's process has become the runtime, so it is alive and an ancestor of ours; and the configuration has the
    content that was judged (security rule R8). Anything else is judged here.
    """
    found = record.load_by_bundle(paths, bundle.path)
    if found is None or not found.config or found.config != judge.digest(bundle) or not found.alive():
        return False
    return found.pid in record.callers()
