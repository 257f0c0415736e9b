"""Programs below facts.d: run by the service every minute, with an end in time and in output, and nothing to gain.

Whoever starts a container never runs one (design: what gets installed). A program must be root's alone to change; it
gets no standard input, an empty environment but for PATH, and none of the capabilities that the service has.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import stat
import subprocess
import time

from hostfit.core.errors import PolicyError
from hostfit.oci.files import open_trusted, symbol
from hostfit.service.watch import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
EVERY = 60.0
"""Seconds from the end of a run to the next."""
LIMIT = 10.0
"""Seconds that a run may take."""
OUTPUT = 64 << 10
"""Bytes that a run may print."""
_MOST = 64
"""Programs of one host; further ones are not run."""
_AT_ONCE = 4
_NICE = "/usr/bin/nice"
_PR_CAP_AMBIENT, _CLEAR_ALL = 47, 4
"""prctl(2): capabilities of a service that is not root are ambient ones, which a program would inherit."""
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class _Program:
    """One program: what it printed last, or why that is not known."""

    __slots__ = ("due", "end", "identity", "output", "printed", "process", "why")

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.printed = b""
        self.output: bytes | None = None
        self.why = "has not ended yet"
        self.identity: tuple[int, ...] = ()
        self.due = 0.0
        self.end = 0.0


class Programs:
    """The programs of one directory. `step` starts, reads and ends them, and never waits."""

    def __init__(self, folder: str, *, limit: float = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._programs: dict[str, _Program] = {}

    @property
    def busy(self) -> bool:
        """Whether one is running."""
        return any([one.process is not None for one in self._programs.values()])

    def value(self, path: str) -> bytes:
        """Give what a program printed in its last run. Raises ValueError where there is no such thing."""
        one = self._programs.get(path)
        if one is None or one.identity != identity(path):
            raise ValueError(f"{path}: a program that has not run yet")
        if one.output is None:
            raise ValueError(f"{path}: {one.why}")
        return one.output

    def step(self) -> None:
        """Look after all programs once."""
        now = time.monotonic()
        found = self._found()
        for path in [path for path in self._programs if path not in found]:
            self._end(self._programs.pop(path), "was removed")
        for path in found:
            one = self._programs.setdefault(path, _Program())
            if one.process is not None:
                self._look(one, now)
            elif now >= one.due or one.identity != identity(path):
                running = [each for each in self._programs.values() if each.process is not None]
                if len(running) < _AT_ONCE:
                    self._start(one, path, now)

    def close(self) -> None:
        """End what runs."""
        for one in self._programs.values():
            self._end(one, "was ended")

    def _found(self) -> list[str]:
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:
            return []
        paths = [f"{self._folder}/{name}" for name in names if not name.startswith(".")]
        return [path for path in paths if _is_program(path)][:_MOST]

    def _start(self, one: _Program, path: str, now: float) -> None:
        one.identity = identity(path)
        one.printed = b""
        one.due = now + EVERY
        one.end = now + self._limit
        try:
            os.close(open_trusted(path))
            one.process = subprocess.Popen(
                [_NICE, "-n", "19", path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
                preexec_fn=_without_capabilities,  # noqa: PLW1509 - one thread, and no other way before exec
            )
            os.set_blocking(_pipe(one), False)
        except PolicyError as error:
            one.output, one.why = None, error.message
        except OSError as error:
            one.output, one.why = None, symbol(error)
        except subprocess.SubprocessError:
            one.output, one.why = None, "could not be started without the service's capabilities"

    def _look(self, one: _Program, now: float) -> None:
        while True:
            try:
                part = os.read(_pipe(one), OUTPUT)
            except BlockingIOError:
                break
            one.printed += part
            if not part or len(one.printed) > OUTPUT:
                break
        if len(one.printed) > OUTPUT:
            self._end(one, f"printed more than {OUTPUT} bytes")
        elif one.process is not None and one.process.poll() is not None:
            status = one.process.returncode
            self._end(one, f"ended with status {status}" if status else "")
        elif now > one.end:
            self._end(one, f"took more than {self._limit:g} s")
        else:
            return
        one.due = now + EVERY

    def _end(self, one: _Program, why: str) -> None:
        """Forget a run, with everything that it started in its session; without a reason it was a good one."""
        if one.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()
        if not why:
            one.printed += _rest(_pipe(one))
            why = f"printed more than {OUTPUT} bytes" if len(one.printed) > OUTPUT else ""
        if one.process.stdout is not None:
            one.process.stdout.close()
        one.process = None
        one.output, one.why = (None, why) if why else (one.printed, "")


def _without_capabilities() -> None:
    if _libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _pipe(one: _Program) -> int:
    process: Any = one.process
    return int(process.stdout.fileno())


def _rest(fd: int) -> bytes:
    try:
        return os.read(fd, OUTPUT + 1)
    except BlockingIOError:
        return b""


def _is_program(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o111)
