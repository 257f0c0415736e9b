"""The loop of hostfitd: takes questions, answers one at a time, and looks after facts and housekeeping in between.

One thread, and one decision at a time: a decision takes about a millisecond. Whoever comes while others are before
him is told to wait at once, so that nobody gives up in a crowd. Nothing in the loop waits for a client.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque

from hostfit.service import wire
from hostfit.service.clients import Client, GoneError, allowed, network

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from hostfit.service.decide import Decider
    from hostfit.service.housekeeping import Housekeeping
    from hostfit.service.notify import Notify

CLIENTS = 512
"""Connections at once; more wait in the kernel's queue."""
BACKLOG = 1024
_HELD = 8 << 20
"""Bytes of unfinished questions, all clients together."""
_ACCEPTS = 64
"""Connections that are taken in one turn."""
_TURN = 1.0
"""Seconds that the loop sleeps at most."""
_LATER = 0.02
"""Seconds between two looks at who waits too long while there is a crowd, of which each look is at all."""
_CALM = 0.1
"""Seconds between two looks at events while nobody asks, so that a storm of them costs little."""


class Server:
    """Serves one listening socket until `stop` is called."""

    def __init__(self, listener: socket.socket, decider: Decider, notify: Notify, housekeeping: Housekeeping) -> None:
        self._listener = listener
        self._network = network(listener)
        self._decider = decider
        self._notify = notify
        self._housekeeping = housekeeping
        self._clients: dict[int, Client] = {}
        self._queue: deque[Client] = deque()
        self._poll = select.epoll()
        self._wake = os.eventfd(0)
        self._poll.register(self._wake, select.EPOLLIN)
        self._accepting = False
        self._going = True
        self._drained = 0.0
        self._looked = 0.0

    def stop(self) -> None:
        """End the loop after this turn; a signal handler may call it."""
        self._going = False
        os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """Serve until stopped."""
        self._listener.setblocking(False)
        while self._going:
            self.turn()
        for client in list(self._clients.values()):
            self._drop(client)
        self._poll.close()
        os.close(self._wake)

    def turn(self) -> None:
        """Do everything that can be done now, and at most one decision."""
        self._accept_more()
        for fd, _ in self._poll.poll(self._patience()):
            if fd == self._listener.fileno():
                self._accept()
            elif fd in self._clients and not self._hear(self._clients[fd]) and fd in self._clients:
                self._poll.unregister(fd)
        now = time.monotonic()
        self._cut(now)
        if self._queue:
            self._answer(self._queue.popleft())
        elif now - self._drained >= _CALM:
            self._drained = now
            self._decider.host.drain()
            self._housekeeping.step(now)
        self._notify.feed()

    def _patience(self) -> float:
        if self._queue:
            return 0.0
        longest = min(_TURN, self._notify.pause or _TURN)
        if self._housekeeping.busy:
            longest = _CALM
        ends = [client.end for client in self._clients.values()]
        return max(0.0, min([longest, *[end - time.monotonic() for end in ends]]))

    def _accept_more(self) -> None:
        """Listen only while there is room."""
        room = len(self._clients) < CLIENTS
        if room and not self._accepting:
            self._poll.register(self._listener, select.EPOLLIN)
        elif not room and self._accepting:
            self._poll.unregister(self._listener)
        self._accepting = room

    def _accept(self) -> None:
        for _ in range(min(_ACCEPTS, CLIENTS - len(self._clients))):
            try:
                connection, _ = self._listener.accept()
            except OSError:
                # None left, or one that went away meanwhile.
                return
            if not allowed(connection):
                connection.close()
                continue
            connection.setblocking(False)
            client = Client(connection)
            self._clients[connection.fileno()] = client
            # The question is there with the connection, most of the time.
            if self._hear(client):
                self._poll.register(connection, select.EPOLLIN)

    def _hear(self, client: Client) -> bool:
        """Take what has come of a question; gives whether more of it is to come."""
        if not self._whole(client):
            return client.connection.fileno() in self._clients
        if network(client.connection) != self._network:
            # Another network namespace has other sysctls and links.
            client.say(wire.Answer(wire.YOURSELF))
            self._drop(client)
            return False
        if self._queue:
            client.waits = client.say(wire.Answer(wire.WAIT))
        client.end = time.monotonic() + (wire.PATIENCE if client.waits else wire.DEADLINE)
        self._queue.append(client)
        return False

    def _whole(self, client: Client) -> bool:
        """Whether a client's question has come; one that will never come ends the connection."""
        try:
            if client.read():
                return True
            held = sum([one.held for one in self._clients.values()])
        except GoneError:
            held = _HELD + 1
        if held > _HELD:
            self._drop(client)
        return False

    def _answer(self, client: Client) -> None:
        if client.question is None or client.gone():
            self._drop(client)
            return
        answer, report = self._decider.answer(client.question, client.config)
        refused = answer.action == wire.DENY
        if report is not None and refused:
            # Whoever is refused asks at once why.
            self._decider.publish(report)
        sent = client.say(answer)
        self._drop(client)
        if report is not None and sent and not refused:
            self._decider.publish(report)

    def _cut(self, now: float) -> None:
        """End what took too long: half a question, or a place in the queue that nobody waits in any more."""
        if self._queue and now < self._looked + _LATER:
            return
        self._looked = now
        for client in [one for one in self._clients.values() if one.end <= now]:
            if client.question is not None:
                self._queue.remove(client)
            self._drop(client)

    def _drop(self, client: Client) -> None:
        if self._clients.pop(client.connection.fileno(), None) is not None:
            client.close()
