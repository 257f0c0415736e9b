"""HPACK header compression, as far as a gRPC client needs it: write plain literals, read what a server may send.

Source: RFC 7541. The client announces a dynamic table of size 0, so only the static table and literals occur; an
index beyond the static table is an error. Huffman codes are canonical, so the symbols by code length are enough.
"""

from __future__ import annotations

_STATIC_NAMES = (  # noqa: SIM905 - sixty words on seven lines
    ":authority :method :method :path :path :scheme :scheme :status :status :status :status :status :status :status "
    "accept-charset accept-encoding accept-language accept-ranges accept access-control-allow-origin age allow "
    "authorization cache-control content-disposition content-encoding content-language content-length "
    "content-location content-range content-type cookie date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards "
    "proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie "
    "strict-transport-security transfer-encoding user-agent vary via www-authenticate"
).split()
_STATIC_VALUES = {
    2: "GET", 3: "POST", 4: "/", 5: "/index.html", 6: "http", 7: "https", 8: "200", 9: "204", 10: "206", 11: "304",
    12: "400", 13: "404", 14: "500", 16: "gzip, deflate",
}  # fmt: skip

_HUFFMAN = (
    (5, "303132616365696f7374"),
    (6, "20252d2e2f333435363738393d415f62646667686c6d6e707275"),
    (7, "3a42434445464748494a4b4c4d4e4f5051525354555657596a6b71767778797a"),
    (8, "262a2c3b585a"),
    (10, "212228293f"),
    (11, "272b7c"),
    (12, "233e"),
    (13, "0024405b5d7e"),
    (14, "5e7d"),
    (15, "3c607b"),
    (19, "5cc3d0"),
    (20, "808283a2b8c2e0e2"),
    (21, "99a1a7acb0b1b3d1d8d9e3e5e6"),
    (22, "8184858688929a9ca0a3a4a9aaadb2b5b9babbbdbec4c6e4e8e9"),
    (23, "0187898a8b8c8d8f93959697989b9d9ea5a6a8aeafb4b6b7bcbfc5e7ef"),
    (24, "098e9091949fabced7e1eced"),
    (25, "c7cfeaeb"),
    (26, "c0c1c8c9cacdd2d5dadbeef0f2f3ff"),
    (27, "cbccd3d4d6dddedff1f4f5f6f7f8fafbfcfdfe"),
    (28, "020304050607080b0c0e0f1011121314151718191a1b1c1d1e1f7fdcf9"),
    (30, "0a0d16"),
)
"""Symbols by length of their code in bits, in the order of the codes (RFC 7541, appendix B)."""

_codes: dict[tuple[int, int], int] = {}
"""Symbol by length and code; filled on first use, since most replies need it but most starts make no call."""


def encode(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Write a header block of literals without indexing."""
    out = bytearray()
    for name, value in headers:
        out.append(0)
        for text in (name, value):
            data = text.encode("latin-1")
            out += _integer(len(data), 7) + data
    return bytes(out)


def decode(block: bytes) -> dict[str, str]:
    """Read a header block; of a repeated header the last value counts. Raises ValueError."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(block):
        first = block[at]
        if first & 0x80:
            index, at = _read_integer(block, at, 7)
            name, value = _static(index), _STATIC_VALUES.get(index, "")
        elif first & 0xE0 == 0x20:
            _, at = _read_integer(block, at, 5)
            continue
        else:
            index, at = _read_integer(block, at, 6 if first & 0x40 else 4)
            if index:
                name = _static(index)
            else:
                name, at = _string(block, at)
            value, at = _string(block, at)
        headers[name] = value
    return headers


def _static(index: int) -> str:
    if not 0 < index <= len(_STATIC_NAMES):
        raise ValueError(f"header index {index} is outside of the static table")
    return _STATIC_NAMES[index - 1]


def _string(block: bytes, at: int) -> tuple[str, int]:
    if at >= len(block):
        raise ValueError("header block ends early")
    packed = bool(block[at] & 0x80)
    size, at = _read_integer(block, at, 7)
    if size > len(block) - at:
        raise ValueError("header block ends early")
    data = block[at : at + size]
    return (huffman(data) if packed else data).decode("latin-1"), at + size


def huffman(data: bytes) -> bytes:
    """Unpack a Huffman-coded string; raises ValueError where it does not end in at most seven one-bits."""
    if not _codes:
        _fill()
    out = bytearray()
    length = code = 0
    for byte in data:
        for shift in (7, 6, 5, 4, 3, 2, 1, 0):
            code = code << 1 | byte >> shift & 1
            length += 1
            symbol = _codes.get((length, code))
            if symbol is not None:
                out.append(symbol)
                length = code = 0
            elif length > 30:
                raise ValueError("header has an unknown Huffman code")
    if length > 7 or code != (1 << length) - 1:
        raise ValueError("header has bad Huffman padding")
    return bytes(out)


def _fill() -> None:
    code = last = 0
    for length, symbols in _HUFFMAN:
        code <<= length - last
        last = length
        for symbol in bytes.fromhex(symbols):
            _codes[length, code] = symbol
            code += 1


def _integer(value: int, prefix: int) -> bytes:
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes((value,))
    out = bytearray((limit,))
    value -= limit
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_integer(block: bytes, at: int, prefix: int) -> tuple[int, int]:
    limit = (1 << prefix) - 1
    value = block[at] & limit
    at += 1
    if value < limit:
        return value, at
    shift = 0
    while True:
        if at >= len(block) or shift > 28:
            raise ValueError("header block has a number without an end")
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
