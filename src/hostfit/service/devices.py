"""All devices with their properties, kept current by pyudev's monitors: enumerated once, then only listened to.

The kernel's own events come at once and say that a device is there; those of udevd, where it runs, come when its rules
have given the device its properties. Whatever an event says, the device is read again: the event is only the news.
"""

from __future__ import annotations

import os
import socket

from hostfit.core.facts import Feature
from hostfit.facts.probes import udev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KERNEL, UDEV = "kernel", "udev"
_CONTROL = "/run/udev/control"
"""udevd's socket, which is there while it runs."""
_MOST_NEWS = 128
"""Events that are understood one by one between two readings; after more, all devices are enumerated again."""
_READS = 10_000
_MOST_KEPT = 8
"""Choices of attributes whose devices are kept ready."""


class Devices:
    """A table of devices. `changes` counts events, so that others know whether any device changed."""

    def __init__(self, pyudev: Any, context: Any) -> None:
        self._pyudev = pyudev
        self._context = context
        self._monitors: dict[str, Any] = {KERNEL: self._listen(KERNEL)}
        self._table: dict[str, dict[str, str]] | None = None
        self._kept: dict[frozenset[str] | None, Feature] = {}
        self._news: set[str] = set()
        self.changes = 0

    def drain(self) -> None:
        """Take all events that were sent."""
        self._follow_udevd()
        for monitor in self._monitors.values():
            for _ in range(_READS):
                if len(self._news) > _MOST_NEWS:
                    self._lose()
                if self._table is None:
                    # Nobody has asked yet, or all are enumerated again anyhow: that something came is all that counts.
                    if not self._discard(monitor):
                        break
                    continue
                try:
                    device = monitor.poll(timeout=0)
                except OSError:
                    self._lose()
                    continue
                if device is None:
                    break
                self._note(device)

    def read(self, names: set[str] | None) -> Feature:
        """Give `udev.device` as the probe does. Raises OSError."""
        try:
            return self._read(names)
        except BaseException:
            # A deadline may strike anywhere here, and news that was taken and not applied would be missed for ever.
            self._lose()
            raise

    def _read(self, names: set[str] | None) -> Feature:
        self.drain()
        if self._table is None:
            self._table = {device.sys_path: udev.chosen(udev.attributes(device), None) for device in self._enumerated()}
            self._kept.clear()
            self._news.clear()
        elif self._news:
            self._catch_up(self._table)
        key = None if names is None else frozenset(names)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            complete = len(self._table) < udev.MOST
            devices = [udev.chosen(one, names) for one in self._table.values()]
            found = self._kept[key] = Feature(instances=devices, unknown=None if complete else udev.too_many())
        return found

    def _enumerated(self) -> list[Any]:
        devices = []
        for device in self._context.list_devices():
            devices.append(device)
            if len(devices) == udev.MOST:
                break
        return devices

    def _note(self, device: Any) -> None:
        self.changes += 1
        path, action = device.sys_path, device.action
        if "/devices/" not in path:
            # Modules, buses and drivers have events too, and are no devices.
            return
        if action == "move":
            # Everything below it has another path now.
            self._lose()
        else:
            self._news.add(path)

    def _catch_up(self, table: dict[str, dict[str, str]]) -> None:
        news, self._news = sorted(self._news), set()
        self._kept.clear()
        for path in news:
            try:
                device = self._pyudev.Devices.from_sys_path(self._context, path)
                found = udev.chosen(udev.attributes(device), None)
            except (self._pyudev.DeviceNotFoundError, OSError):
                table.pop(path, None)
                continue
            if found.get("subsystem") and (path in table or len(table) < udev.MOST):
                table[path] = found

    def _follow_udevd(self) -> None:
        """Listen to udevd while there is one; its coming and going changes the properties of every device."""
        runs = os.path.exists(_CONTROL)
        if runs == (UDEV in self._monitors):
            return
        self._lose()
        if runs:
            self._monitors[UDEV] = self._listen(UDEV)
        else:
            del self._monitors[UDEV]

    def _listen(self, source: str) -> Any:
        monitor = self._pyudev.Monitor.from_netlink(self._context, source)
        monitor.start()
        return monitor

    def _lose(self) -> None:
        self.changes += 1
        self._table = None
        self._news.clear()
        self._kept.clear()

    def _discard(self, monitor: Any) -> bool:
        """Drop one event unread. Gives False where there is none."""
        with socket.socket(fileno=os.dup(monitor.fileno())) as one:
            try:
                one.recv(1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                pass  # more were lost, which is no worse
        self.changes += 1
        return True


def live() -> Devices | None:
    """Give the table, or None where pyudev is missing or nobody may listen."""
    context = udev.pyudev_context()
    if context is None:
        return None
    import pyudev  # its context was made a moment ago

    try:
        return Devices(pyudev, context)
    except OSError:
        return None
