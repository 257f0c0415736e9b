"""Telling an engine why nothing starts, in every channel that one of them reads (one line, exit status 1)."""

from __future__ import annotations

import os
import sys
import time

from hostfit.core import fastjson
from hostfit.core.text import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.oci.argv import Call

_BYTES = 1000
"""The message's length: conmon and runc's callers put it into one error string, and the limit is 1 KiB."""

_RECLASSIFIED = (
    ("executable file not found", "no executable file"),
    ("executable path is empty", "no executable path"),
    ("no such file or directory", "ENOENT"),
    ("no such file", "ENOENT"),
    ("system cannot find the file specified", "ENOENT"),
    ("not found", "absent"),
    ("does not exist", "is absent"),
    ("permission denied", "EACCES"),
    ("operation not permitted", "EPERM"),
    ("open executable", "open the executable"),
    ("is a directory", "EISDIR"),
    ("not a directory", "ENOTDIR"),
    ("no such process", "ESRCH"),
    ("invalid process", "bad process"),
    ("container not running", "container is stopped"),
    ("process already finished", "process has ended"),
)
"""Words by which Podman, Docker, CRI-O and containerd turn an error into another one, and what to say instead."""

_STDERR = ("/dev/stderr", "/dev/fd/2", "/proc/self/fd/2")


def wording(message: str) -> str:
    """Give one line of at most 1000 bytes that no engine mistakes for another kind of error."""
    line = message if message.isascii() and message.isprintable() else escape(message, _BYTES)
    for words, better in _RECLASSIFIED:
        place = line.lower().find(words)
        while place >= 0:
            line = line[:place] + better + line[place + len(words) :]
            place = line.lower().find(words, place + len(better))
    if not line.startswith("hostfit: "):
        line = "hostfit: " + line
    data = line.encode("utf-8", "replace")
    return line if len(data) <= _BYTES else data[: _BYTES - 3].decode("utf-8", "ignore") + "..."


def abort(call: Call | None, message: str) -> int:
    """Write the message where engines look and give the exit status.

    The runtime's log is what containerd's shim and Podman read: the last line with level "error" and an RFC 3339 time.
    Standard error is what conmon, CRI-O and buildah read, always. Failures to write change nothing.
    """
    line = wording(message)
    if call is not None and call.log and call.log not in _STDERR:
        _log(call.log, call.log_format, line)
    # None means that descriptor 2 was closed when we started, and whatever has that number now is no stderr.
    if sys.stderr is not None:
        _write(2, line + "\n")
    return 1


def crash(error: BaseException) -> str:
    """Name an exception by its type and innermost place; its text may come from an image and is left out."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f" at {os.path.basename(trace.tb_frame.f_code.co_filename)} line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"internal error: {type(error).__name__}{place}"


def _log(log: str, form: str, line: str) -> None:
    """Append one entry to the file that --log names; crun also takes `file:PATH`, `journald:ID` and `syslog:ID`."""
    if log.startswith(("journald:", "syslog:")):
        return
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if form == "json":
        entry = fastjson.dumps({"level": "error", "msg": line, "time": now})
    else:
        entry = f'time="{now}" level=error msg={fastjson.dumps(line)}'
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        fd = os.open(log.removeprefix("file:"), flags, 0o644)
    except (OSError, ValueError):
        return
    _write(fd, entry + "\n")
    os.close(fd)


def _write(fd: int, text: str) -> None:
    data = text.encode("utf-8", "replace")
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        return
