"""A small gRPC client: calls with one request and one or more replies, over HTTP/2 on a Unix socket.

Source: RFC 9113 (HTTP/2) and grpc/doc/PROTOCOL-HTTP2.md. grpcio costs 100 ms to import, which a container's start
cannot spend. One connection, one call at a time, one deadline for everything; every read is capped.
"""

from __future__ import annotations

import _socket
import errno
import os
import stat
import time
from _struct import pack, unpack, unpack_from

from hostfit.core.errors import SourceError
from hostfit.core.text import quoted
from hostfit.sources import hpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_FOUND = 5
"""From gRPC's statuscodes.md; other statuses need no telling apart."""

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PUSH_PROMISE, _PING, _GOAWAY, _WINDOW_UPDATE, _CONTINUATION = (
    0, 1, 3, 4, 5, 6, 7, 8, 9,
)  # fmt: skip
_END_STREAM = _ACK = 1
_END_HEADERS, _PADDED, _PRIORITY = 4, 8, 0x20
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME = 16384
_WINDOW = 64 << 20
"""Bytes that the peer may send on the whole connection: no window is ever given again, so this is a cap too."""
_HEADER_BLOCK = 64 << 10
_HEADER_TABLE_SIZE, _ENABLE_PUSH, _INITIAL_WINDOW_SIZE = 1, 2, 4


class TransportError(SourceError):
    """The server cannot be reached or does not answer as it should; this says nothing about what it stores."""


class StatusError(TransportError):
    """The server answered with a gRPC status other than OK; `status` is its number."""

    def __init__(self, method: str, status: int, message: str) -> None:
        super().__init__(f"{method}: gRPC status {status}: {quoted(message)}")
        self.status = status


class Channel:
    """One connection to a server whose socket belongs to root or to us."""

    def __init__(self, path: str, *, timeout: float) -> None:
        """Connect to the socket at `path`; everything has to be over in `timeout` seconds. Raises TransportError."""
        self.path = path
        self._deadline = time.monotonic() + timeout
        self._buffer = b""
        self._received = 0
        self._next = 1
        self._socket = _connect(path, self._left())
        settings = pack("!HIHIHI", _HEADER_TABLE_SIZE, 0, _ENABLE_PUSH, 0, _INITIAL_WINDOW_SIZE, _WINDOW)
        self._send(_PREFACE + _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW_UPDATE, 0, 0, pack("!I", _WINDOW)))

    def __enter__(self) -> Channel:  # noqa: PYI034 - Self is in typing, which the hot path does not import
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection."""
        self._socket.close()

    def call(self, method: str, request: bytes, metadata: tuple[tuple[str, str], ...] = ()) -> list[bytes]:
        """Send one request to `method` ("/package.Service/Name") and give every reply.

        Raises StatusError for a status other than OK and TransportError where the connection fails.
        """
        stream, self._next = self._next, self._next + 2
        left_ms = max(1, int(self._left() * 1000))
        headers = hpack.encode(
            (
                (":method", "POST"),
                (":scheme", "http"),
                (":path", method),
                (":authority", "localhost"),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                ("grpc-timeout", f"{left_ms}m"),
                ("user-agent", "hostfit"),
                *metadata,
            )
        )
        body = b"\0" + pack("!I", len(request)) + request
        if len(headers) > _FRAME or len(body) > _FRAME:
            raise TransportError(f"{method}: request must fit one frame of {_FRAME} bytes, found {len(body)}")
        self._send(
            _frame(_HEADERS, _END_HEADERS, stream, headers) + _frame(_DATA, _END_STREAM, stream, body),
        )
        try:
            return self._answer(method, stream)
        except ValueError as error:
            raise TransportError(f"{self.path}: {method}: {error}") from None

    def _answer(self, method: str, stream: int) -> list[bytes]:
        headers: dict[str, str] = {}
        data = bytearray()
        block, ends = b"", False
        while True:
            kind, flags, number, payload = self._frame()
            if kind == _GOAWAY:
                raise ValueError("server ends the connection")
            if number != stream:
                continue
            if kind == _RST_STREAM:
                raise ValueError(f"server resets the call with code {int.from_bytes(payload[:4], 'big')}")
            if kind == _DATA:
                data += _unpadded(flags, payload)
            elif kind in (_HEADERS, _CONTINUATION):
                block += _block(kind, flags, payload)
                if len(block) > _HEADER_BLOCK:
                    raise ValueError("server sends too many headers")
                ends = ends or (kind == _HEADERS and bool(flags & _END_STREAM))
                if not flags & _END_HEADERS:
                    continue
                headers.update(hpack.decode(block))
                block = b""
            if ends or (kind == _DATA and flags & _END_STREAM):
                break
        status = headers.get("grpc-status", "")
        if headers.get(":status") != "200" or not (status.isascii() and status.isdigit()):
            raise ValueError(
                f"HTTP status 200 and a gRPC status are required, found {quoted(headers.get(':status', ''))}"
            )
        if status != "0":
            raise StatusError(method, int(status[:4]), _percent_decoded(headers.get("grpc-message", "")))
        return list(_messages(bytes(data)))

    def _frame(self) -> tuple[int, int, int, bytes]:
        """Read one frame, and answer the server's SETTINGS and PING by the way."""
        while True:
            head = self._read(9)
            size = int.from_bytes(head[:3], "big")
            kind, flags = head[3], head[4]
            number = int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
            if size > _FRAME:
                raise ValueError(f"frame must not be larger than {_FRAME} bytes, found {size}")
            payload = self._read(size)
            if kind == _PUSH_PROMISE:
                raise ValueError("server pushes although it must not")
            if kind == _SETTINGS:
                if not flags & _ACK:
                    self._send(_frame(_SETTINGS, _ACK, 0, b""))
            elif kind == _PING:
                if not flags & _ACK:
                    self._send(_frame(_PING, _ACK, 0, payload))
            else:
                return kind, flags, number, payload

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._socket.settimeout(self._left())
            try:
                chunk = self._socket.recv(_FRAME * 4)
            except OSError as error:
                raise TransportError(f"{self.path}: read: {_symbol(error)}") from None
            if not chunk:
                raise TransportError(f"{self.path}: server closed the connection")
            self._received += len(chunk)
            if self._received > _WINDOW:
                raise TransportError(f"{self.path}: server sent more than {_WINDOW} bytes")
            self._buffer += chunk
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise TransportError(f"{self.path}: write: {_symbol(error)}") from None

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TransportError(f"{self.path}: no answer in time")
        return left


def _connect(path: str, timeout: float) -> _socket.socket:
    if not path.startswith("/"):
        raise TransportError(f"{quoted(path)}: an absolute path of a socket is required")
    connection = None
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise TransportError(f"{quoted(path)}: a socket is required")
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        connection.settimeout(timeout)
        connection.connect(path)
        _, uid, _ = unpack("iII", connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12))
    except (OSError, ValueError) as error:
        if connection is not None:
            connection.close()
        raise TransportError(f"{quoted(path)}: connect: {_symbol(error)}") from None
    if uid not in (0, os.geteuid()):
        connection.close()
        raise TransportError(
            f"{quoted(path)}: a server of root or of user {os.geteuid()} is required, found user {uid}"
        )
    return connection


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return pack("!I", len(payload))[1:] + bytes((kind, flags)) + pack("!I", stream) + payload


def _block(kind: int, flags: int, payload: bytes) -> bytes:
    if kind == _CONTINUATION:
        return payload
    payload = _unpadded(flags, payload)
    return payload[5:] if flags & _PRIORITY else payload


def _unpadded(flags: int, payload: bytes) -> bytes:
    if not flags & _PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ValueError("frame has bad padding")
    return payload[1 : len(payload) - payload[0]]


def _messages(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        if len(data) - at < 5:
            raise ValueError("reply ends early")
        compressed, size = unpack_from("!BI", data, at)
        at += 5
        if compressed:
            raise ValueError("reply is compressed although that was not offered")
        if size > len(data) - at:
            raise ValueError("reply ends early")
        yield data[at : at + size]
        at += size


def _percent_decoded(text: str) -> str:
    """Undo the encoding of `grpc-message`; what is not well-formed stays as it is."""
    out = bytearray()
    data = text.encode("latin-1", "replace")
    at = 0
    while at < len(data):
        try:
            out.append(int(data[at + 1 : at + 3], 16) if data[at] == 0x25 else data[at])
            at += 3 if data[at] == 0x25 else 1
        except ValueError:
            out.append(data[at])
            at += 1
    return out.decode("utf-8", "replace")


def _symbol(error: OSError | ValueError) -> str:
    if isinstance(error, TimeoutError):
        return "ETIMEDOUT"
    number = getattr(error, "errno", None)
    return errno.errorcode.get(number, str(number)) if number else "not a valid path"
