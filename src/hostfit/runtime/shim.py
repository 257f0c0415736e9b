"""containerd-shim-hostfit-v2: chooses the shim of each pod, then is that shim (containerd, runtime v2; CRI-O, `vm`).

`start` for a sandbox or a single container decides and records the choice in the bundle; for a container of a pod it
judges the container and executes the sandbox's shim. Nothing is written to standard output, standard input is left as
it came, and whatever does not start anything goes to the recorded shim without a look at the policy.
"""

from __future__ import annotations

import os

from hostfit.core.errors import HostfitError, RuntimeUnusableError
from hostfit.core.paths import Paths
from hostfit.core.text import escape
from hostfit.oci import shimargv
from hostfit.oci.shimargv import START
from hostfit.runtime import execve, podrecord, preload
from hostfit.runtime.abort import crash
from hostfit.runtime.podrecord import PodRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.gate.report import Report
    from hostfit.oci.request import Request
    from hostfit.oci.shimargv import ShimCall
    from hostfit.runtime.wrapper import Front

_PREFIX, _SUFFIX, _PLAIN = "containerd-shim-hostfit-", "-v2", "containerd-shim-hostfit-v2"


def main(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Become the shim for this process's arguments; return, with the exit status, only if nothing starts.

    The arguments are as in hostfit.runtime.wrapper.main; the script's name may ask for a runtime:
    containerd-shim-hostfit-NAME-v2.
    """
    execve.isolate(script)
    return serve(execve.Script(script), execve.arguments(), Paths(*places), gate=gate)


def serve(front: Front, words: list[bytes], paths: Paths, *, gate: Any = None) -> int:
    """Do what `main` does, for the arguments `words` of a process that `front` stands for."""
    call = shimargv.parse(words)
    try:
        if call.action == START:
            _start(call, words, front, paths, gate)
        else:
            from hostfit.runtime import shimpass  # a start does not need it

            front.become(shimpass.shim(call, entry_name(front.path), front.own, paths), words)
    except HostfitError as error:
        return _fail(error.message)
    except BaseException as error:  # noqa: BLE001 - whatever it is, nothing starts because of it
        return _fail(crash(error))
    return _fail("internal error: the shim was not executed")


def refused(message: str, words: list[bytes], paths: Paths, *, gate: Any = None) -> int:
    """Say that the kernel refused the shim that was decided on, and take the record of a start away."""
    call = shimargv.parse(words)
    if call.action == START:
        from hostfit.oci.request import Bundle, Request  # rare
        from hostfit.runtime import judge  # rare

        bundle = os.getcwd()
        podrecord.remove(bundle)
        judge.stopped(Request(entry="shim", verb=START, id=call.id, bundle=Bundle(bundle)), paths, gate, message)
    return _fail(message)


def entry_name(path: str) -> str:
    """Give the runtime that a shim's own name asks for, empty for the policy's default."""
    program = os.path.basename(path)
    if program == _PLAIN or not (program.startswith(_PREFIX) and program.endswith(_SUFFIX)):
        return ""
    return program[len(_PREFIX) : -len(_SUFFIX)]


def _start(call: ShimCall, words: list[bytes], front: Front, paths: Paths, gate: Any) -> None:
    preload.preload(preload.START)
    from hostfit.oci.pod import sandbox_of  # other actions need none of it
    from hostfit.runtime import judge, shimoptions  # as above

    bundle = os.getcwd()
    asked = judge.request(
        paths, gate, entry="shim", verb=START, id=call.id, bundle=bundle, runtime=entry_name(front.path),
        environ=_environ(call, front),
    )  # fmt: skip
    sandbox = sandbox_of(asked.bundle, call.id)
    pod = _pod(bundle, call.id, sandbox, front) if sandbox else None
    if pod is not None:
        asked.sandbox = pod.runtime or pod.shim
    report = judge.judge(asked, paths, gate)
    if not report.starts:
        raise RuntimeUnusableError(report.line)
    # The containers of a pod share its shim, whichever of its kind each of them runs on.
    mine = PodRecord(report.decision.runtime, pod.shim if pod is not None else report.runtime_path)
    try:
        execve.require_usable(mine.shim)
        _require_other(mine.shim, front.own)
        shimoptions.require_called(mine, paths)
        podrecord.save(bundle, mine)
        # As late as can be: what the shim reads in a moment should be what was judged (security rule R8).
        judge.require_unchanged(asked.bundle)
        front.become(mine.shim, words)
    except BaseException as error:
        podrecord.remove(bundle)
        _stopped(asked, paths, gate, error, report)
        raise


def _stopped(asked: Request, paths: Paths, gate: Any, error: BaseException, report: Report) -> None:
    from hostfit.runtime import judge  # rare

    message = error.message if isinstance(error, HostfitError) else crash(error)
    judge.stopped(asked, paths, gate, message, report)


def _pod(bundle: str, container: str, sandbox: str, front: Front) -> PodRecord | None:
    """What the sandbox of a pod runs on, None where it was never a sandbox of ours or anybody's.

    Never decided again: a container of a machine's pod must not end up on the host. A sandbox whose record is gone is
    known by the shim that containerd noted; where that is this program, nothing is known and nothing starts.
    """
    place = podrecord.beside(bundle, container, sandbox)
    found = podrecord.load(place) if place else None
    if found is not None:
        return found
    called = podrecord.shim_called(place) if place else ""
    if called and not _same(called, front.own) and not _same(called, front.path):
        return PodRecord("", called)
    if place and os.path.isdir(place):
        raise RuntimeUnusableError(
            f"the pod's sandbox {escape(sandbox)}: {podrecord.NAME} must say what it runs on; start the pod again"
        )
    return None


def _environ(call: ShimCall, front: Front) -> dict[str, str]:
    """Where containerd listens: of its environment, and by the flags that older versions pass instead."""
    given = {"NAMESPACE": call.namespace, "GRPC_ADDRESS": call.address}
    for key in ("GRPC_ADDRESS", "TTRPC_ADDRESS", "NAMESPACE"):
        word = front.word(key)
        if word is not None:
            given[key] = word
    return {key: value for key, value in given.items() if value}


def _require_other(path: str, own: str) -> None:
    """Raise RuntimeUnusableError where the shim is this program itself."""
    if _same(path, own):
        raise RuntimeUnusableError(f"shim {path}: must be a containerd shim, found hostfit's own")


def _same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _fail(message: str) -> int:
    """Say why nothing starts on standard error, which containerd joins to its own words: so without a line's end."""
    from hostfit.gate.wording import wording  # only where something fails

    try:
        os.write(2, wording(message).encode())
    except OSError:
        return 1
    return 1
