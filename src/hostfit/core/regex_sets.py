"""Sets of characters for patterns: ranges of code points, Perl and POSIX classes, case folding.

Source: RE2's syntax page (github.com/google/re2/wiki/Syntax) and Go's `regexp/syntax`; both give these classes
their ASCII meaning.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Ranges = tuple[tuple[int, int], ...]

LAST = 0x10FFFF
NEWLINE = 0x0A
ANY: Ranges = ((0, LAST),)
NOT_NEWLINE: Ranges = ((0, 0x09), (0x0B, LAST))
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
PERL: dict[str, Ranges] = {"d": ((0x30, 0x39),), "s": ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20)), "w": WORD}
POSIX: dict[str, Ranges] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "ascii": ((0x00, 0x7F),),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)),
    "digit": ((0x30, 0x39),),
    "graph": ((0x21, 0x7E),),
    "lower": ((0x61, 0x7A),),
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": ((0x41, 0x5A),),
    "word": WORD,
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
_FOLDS_BEYOND_ASCII = {ord("k"): 0x212A, ord("s"): 0x017F}
"""Kelvin sign and long s, the only characters beyond ASCII that simple folding equates with ASCII letters."""


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort ranges and join those that touch."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def negate(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Every code point that is not in `ranges`."""
    found, start = [], 0
    for low, high in union(ranges):
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        found.append((start, LAST))
    return tuple(found)


def fold(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Add the other case of every ASCII letter; what lies beyond ASCII must not be among `ranges`."""
    found = list(ranges)
    for low, high in tuple(found):
        for first in (0x41, 0x61):
            start, end = max(low, first), min(high, first + 25)
            if start <= end:
                found.append((start ^ 0x20, end ^ 0x20))
    for letter, twin in _FOLDS_BEYOND_ASCII.items():
        if any([low <= letter <= high for low, high in found]):
            found.append((twin, twin))
    return union(found)
