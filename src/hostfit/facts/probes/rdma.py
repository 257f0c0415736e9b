"""network.rdma: ports of RDMA devices (Documentation/ABI/stable/sysfs-class-infiniband).

rdma netlink (RDMA_NLDEV_CMD_PORT_GET) knows no more of what is given here, and pyroute2 does not speak it.
"""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.devtree import children, linked, present, value, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_DEVICES = "/sys/class/infiniband"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give all ports of all RDMA devices."""
    del feature
    found = []
    for name in children(root, _DEVICES, "/sys/class"):
        base = f"{_DEVICES}/{name}/"
        for port in children(root, base + "ports", base):
            link = _port(root, name, base, port)
            found.append({key: text for key, text in link.items() if wanted(names, key)})
    return Feature(instances=found)


def _port(root: Root, name: str, base: str, port: str) -> dict[str, str | Unknown]:
    under = f"{base}ports/{port}/"
    return present(
        {
            "name": name,
            "port": port,
            "link_layer": value(root, under + "link_layer"),
            "state": _worded(value(root, under + "state")),
            "rate": _whole(value(root, under + "rate")),
            "netdev": _netdev(root, base, under),
            "fw_version": value(root, base + "fw_ver"),
            "node_type": _worded(value(root, base + "node_type"), lower=False),
            "driver": linked(root, base + "device/driver"),
        }
    )


def _worded(text: str | Unknown | None, *, lower: bool = True) -> str | Unknown | None:
    """Give the word of `4: ACTIVE`."""
    if not isinstance(text, str):
        return text
    word = text.partition(":")[2].strip() or text
    return word.lower() if lower else word


def _whole(text: str | Unknown | None) -> str | Unknown | None:
    """Give the number of `200 Gb/sec (4X HDR)`, without a fraction."""
    if not isinstance(text, str):
        return text
    number = text.partition(" ")[0].partition(".")[0]
    return number if number.isdecimal() else Unknown(f"rate {text[:40]}: not a number")


def _netdev(root: Root, base: str, under: str) -> str | Unknown | None:
    """Give the link of a port: what its first GID lies on (RoCE), else the device's only link (IPoIB)."""
    named = value(root, under + "gid_attrs/ndevs/0")
    if isinstance(named, str) and named:
        return named
    links = children(root, base + "device/net", base)
    return links[0] if len(links) == 1 else None
