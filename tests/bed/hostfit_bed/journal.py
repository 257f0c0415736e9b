"""Listens where journald listens and keeps what arrives, so that a test sees each entry as journald would get it."""

from __future__ import annotations

import array
import os
import socket
import struct
import threading

_MARK = b"HOSTFIT_BED_MARK="


class Journal:
    """The socket of journald's native protocol below a room's /run, and the entries that came, oldest first.

    Source: systemd, JOURNAL_NATIVE_PROTOCOL; entries too large for a datagram come as a sealed memory file.
    """

    def __init__(self, run_dir):
        directory = run_dir / "systemd" / "journal"
        directory.mkdir(parents=True, exist_ok=True)
        self._entries = []
        self._reached = threading.Semaphore(0)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(directory / "socket"))
        self._socket.settimeout(0.2)
        self._path = directory / "socket"
        self._path.chmod(0o666)
        self._open = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while self._open:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
            except TimeoutError:
                continue
            except OSError:
                return
            for level, kind, payload in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    descriptors = array.array("i")
                    descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
                    with os.fdopen(descriptors[0], "rb") as file:
                        file.seek(0)
                        data = file.read()
            if data.startswith(_MARK):
                self._reached.release()
            else:
                self._entries.append(parse(data))

    @property
    def entries(self):
        """All entries that were sent until now: a datagram of our own comes after them, and is waited for."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(5)
            sender.sendto(_MARK, str(self._path))
        assert self._reached.acquire(timeout=5), "the journal's listener does not read"
        return list(self._entries)

    def forget(self):
        """Drop what was sent until now."""
        sent = self.entries
        del self._entries[: len(sent)]

    def of(self, container):
        """Entries about one container."""
        return [entry for entry in self.entries if entry.get("HOSTFIT_CONTAINER_ID") == container]

    def close(self):
        """Stop listening."""
        self._open = False
        self._thread.join(timeout=2)
        self._socket.close()
        self._path.unlink(missing_ok=True)


def parse(data):
    """Fields of one entry in the native format; a field that comes twice keeps its values as a list."""
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack_from("<Q", rest)
            value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
        key, text = name.decode(), value.decode()
        old = fields.get(key)
        fields[key] = text if old is None else [*(old if isinstance(old, list) else [old]), text]
        data = rest
    return fields
