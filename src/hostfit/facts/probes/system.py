"""`system.dmiid` and `system.name`."""

from __future__ import annotations

from hostfit.core.facts import Feature
from hostfit.facts.probes.devtree import present, value, wanted
from hostfit.facts.vocabulary.system import DMI

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_DMI_BASE = "/sys/devices/virtual/dmi/id"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the two features. Raises OSError."""
    if feature == "system.name":
        return Feature(attributes={"nodename": root.line("/proc/sys/kernel/hostname")})
    # A machine without DMI has no such directory; a tree without sysfs is something else.
    root.stat("/sys/devices/virtual")
    return Feature(
        attributes=present({name: value(root, f"{_DMI_BASE}/{name}") for name in DMI if wanted(names, name)})
    )
