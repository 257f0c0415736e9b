"""Connections to the service: who may ask, how much, how long. Nothing here waits, and everything has an end."""

from __future__ import annotations

import os
import socket
import struct
import time

from hostfit.service import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.service.wire import Question

READING = 1.0
"""Seconds in which a question must have come; the launcher sends it at once."""
_CREDENTIALS = struct.Struct("3i")
"""struct ucred (unix(7)): pid, uid, gid."""
_PIECE = 64 << 10
_ROOT = 0
_SO_NETNS_COOKIE = 71
_DESCRIPTORS = 4
"""Room for more than the one that may come, so that further ones are seen and closed."""


class GoneError(Exception):
    """The connection is over: closed by the other side, not allowed, or not what the protocol asks for."""


class Client:
    """One connection. `question` is there once it has come whole, with `config`, its open configuration."""

    __slots__ = ("_data", "config", "connection", "end", "question", "waits")

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.config = -1
        self.question: Question | None = None
        self.waits = False
        self.end = time.monotonic() + READING
        self._data = bytearray()

    @property
    def held(self) -> int:
        """Bytes that were read and are kept."""
        return len(self._data)

    def read(self) -> bool:
        """Take what has come; gives whether the question is whole. Raises GoneError."""
        try:
            data, ancillary, flags, _ = self.connection.recvmsg(
                _PIECE, socket.CMSG_SPACE(4 * _DESCRIPTORS), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return False
        except OSError:
            raise GoneError from None
        self._take(ancillary, flags)
        if not data:
            raise GoneError
        self._data += data
        if len(self._data) < wire.HEAD:
            return False
        try:
            size = wire.length(bytes(self._data[: wire.HEAD]), wire.REQUEST_CAP)
            if len(self._data) < wire.HEAD + size:
                return False
            if len(self._data) > wire.HEAD + size:
                raise GoneError
            self.question = wire.decode_question(bytes(self._data[wire.HEAD :]))
        except wire.WireError:
            # Another version, or something else altogether: both are for the other side to decide.
            self.say(wire.Answer(wire.YOURSELF))
            raise GoneError from None
        self._data = bytearray()
        if self.config < 0:
            self.say(wire.Answer(wire.YOURSELF))
            raise GoneError
        return True

    def say(self, answer: wire.Answer) -> bool:
        """Send an answer; gives whether it went out. It is shorter than any socket's buffer, so it never waits."""
        data = wire.encode_answer(answer)
        try:
            return self.connection.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(data)
        except OSError:
            return False

    def gone(self) -> bool:
        """Whether the other side has closed the connection."""
        try:
            return not self.connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """End the connection."""
        if self.config >= 0:
            os.close(self.config)
            self.config = -1
        self.connection.close()

    def _take(self, ancillary: list[tuple[int, int, bytes]], flags: int) -> None:
        """Keep the one descriptor that may come; more are closed and end the connection."""
        fds: list[int] = []
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds += [value for (value,) in struct.iter_unpack("i", data[: len(data) & ~3])]
        if fds and self.config < 0:
            self.config = fds.pop(0)
        for fd in fds:
            os.close(fd)
        if fds or flags & socket.MSG_CTRUNC:
            raise GoneError


def allowed(connection: socket.socket) -> bool:
    """Whether the other side is root: engines run as root, and nobody else has a container to start here."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(data)[1] == _ROOT)


def network(one: socket.socket) -> bytes:
    """What tells the network namespace of a socket from others; a connection has that of whoever asked for it.

    Sysctls and links are those of a namespace. Empty where the kernel does not tell (before Linux 5.14).
    """
    try:
        return one.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)
    except OSError:
        return b""
