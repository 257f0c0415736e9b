"""`system.dmiid` and `system.name`."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.root import reason
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
    found: dict[str, str | Unknown] = {}
    for name in DMI:
        if names is not None and name not in names:
            continue
        try:
            value = root.optional(f"{_DMI_BASE}/{name}")
        except OSError as error:
            found[name] = Unknown(reason(error))
            continue
        if value is not None:
            found[name] = value
    return Feature(attributes=found)
