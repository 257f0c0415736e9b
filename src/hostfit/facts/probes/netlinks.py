"""network.link: all links, from sysfs as far as that goes and from netlink for the rest."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.devtree import linked, present, value, wanted
from hostfit.facts.probes.netdevices import LINKS
from hostfit.facts.probes.netdevices import links as names_of_links
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

OF_NETLINK = ("kind", "carrier")
_CARRIER = {"1": "true", "0": "false"}
_DIRECTORIES = {"bridge": "bridge", "bonding": "bond", "tun_flags": "tun"}
"""Entries that only links of one kind have below /sys/class/net/NAME."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give all links with the attributes that are asked for."""
    del feature
    if root.live and any([wanted(names, name) for name in OF_NETLINK]):
        # Names and MTU of a link, all that most rules ask for, need no netlink.
        from hostfit.facts.probes import netlink  # cold: pyroute2 takes 300 ms to import

        try:
            found = [from_netlink(root, link) for _, link in netlink.links()]
        except OSError as error:
            found = _from_files(root, Unknown(reason(error)))
    else:
        found = _from_files(root, Unknown("IFLA_INFO_KIND: only a live host tells"))
    return Feature(instances=[{key: text for key, text in link.items() if wanted(names, key)} for link in found])


def from_netlink(root: Root, link: dict[str, str]) -> dict[str, str | Unknown]:
    """Give the attributes of a link of which netlink told the rest."""
    return present({**link, "driver": linked(root, f"{LINKS}/{link['name']}/device/driver")})


def _from_files(root: Root, no_kind: Unknown) -> list[dict[str, str | Unknown]]:
    found = []
    for name in names_of_links(root):
        base = f"{LINKS}/{name}/"
        carrier = value(root, base + "carrier")
        physical = root.exists(base + "device")
        found.append(
            present(
                {
                    "name": name,
                    "kind": None if physical or name == "lo" else _kind(root, base, no_kind),
                    "operstate": value(root, base + "operstate"),
                    "carrier": _CARRIER.get(carrier) if isinstance(carrier, str) else carrier,
                    "mtu": value(root, base + "mtu"),
                    "driver": linked(root, base + "device/driver") if physical else None,
                }
            )
        )
    return found


def _kind(root: Root, base: str, otherwise: Unknown) -> str | Unknown:
    """Tell the kind of a virtual link from its files, where these show it."""
    uevent = value(root, base + "uevent")
    for line in uevent.splitlines() if isinstance(uevent, str) else ():
        # Links of these kinds are registered with a device type of the same name (SET_NETDEV_DEVTYPE).
        if line.startswith("DEVTYPE="):
            return line[len("DEVTYPE=") :]
    for entry, kind in _DIRECTORIES.items():
        if root.exists(base + entry):
            return kind
    return otherwise
