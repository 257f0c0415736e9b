"""The one line for an engine, in words that none of them turns into another kind of error."""

from __future__ import annotations

from hostfit.core.text import escape
from hostfit.gate.words import RECLASSIFIED

_BYTES = 1000
"""The message's length: conmon and runc's callers put it into one error string, and the limit is 1 KiB."""


def wording(message: str) -> str:
    """Give one line of at most 1000 bytes that no engine mistakes for another kind of error."""
    line = message if message.isascii() and message.isprintable() else escape(message, _BYTES)
    for words, better in RECLASSIFIED.items():
        place = line.lower().find(words)
        while place >= 0:
            line = line[:place] + better + line[place + len(words) :]
            place = line.lower().find(words, place + len(better))
    if not line.startswith("hostfit: "):
        line = "hostfit: " + line
    data = line.encode("utf-8", "replace")
    return line if len(data) <= _BYTES else data[: _BYTES - 3].decode("utf-8", "ignore") + "..."
