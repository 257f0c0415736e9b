"""Becoming the real runtime as if it had been called directly: same arguments, environment and signals."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the interpreter has it loaded; `signal` would bring enum
import os
import stat
import sys

from hostfit.core.errors import PolicyError, RuntimeUnusableError
from hostfit.core.text import escape
from hostfit.oci.files import open_trusted, read_capped, symbol

_CAP = 16 << 20
"""More than the kernel allows for arguments and environment together."""

_RESETTERS = ("conmonrs", "containerd-shim-runc-v2-rs", "youki")
"""Parents written in Rust: they ignore SIGPIPE themselves and give it back to their children."""


def arguments() -> list[bytes]:
    """Give the arguments after the script's name as the kernel has them, from /proc/self/cmdline.

    Decoding and encoding them again is exact only in some locales.
    """
    count = len(sys.argv) - 1
    try:
        words = read_capped("/proc/self/cmdline", _CAP).split(b"\0")[:-1]
    except OSError:
        words = []
    if len(words) <= count:
        return [os.fsencode(word) for word in sys.argv[1:]]
    return words[len(words) - count :]


def isolate(script: str) -> None:
    """Start again under `-I -S` where an installer rewrote the launcher's first line without them."""
    if sys.flags.isolated and sys.flags.no_site:
        return
    interpreter = sys.executable or "/usr/bin/python3"
    words = [os.fsencode(word) for word in (interpreter, "-IS", script)] + arguments()
    _restore_environment()
    os.execv(interpreter, words)  # noqa: S606 - the interpreter that already runs, no shell


def require_usable(path: str) -> None:
    """Check that only root could have put an executable there (security rule R3). Raises RuntimeUnusableError."""
    try:
        fd = open_trusted(path)
        try:
            mode = os.fstat(fd).st_mode
        finally:
            os.close(fd)
    except PolicyError as error:
        raise RuntimeUnusableError("runtime " + error.message, hint=error.hint) from error
    except (OSError, ValueError) as error:
        found = symbol(error) if isinstance(error, OSError) else "a path that no file can have"
        raise RuntimeUnusableError(f"runtime {escape(path)}: must be there, found {found}") from error
    if not stat.S_IMODE(mode) & 0o111:
        raise RuntimeUnusableError(f"runtime {escape(path)}: must be executable, found mode {stat.S_IMODE(mode):04o}")


class Script:
    """An entry point that engines execute itself, so that this process has been Python from its start.

    `path` is what was executed, whose name may ask for a runtime, and `own` the file that must not be taken for one.
    """

    __slots__ = ("own", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.own = path

    def word(self, key: str) -> str | None:
        """Give one word of the caller's environment, None where it is not there."""
        return os.environ.get(key)

    def become(self, path: str, words: list[bytes]) -> None:
        """Replace this process by the runtime at `path`, which is also its argv[0].

        crun picks its handler by that name. Nothing of ours stays: no variable, no descriptor, no process. Raises
        RuntimeUnusableError where the kernel refuses.
        """
        _restore_signals()
        _restore_environment()
        try:
            os.execv(path, [os.fsencode(path), *words])  # noqa: S606 - the runtime itself is the point, no shell
        except OSError as error:
            _signal.signal(_signal.SIGPIPE, _signal.SIG_IGN)
            raise refused(path, symbol(error)) from error


def refused(path: str, found: str) -> RuntimeUnusableError:
    """Give the error for a runtime that the kernel does not execute; `found` is its errno's symbol."""
    return RuntimeUnusableError(f"runtime {escape(path)}: must be executable, found {found}")


def _restore_environment() -> None:
    """Take back the one variable that Python changes in the C environment, LC_CTYPE (PEP 538).

    That environment, not os.environ, is what execv passes on: it still has the order, duplicates and words without
    `=` of the original.
    """
    if b"LC_CTYPE" not in os.environb:
        return
    try:
        original = read_capped("/proc/self/environ", _CAP).split(b"\0")
    except OSError:
        return
    for word in original:
        if word.startswith(b"LC_CTYPE="):
            os.putenv(b"LC_CTYPE", word[9:])
            return
    os.unsetenv(b"LC_CTYPE")


def _restore_signals() -> None:
    """Give SIGPIPE and SIGXFSZ back what they had when this process was executed, as far as that can be known.

    Python ignores both before any line of ours, and the kernel keeps no trace of what was there. The parent tells:
    what it does not ignore, a child does not inherit as ignored, and what it does ignore, a child inherits, unless
    the parent is one of those that ignore a signal for themselves and hand it back to their children: Python's
    subprocess and Rust's standard library. conmon, systemd and shells are not. Wrong is only a caller that changes
    these signals between fork and exec in yet another way; the native launcher sees them before Python does.
    """
    parent = os.getppid()
    ignored = 0
    try:
        for line in read_capped(f"/proc/{parent}/status", 1 << 16).splitlines():
            if line.startswith(b"SigIgn:"):
                ignored = int(line[7:], 16)
        if ignored:
            name = os.path.basename(os.readlink(f"/proc/{parent}/exe"))
            if name.startswith("python") or name in _RESETTERS:
                ignored = 0
    except (OSError, ValueError):
        pass
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
        if not ignored >> (number - 1) & 1:
            _signal.signal(number, _signal.SIG_DFL)
