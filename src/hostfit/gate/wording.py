"""The one line for an engine, in words that none of them turns into another kind of error."""

from __future__ import annotations

from hostfit.core.text import escape

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
