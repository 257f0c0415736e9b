"""pci.device: PCI devices from sysfs (Documentation/ABI/testing/sysfs-bus-pci)."""

from __future__ import annotations

from hostfit.core.facts import Feature
from hostfit.facts.probes.devtree import children, hexadecimal, linked, present, value, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.facts import Unknown
    from hostfit.facts.root import Root

DEVICES = "/sys/bus/pci/devices"
_MANDATORY = ("class", "vendor", "device", "subsystem_vendor", "subsystem_device")
_OPTIONAL = ("sriov_totalvfs", "iommu_group/type", "iommu/intel-iommu/version", "numa_node")


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give all PCI devices with the attributes that are asked for."""
    del feature
    found = [device(root, address, names) for address in addresses(root)]
    return Feature(instances=[one for one in found if one is not None])


def addresses(root: Root) -> list[str]:
    """Give the addresses of all PCI devices; none where there is no PCI bus."""
    return children(root, DEVICES, "/sys/bus")


def device(root: Root, address: str, names: set[str] | None) -> dict[str, str | Unknown] | None:
    """Give one device, or None if it lacks one of the five ids that are asked for: it is being unplugged."""
    base = f"{DEVICES}/{address}/"
    found: dict[str, str | Unknown | None] = {}
    for name in _MANDATORY:
        if wanted(names, name):
            text = hexadecimal(value(root, base + name))
            if text is None:
                return None
            # The class has six digits, of which NFD gives class and subclass.
            found[name] = text[:4] if name == "class" and isinstance(text, str) else text
    for name in _OPTIONAL:
        if wanted(names, name):
            found[name] = value(root, base + name)
    if wanted(names, "driver"):
        found["driver"] = linked(root, base + "driver")
    if wanted(names, "address"):
        found["address"] = address
    return present(found)
