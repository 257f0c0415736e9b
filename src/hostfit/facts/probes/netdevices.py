"""network.device and network.virtual: links from sysfs, with and without a device below them."""

from __future__ import annotations

from hostfit.core.facts import Feature
from hostfit.facts.probes.devtree import children, linked, present, value, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.facts import Unknown
    from hostfit.facts.root import Root

LINKS = "/sys/class/net"
_OF_ALL = {"operstate": "operstate", "speed": "speed", "mtu": "mtu"}
_OF_DEVICE = {
    "sriov_numvfs": "device/sriov_numvfs",
    "sriov_totalvfs": "device/sriov_totalvfs",
    "numa_node": "device/numa_node",
}


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give the links of one of the two sorts with the attributes that are asked for."""
    physical = feature == "network.device"
    files = {**_OF_ALL, **_OF_DEVICE} if physical else _OF_ALL
    found = []
    for name in links(root):
        base = f"{LINKS}/{name}/"
        if root.exists(base + "device") != physical:
            continue
        link: dict[str, str | Unknown | None] = {"name": name} if wanted(names, "name") else {}
        link |= {key: value(root, base + file) for key, file in files.items() if wanted(names, key)}
        if physical and wanted(names, "driver"):
            link["driver"] = linked(root, base + "device/driver")
        found.append(present(link))
    return Feature(instances=found)


def links(root: Root) -> list[str]:
    """Give the names of all links; `bonding_masters`, a file among them, is none."""
    return [name for name in children(root, LINKS, "/sys/class") if name != "bonding_masters"]
