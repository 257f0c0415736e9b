"""Image names and patterns: `*` stands for any text, slashes included; nothing else is special."""

from __future__ import annotations


def matches(pattern: str, name: str) -> bool:
    """Whether the whole of `name` matches. Takes time in proportion to both lengths multiplied at worst."""
    pieces = pattern.split("*")
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return pattern == name
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in pieces[1:-1]:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
