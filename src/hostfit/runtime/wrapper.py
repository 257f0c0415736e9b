"""hostfit-runtime: what engines call in runc's place. It decides on create, run and restore, then is the runtime."""

from __future__ import annotations

import errno
import os

from hostfit.core.errors import BundleError, HostfitError, RuntimeUnusableError
from hostfit.core.paths import Paths
from hostfit.core.text import escape
from hostfit.oci import argv
from hostfit.oci.files import is_host_root
from hostfit.runtime import execve, preload, record
from hostfit.runtime.abort import abort, crash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.gate.report import Report
    from hostfit.oci.argv import Call
    from hostfit.oci.request import Request
    from hostfit.runtime.behind import Launcher

    Front = execve.Script | Launcher

_LINK = "hostfit-runtime-"
_CALLER = ("GRPC_ADDRESS", "TTRPC_ADDRESS", "NAMESPACE")
"""What containerd's shim tells about itself."""


def main(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Become the runtime for this process's arguments; return, with the exit status, only if nothing starts.

    `script` is the launcher's path, whose name may ask for a runtime: hostfit-runtime-NAME; `places` are those of
    Paths. `gate` answers decide and publish; by default it is hostfit.gate.gate.
    """
    paths = Paths(*places)
    execve.isolate(script)
    return serve(execve.Script(script), execve.arguments(), paths, gate=gate)


def serve(front: Front, words: list[bytes], paths: Paths, *, gate: Any = None) -> int:
    """Do what `main` does, for the arguments `words` of a process that `front` stands for."""
    call = argv.parse(words)
    paths = record.rooted(paths, front.word("XDG_RUNTIME_DIR"))
    program = os.path.basename(front.path)
    name = program[len(_LINK) :] if program.startswith(_LINK) else ""
    try:
        # Without an id there is nothing to create: the runtime says so itself, or prints its help.
        if call.verb not in argv.GATED or not call.id:
            _pass(call, words, front, paths, name)
        else:
            _start(call, words, front, paths, name, gate=gate)
    except HostfitError as error:
        return abort(call, error.message)
    except BaseException as error:  # noqa: BLE001 - whatever it is, a late timer or ^C, nothing starts because of it
        return abort(call, crash(error))
    return abort(call, "internal error: the runtime was not executed")


def _pass(call: Call, words: list[bytes], front: Front, paths: Paths, name: str) -> None:
    """Execute the container's runtime for a verb that starts nothing new; no policy where there is a record."""
    from hostfit.runtime import fallback, passed  # a start does not need them

    path = fallback.recorded(call, paths)
    if not path:
        path = fallback.without_record(call, paths, name)
        passed.on(paths, path)
    _require_other(path, front.own)
    front.become(path, words)


def _start(call: Call, words: list[bytes], front: Front, paths: Paths, name: str, *, gate: Any) -> None:
    """Decide on a start; execute the runtime or raise HostfitError with the reason. Nothing is left behind then."""
    preload.preload(preload.START)
    from hostfit.runtime import judge  # other verbs need none of it

    if call.ambiguous:
        raise BundleError(
            f"bundle: required as --bundle DIR, found {escape(call.ambiguous)}, which runtimes read apart"
        )
    root = record.absolute_root(call)
    me, since = os.getpid(), record.started(os.getpid())
    before = record.load(paths, root, call.id)
    if before is not None and before.alive() and before.pid in record.callers():
        record.remove(paths, root, call.id)
        raise RuntimeUnusableError(
            f"runtime {before.runtime}: called hostfit-runtime again; a runtime's own configuration must not name it"
        )
    asked = judge.request(
        paths,
        gate,
        entry="runtime",
        verb=call.verb,
        id=call.id,
        bundle=record.absolute_bundle(call),
        config=record.absolute_config(call),
        root=root,
        runtime=name,
        environ={key: value for key in _CALLER if (value := front.word(key)) is not None},
    )
    _place_in_pod(asked, root, paths)
    report = judge.judge(asked, paths, gate)
    if not report.starts:
        raise RuntimeUnusableError(report.line)
    if before is not None and before.runtime != report.runtime_path:
        _require_gone(call, before, asked, paths, gate=gate, report=report)
    mine = record.Record(report.runtime_path, asked.bundle.path, me, since, judge.digest(asked.bundle))
    try:
        execve.require_usable(mine.runtime)
        _require_other(mine.runtime, front.own)
        _remember(paths, root, call, mine, name)
        # As late as can be: what the runtime reads in a moment should be what was judged (security rule R8).
        judge.require_unchanged(asked.bundle)
        front.become(mine.runtime, words)
    except BaseException as error:
        record.remove(paths, root, call.id)
        judge.stopped(asked, paths, gate, error.message if isinstance(error, HostfitError) else crash(error), report)
        raise


def _place_in_pod(asked: Request, root: str, paths: Paths) -> None:
    """Say what the sandbox of this container's pod runs on, where there is a record of it."""
    from hostfit.oci.pod import sandbox_of  # other verbs need none of it

    sandbox = sandbox_of(asked.bundle, asked.id)
    before = record.load(paths, root, sandbox) if sandbox else None
    if before is not None:
        asked.sandbox = before.runtime


def _require_gone(
    call: Call, before: record.Record, asked: Request, paths: Paths, *, gate: Any, report: Report
) -> None:
    """Raise RuntimeUnusableError where another runtime still has a container of this id: its record must stay."""
    from hostfit.runtime import fallback, judge  # only where the default has changed

    if fallback.traced(call, paths):
        message = f"container {escape(call.id)}: exists already, on {before.runtime}"
        judge.stopped(asked, paths, gate, message, report)
        raise RuntimeUnusableError(message)


def _remember(paths: Paths, root: str, call: Call, mine: record.Record, name: str) -> None:
    """Write the record; without it, only a runtime that later calls find all the same may start."""
    try:
        record.save(paths, root, call.id, mine)
    except OSError as error:
        found = errno.errorcode.get(error.errno or 0, "an error")
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and not is_host_root():
            raise RuntimeUnusableError(
                f"XDG_RUNTIME_DIR: must name a directory of the user's own, and {paths.run} cannot be written: {found}"
            ) from error
        from hostfit.runtime import fallback  # a disk that is full is rare

        if fallback.without_record(call, paths, name) != mine.runtime:
            raise RuntimeUnusableError(
                f"{paths.run}/containers: must be writable to run on {mine.runtime}, found {found}"
            ) from error


def _require_other(path: str, own: str) -> None:
    """Raise RuntimeUnusableError where the runtime is this program itself."""
    try:
        same = os.path.samefile(path, own)
    except OSError:
        return
    if same:
        raise RuntimeUnusableError(f"runtime {path}: must be an OCI runtime, found hostfit-runtime itself")
