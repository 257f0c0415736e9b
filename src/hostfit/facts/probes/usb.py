"""usb.device: USB devices from sysfs (Documentation/ABI/testing/sysfs-bus-usb)."""

from __future__ import annotations

from hostfit.core.facts import Feature
from hostfit.facts.probes.devtree import children, hexadecimal, present, value, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.facts import Unknown
    from hostfit.facts.root import Root

_DEVICES = "/sys/bus/usb/devices"
_CLASS_OF_INTERFACES = "00"
"""bDeviceClass of a device whose interfaces have classes of their own (USB 2.0, table 9-8)."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give all USB devices with the attributes that are asked for."""
    del feature
    found: list[dict[str, str | Unknown]] = []
    for entry in children(root, _DEVICES, "/sys/bus"):
        base = f"{_DEVICES}/{entry}/"
        kind = hexadecimal(value(root, base + "bDeviceClass"))
        if kind is None:
            # The directory lists interfaces (1-1:1.0) beside devices; these have no class of a device.
            continue
        attributes: dict[str, str | Unknown | None] = {}
        for name, file in (("vendor", "idVendor"), ("device", "idProduct")):
            if wanted(names, name):
                attributes[name] = hexadecimal(value(root, base + file))
        if wanted(names, "serial"):
            attributes["serial"] = value(root, base + "serial")
        if not wanted(names, "class"):
            found.append(present(attributes))
            continue
        kinds = _interface_classes(root, base) if kind == _CLASS_OF_INTERFACES else []
        found += [present({"class": one, **attributes}) for one in kinds or [kind]]
    return Feature(instances=found)


def _interface_classes(root: Root, base: str) -> list[str | Unknown]:
    """Give the class of each interface of the device's configuration."""
    entries = [entry for entry in children(root, base, "/sys/bus") if ":" in entry]
    classes = [hexadecimal(value(root, f"{base}{entry}/bInterfaceClass")) for entry in entries]
    return [one for one in classes if one is not None]
