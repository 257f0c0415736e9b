"""Tables that fit a terminal: the widest columns give way first, and their text wraps."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = 2
_NARROWEST = 10


def render(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Give the table as text of at most `width` columns, or of as few as its columns can be wrapped to.

    An address (https://...) is never broken, so that it can be copied: its line may be longer.

    Cells are plain text without control characters; the first row shown is `headers`.
    """
    cells = [tuple(headers), *[tuple(row) for row in rows]]
    natural = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    widths = _fit(natural, width - _GAP * (len(headers) - 1))
    lines: list[str] = []
    for row in cells:
        wrapped = [_wrap(cell, size) for cell, size in zip(row, widths, strict=True)]
        for number in range(max(len(cell) for cell in wrapped)):
            line = [
                (cell[number] if number < len(cell) else "").ljust(size)
                for cell, size in zip(wrapped, widths, strict=True)
            ]
            lines.append((" " * _GAP).join(line).rstrip())
    return "\n".join(lines)


def _fit(natural: list[int], room: int) -> list[int]:
    """Shrink the widest columns until all fit into `room`, none below its share or _NARROWEST."""
    widths = list(natural)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=widths.__getitem__)
        if widths[widest] <= _NARROWEST:
            break
        others = sum(widths) - widths[widest]
        runner_up = max([size for column, size in enumerate(widths) if column != widest], default=_NARROWEST)
        widths[widest] = max(min(widths[widest] - 1, max(room - others, runner_up)), _NARROWEST)
    return widths


def _wrap(text: str, width: int) -> list[str]:
    """Break a cell at spaces where it has some, else anywhere but in an address."""
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words="://" not in text) or [""]
