"""All network links, kept current by the kernel's own messages: asked for once, then only listened to.

Messages are kept as they come, the last one of each link, and understood only when somebody asks. So a storm costs
next to nothing, and what is not followed any more (an overrun, too many links) is asked for again as a whole.

That is why the socket is a plain one: pyroute2's decode every message as they receive it, and since 0.9 in a loop of
their own. Only the header of a message is read here, to tell which link it is about; pyroute2 decodes the rest.
"""

from __future__ import annotations

import socket
import struct

from hostfit.facts.probes import netlink

_RTMGRP_LINK = 1
_NEWLINK, _DELLINK = 16, 17
"""rtnetlink(7): RTM_NEWLINK and RTM_DELLINK."""
_HEADER = struct.Struct("=IHHIIBxHi")
"""struct nlmsghdr (length, type, flags, sequence, port) and the first fields of ifinfomsg (family, type, index)."""
_MESSAGE = 1 << 16
_MOST = 1024
"""Links with news; beyond that all are asked for again."""
_READS = 10_000
"""Datagrams that are taken at once; a receive buffer holds some hundreds."""


class Links:
    """A table of links."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        self._socket.bind((0, _RTMGRP_LINK))
        self._table: dict[int, dict[str, str]] | None = None
        self._news: dict[int, bytes] = {}

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def drain(self) -> None:
        """Take what the kernel has sent."""
        for _ in range(_READS):
            try:
                data = self._socket.recv(_MESSAGE)
            except BlockingIOError:
                return
            except OSError:
                # ENOBUFS: the kernel dropped messages, and nobody knows which.
                self._forget()
                continue
            self._sort(data)
        self._forget()

    def read(self) -> list[dict[str, str]]:
        """Give all links as the probe does. Raises OSError where the kernel does not answer."""
        try:
            return self._read()
        except BaseException:
            # A deadline may strike anywhere here, and news that was taken and not sorted in would be missed for ever.
            self._forget()
            raise

    def _read(self) -> list[dict[str, str]]:
        self.drain()
        table = self._table
        if table is None:
            # Whatever comes while this reads is news, and later than what it reads.
            table = self._table = dict(netlink.links())
        news, self._news = self._news, {}
        for index, data in news.items():
            link = None if _HEADER.unpack_from(data)[1] == _DELLINK else netlink.understood(data)
            if link is None:
                table.pop(index, None)
            else:
                table[index] = link
        return [dict(table[index]) for index in sorted(table)]

    def _sort(self, data: bytes) -> None:
        """Keep the last message of each link."""
        place = 0
        while self._table is not None and place + _HEADER.size <= len(data):
            size, kind, _, _, _, family, _, index = _HEADER.unpack_from(data, place)
            if size < _HEADER.size or place + size > len(data):
                self._forget()
                return
            # A bridge sends messages about its ports under its own family: those are no news of the link.
            if kind in (_NEWLINK, _DELLINK) and family == socket.AF_UNSPEC:
                self._news[index] = data[place : place + size]
                if len(self._news) > _MOST:
                    self._forget()
            place += (size + 3) & ~3

    def _forget(self) -> None:
        self._table = None
        self._news.clear()


def live() -> Links | None:
    """Give the table, or None where the kernel lets nobody listen."""
    try:
        return Links()
    except OSError:
        return None
