"""sd_notify(3): what the service tells systemd, one datagram to the socket that systemd names."""

from __future__ import annotations

import os
import socket
import time


class Notify:
    """Speaks to the supervisor, or to nobody. `feed` is for the loop alone: what does not turn starves."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._path = environ.get("NOTIFY_SOCKET", "")
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = environ.get("WATCHDOG_USEC", "") if ours else ""
        self.pause = int(microseconds) / 3e6 if microseconds.isdigit() and self._path else 0.0
        """Seconds between two feedings, a third of the watchdog's patience; 0 without a watchdog."""
        self._fed = 0.0

    def tell(self, *lines: str) -> None:
        """Send some assignments such as READY=1. A supervisor that does not listen changes nothing."""
        if not self._path:
            return
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as one:
            try:
                one.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, address)
            except OSError:
                return

    def feed(self) -> None:
        """Feed the watchdog if it is time."""
        now = time.monotonic()
        if self.pause and now - self._fed >= self.pause:
            self._fed = now
            self.tell("WATCHDOG=1")
