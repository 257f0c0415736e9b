"""The wire format of protocol buffers, as far as containerd's API needs it: varints and length-delimited fields.

Source: protobuf.dev, "Encoding". Field numbers are given by the caller; there are no generated classes.
"""

from __future__ import annotations

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_FIELDS = 100_000


def encode(*fields: tuple[int, str | bytes | int]) -> bytes:
    """Write fields in the order given; defaults (empty text, zero) are left out as proto3 does."""
    out = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            if value:
                out += _varint(number << 3 | _VARINT) + _varint(value)
            continue
        data = value.encode() if isinstance(value, str) else value
        if data:
            out += _varint(number << 3 | _BYTES) + _varint(len(data)) + data
    return bytes(out)


class Message:
    """One decoded message: every value of every field, in order; missing fields read as their default."""

    __slots__ = ("_fields",)

    def __init__(self, data: bytes) -> None:
        """Decode `data`; raises ValueError where it ends early or holds a wire type that proto3 has not."""
        self._fields: dict[int, list[int | bytes]] = {}
        at, end, count = 0, len(data), 0
        while at < end:
            key, at = _read_varint(data, at)
            kind, number = key & 7, key >> 3
            value: int | bytes
            if kind == _VARINT:
                value, at = _read_varint(data, at)
            elif kind in (_BYTES, _FIXED64, _FIXED32):
                size = 8 if kind == _FIXED64 else 4
                if kind == _BYTES:
                    size, at = _read_varint(data, at)
                if size > end - at:
                    raise ValueError(f"message ends inside field {number}")
                value = data[at : at + size]
                at += size
            else:
                raise ValueError(f"message has wire type {kind}")
            count += 1
            if count > _MAX_FIELDS:
                raise ValueError(f"message has more than {_MAX_FIELDS} fields")
            self._fields.setdefault(number, []).append(value)

    def all_bytes(self, number: int) -> list[bytes]:
        """Every length-delimited value of a field."""
        return [value for value in self._fields.get(number, ()) if isinstance(value, bytes)]

    def bytes(self, number: int) -> bytes:
        """The last length-delimited value of a field, as proto3 reads repeated scalars."""
        values = self.all_bytes(number)
        return values[-1] if values else b""

    def text(self, number: int) -> str:
        """The value of a text field; raises ValueError where it is not UTF-8."""
        return self.bytes(number).decode()

    def integer(self, number: int) -> int:
        """The value of a varint field."""
        values = [value for value in self._fields.get(number, ()) if isinstance(value, int)]
        return values[-1] if values else 0

    def message(self, number: int) -> Message:
        """The message in a field, an empty one where it is missing."""
        return Message(self.bytes(number))

    def messages(self, number: int) -> list[Message]:
        """Every message of a repeated field."""
        return [Message(value) for value in self.all_bytes(number)]

    def mapping(self, number: int) -> dict[str, str]:
        """A `map<string, string>` field."""
        return {entry.text(1): entry.text(2) for entry in self.messages(number)}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("message has a number without an end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
