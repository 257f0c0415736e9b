"""Telling an engine why nothing starts, in every channel that one of them reads (one line, exit status 1)."""

from __future__ import annotations

import os
import sys
import time

from hostfit.core import fastjson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.oci.argv import Call

_STDERR = ("/dev/stderr", "/dev/fd/2", "/proc/self/fd/2")


def abort(call: Call | None, message: str) -> int:
    """Write the message where engines look and give the exit status.

    The runtime's log is what containerd's shim and Podman read: the last line with level "error" and an RFC 3339 time.
    Standard error is what conmon, CRI-O and buildah read, always. Failures to write change nothing.
    """
    from hostfit.gate.wording import wording  # only where something fails

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
