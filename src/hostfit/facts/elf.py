"""One section of an ELF file, found through the section headers.

Every offset is checked and every read is capped; nothing is mapped, for a file may shrink (security rule R7).
Source: elf(5).
"""

from __future__ import annotations

import os

from hostfit.core import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Order = Literal["little", "big"]


def section(descriptor: int, name: bytes, cap: int) -> bytes:
    """Give the content of a section, empty if there is none of that name.

    Raises OSError, and ValueError for a file that is no ELF file, lies about itself, or has a section over `cap`.
    """
    head = os.pread(descriptor, 64, 0)
    if len(head) < 64 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise ValueError("not an ELF file")
    wide = head[4] == 2
    order: Order = "little" if head[5] == 1 else "big"
    table = int.from_bytes(head[40:48] if wide else head[32:36], order)
    last = head[58:64] if wide else head[46:52]
    size, count, strings = [int.from_bytes(last[at : at + 2], order) for at in (0, 2, 4)]
    if size < (64 if wide else 40) or size * count > limits.ELF_HEADERS or strings >= count:
        raise ValueError("section headers out of bounds")
    headers = _at(descriptor, table, size * count, limits.ELF_HEADERS)
    places = [_place(headers[at : at + size], wide, order) for at in range(0, size * count, size)]
    names = _at(descriptor, *places[strings][1:], limits.ELF_HEADERS)
    for place in places:
        end = names.find(b"\0", place[0])
        if end >= 0 and names[place[0] : end] == name:
            return _at(descriptor, *place[1:], cap)
    return b""


def _place(header: bytes, wide: bool, order: Order) -> tuple[int, int, int]:
    """Give name offset, file offset and size of a section."""
    spans = ((0, 4), (24, 32), (32, 40)) if wide else ((0, 4), (16, 20), (20, 24))
    name, offset, size = [int.from_bytes(header[first:last], order) for first, last in spans]
    return name, offset, size


def _at(descriptor: int, offset: int, size: int, cap: int) -> bytes:
    if size > cap or offset >= 1 << 62:
        raise ValueError("section out of bounds")
    data = os.pread(descriptor, size, offset)
    if len(data) != size:
        raise ValueError("section beyond the end of the file")
    return data
