"""What the native launcher runs where it cannot do a call by itself: the same entry points, with the same result.

The launcher gives Python an environment of its own. In it each word of the original has a dot before it, so that
nothing of it reaches the loader or the interpreter; the runtime gets the original back from the launcher.
"""

from __future__ import annotations

import errno
import os
import sys

from hostfit.core.paths import Paths
from hostfit.runtime import execve, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.errors import RuntimeUnusableError
    from hostfit.oci.argv import Call

_FIRST = 7
"""Arguments before the engine's own: the script, and what Launcher and `main` take."""
_HIDDEN = "."
_NAMED = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
"""Words of the caller that say where a user's own files lie, and nothing to any library; hostfit reads them by name."""
BECOME = b"hostfit-become"
"""The argv[0] by which the launcher knows that it is Python who calls."""


class Launcher:
    """The native launcher in front of this process; the same to the wrapper as execve.Script.

    `entry`, `path` (what the engine executed) and `ignored` (1: SIGPIPE, 2: SIGXFSZ) go back to it as they came;
    `own` is its file.
    """

    __slots__ = ("entry", "ignored", "own", "path")

    def __init__(self, entry: str, own: str, path: str, ignored: str) -> None:
        self.entry = entry
        self.own = own
        self.path = path
        self.ignored = ignored

    def word(self, key: str) -> str | None:
        """Give one word of the caller's environment, None where it is not there."""
        return os.environ.get(_HIDDEN + key)

    def become(self, path: str, words: list[bytes]) -> None:
        """Have the launcher replace this process by the runtime at `path`, which is also its argv[0].

        Where the kernel refuses the runtime, the launcher comes back to `main` with the reason.
        """
        own = [os.fsencode(one) for one in (self.entry, self.path, self.ignored, path)]
        os.execv(self.own, [BECOME, *own, *words])  # noqa: S606 - our own launcher, no shell


def main(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Be the entry point that the launcher was called as; return, with the exit status, only if nothing starts.

    The arguments are the entry, the launcher's file, the path that the engine executed, the signals that were ignored,
    the errno and the path of a runtime that the kernel refused (0 and empty otherwise), and then the engine's.
    """
    execve.isolate(script)
    words = execve.arguments()
    entry, own, path, ignored, code, refused = sys.argv[1:_FIRST]
    del sys.argv[1:_FIRST]
    front = Launcher(entry, own, path, ignored)
    for key in _NAMED:
        value = front.word(key)
        if value is not None:
            os.environ[key] = value
    words = words[_FIRST - 1 :]
    if entry == "hook":
        from hostfit.runtime import hook  # the wrapper needs none of it

        return hook.main(script, places, gate=gate)
    if entry == "shim":
        from hostfit.runtime import shim  # as above

        if refused:
            error = _error(refused, code)
            return shim.refused(error.message, words, Paths(*places), gate=gate)
        return shim.serve(front, words, Paths(*places), gate=gate)
    if refused:
        paths = record.rooted(Paths(*places), front.word("XDG_RUNTIME_DIR"))
        return _refused(_error(refused, code).message, words, paths, gate)
    from hostfit.runtime import wrapper  # the hook needs none of it

    return wrapper.serve(front, words, Paths(*places), gate=gate)


def _error(path: str, code: str) -> RuntimeUnusableError:
    return execve.refused(path, errno.errorcode.get(int(code), f"errno {code}"))


def _refused(message: str, words: list[bytes], paths: Paths, gate: Any) -> int:
    """Say that the kernel refused the runtime that was decided on, and take its record away."""
    from hostfit.oci import argv  # rare
    from hostfit.runtime.abort import abort  # rare

    call = argv.parse(words)
    if call.verb in argv.GATED and call.id:
        _forget(call, message, paths, gate)
    return abort(call, message)


def _forget(call: Call, message: str, paths: Paths, gate: Any) -> None:
    from hostfit.oci.request import Bundle, Request  # rare
    from hostfit.runtime import judge  # rare

    root = record.absolute_root(call)
    found = record.load(paths, root, call.id)
    if found is not None and found.pid == os.getpid():
        record.remove(paths, root, call.id)
    bundle = Bundle(record.absolute_bundle(call))
    judge.stopped(Request(entry="runtime", verb=call.verb, id=call.id, bundle=bundle, root=root), paths, gate, message)
