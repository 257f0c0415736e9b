"""The host's facts between decisions: what cannot change is kept, what events tell is followed, all else is read anew.

A decision never sees an older fact than one that reads the host itself would. What the vocabulary calls volatile is
read for each decision; devices and links come from tables that the kernel's events keep current; a static fact is kept
as long as whatever could change it has not, which `_CAUSES` lists.
"""

from __future__ import annotations

import errno
import os

from hostfit.core.facts import Feature, Wanted
from hostfit.core.vocabulary import STATIC
from hostfit.facts.host import Host, unknown_feature
from hostfit.facts.probes import netlinks
from hostfit.facts.probes.devtree import wanted as asked
from hostfit.facts.root import Root, reason
from hostfit.service import devices, links
from hostfit.service.comparisons import Facts
from hostfit.service.watch import Watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from hostfit.core.facts import Unknown
    from hostfit.facts.site import Site

FOREVER, CPUS, DEVICES, FILES = "forever", "cpus", "devices", "files"
_CAUSES = {
    "kernel.cmdline": FOREVER,
    "kernel.config": FOREVER,
    "kernel.lsm": FOREVER,
    "kernel.version": FOREVER,
    "system.dmiid": FOREVER,
    "cpu.coprocessor": CPUS,
    "cpu.cpuid": CPUS,
    "cpu.microarch": CPUS,
    "cpu.model": CPUS,
    "cpu.security": CPUS,
    "system.platform": CPUS,
    "amdgpu.driver": DEVICES,
    "amdgpu.gpu": DEVICES,
    "nvidia.driver": DEVICES,
    "nvidia.gpu": DEVICES,
    "pci.device": DEVICES,
    "os.glibc": FILES,
    "software.library": FILES,
    "software.mpi": FILES,
    "system.osrelease": FILES,
}
"""What can change a static feature while the host runs; one that is not listed is read for each decision.

CPUS: microcode that is loaded late and CPUs that are taken offline change what all CPUs have. DEVICES: any event of
the kernel about a device or a module. FILES: the very files that it was read from.
"""
DENIED = ("EACCES", "EPERM", "EROFS")
"""Errors that a sandbox or a missing capability gives, and that root without bounds would not have."""
_MICROCODE = "/sys/devices/system/cpu/cpu0/microcode/version"
_ONLINE = "/sys/devices/system/cpu/online"
_MOST = 256
"""Features that are kept, each with one choice of elements."""
_MOST_TEXT = 4 << 20
"""Characters that they may hold, all together."""


class LiveHost(Host):
    """The machine this runs on. `refused` says whether the last reading was denied something that root may read."""

    __slots__ = ("_facts", "_kept", "_token", "_weight", "devices", "links", "refused")

    def __init__(self, *, etc: str = "/etc/hostfit", listen: bool = True) -> None:
        super().__init__("/", etc=etc)
        self._kept: dict[tuple[str, frozenset[str] | None], tuple[Hashable, Feature, int, Watched | None]] = {}
        self._weight = 0
        self._facts = Facts()
        self._token: Hashable = None
        self.devices = devices.live() if listen else None
        self.links = links.live() if listen else None
        self.refused = False

    def close(self) -> None:
        """Stop listening."""
        if self.links is not None:
            self.links.close()
        self.devices = self.links = None

    def drain(self) -> None:
        """Take the events that have come; cheap where there are none."""
        if self.devices is not None:
            self.devices.drain()
        if self.links is not None:
            self.links.drain()

    def begin(self, site: Site | None) -> None:
        """Begin a decision: what was read for the last one counts no more. `site` is the vocabulary of the site."""
        self._site = site
        self._token = None
        self.refused = False
        if self.devices is not None:
            self.devices.drain()

    def read(self, wanted: Wanted) -> dict[str, Feature]:
        """Give the features that are wanted, each in full or unknown with a reason. Raises nothing."""
        root = Root("/")
        return {feature: self._live(root, feature, names) for feature, names in wanted.elements.items()}

    def _live(self, root: Root, feature: str, names: set[str] | None) -> Feature:
        if feature == "udev.device" and self.devices is not None:
            try:
                return self.devices.read(names)
            except OSError as error:
                return unknown_feature(self.lookup(feature), reason(error))
        if (
            feature == "network.link"
            and self.links is not None
            and any([asked(names, one) for one in netlinks.OF_NETLINK])
        ):
            try:
                found = [netlinks.from_netlink(root, link) for link in self.links.read()]
            except OSError as error:
                return unknown_feature(self.lookup(feature), reason(error))
            return Feature(instances=[{key: text for key, text in one.items() if asked(names, key)} for one in found])
        cause = _CAUSES.get(feature)
        info = self.lookup(feature) if cause is not None else None
        if cause is None or info is None or info.stability != STATIC or (cause == DEVICES and self.devices is None):
            key = (feature, None if names is None else frozenset(names))
            return self._facts.same(key, self._told(self._feature(root, feature, names)))
        return self._held(root, feature, names, cause)

    def _held(self, root: Root, feature: str, names: set[str] | None, cause: str) -> Feature:
        key = (feature, None if names is None else frozenset(names))
        token = self._cause(cause)
        have = self._kept.get(key)
        if have is not None:
            if have[0] == token and (have[3] is None or have[3].unchanged()):
                return have[1]
            self._weight -= have[2]
            del self._kept[key]
        watched = Watched() if cause == FILES else None
        found = self._told(self._feature(root if watched is None else watched, feature, names))
        if any(_unknowns(found)) or self.refused or not (watched is None or watched.settled()):
            # What could not be read this time may be readable the next, and no event may say so.
            return found
        weight = _weight(found)
        self._kept[key] = (token, found, weight, watched)
        self._weight += weight
        while len(self._kept) > _MOST or self._weight > _MOST_TEXT:
            oldest = next(iter(self._kept))
            self._weight -= self._kept.pop(oldest)[2]
        return found

    def _cause(self, cause: str) -> Hashable:
        if cause == DEVICES:
            return self.devices.changes if self.devices is not None else None
        if cause != CPUS:
            return ""
        if self._token is None:
            self._token = (_text(_MICROCODE), _text(_ONLINE), self._cause(DEVICES))
        return self._token

    def _told(self, found: Feature) -> Feature:
        self.refused = self.refused or _refused(found)
        return found


def _text(path: str) -> str:
    """A short file of sysfs, or the error in its place."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "")
    try:
        return os.read(fd, 4096).decode("ascii", "replace")
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "")
    finally:
        os.close(fd)


def _unknowns(found: Feature) -> list[Unknown]:
    """Everything in a feature that is not known, the feature itself included."""
    values: list[Any] = [found.unknown, *found.unknown_flags.values(), *(found.attributes or {}).values()]
    for instance in found.instances or ():
        values += instance.values()
    return [one for one in values if type(one) is not str and one is not None]


def _refused(found: Feature) -> bool:
    """Whether something of a feature is unknown because this process may not read what a root without bounds may."""
    return any([one.reason.endswith(DENIED) for one in _unknowns(found)])


def _weight(found: Feature) -> int:
    """How many characters a feature holds, about."""
    texts: list[Any] = [*(found.flags or ()), *(found.attributes or {}).items()]
    for instance in found.instances or ():
        texts += instance.items()
    return 64 * len(texts) + sum([len(one) if type(one) is str else len(one[0]) + len(str(one[1])) for one in texts])
