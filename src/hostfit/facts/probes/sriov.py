"""network.sriov: network devices that can be split into virtual functions (PCI Express SR-IOV)."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.devtree import children, hexadecimal, linked, present, value, wanted
from hostfit.facts.probes.pci import DEVICES, addresses
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_NETWORK = "02"
"""PCI class of network controllers; GPUs, disks and crypto engines have virtual functions too."""
_STATES = {0: "auto", 1: "enable", 2: "disable"}
"""IFLA_VF_LINK_STATE_* of linux/if_link.h."""
_DIGITS = 9
"""More than any count has; int() refuses texts of thousands of digits."""
_EXT_MASK_VF = 1
"""RTEXT_FILTER_VF of linux/rtnetlink.h: without it the kernel leaves out what it knows of the functions."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give all physical functions of network devices with the attributes that are asked for."""
    del feature
    found = []
    for address in addresses(root):
        base = f"{DEVICES}/{address}/"
        total = value(root, base + "sriov_totalvfs")
        kind = hexadecimal(value(root, base + "class"))
        if total is not None and isinstance(kind, str) and kind.startswith(_NETWORK):
            found.append(_function(root, address, total, names))
    return Feature(instances=found)


def _function(root: Root, address: str, total: str | Unknown, names: set[str] | None) -> dict[str, str | Unknown]:
    base = f"{DEVICES}/{address}/"
    enabled = value(root, base + "sriov_numvfs")
    # A device with several ports under one function has several links; the first stands for it.
    link = next(iter(children(root, base + "net", DEVICES)), None)
    found: dict[str, str | Unknown | None] = {
        "name": link,
        "address": address,
        "totalvfs": total,
        "numvfs": enabled,
        "freevfs": _difference(total, enabled),
    }
    for name in ("vendor", "device"):
        if wanted(names, name):
            found[name] = hexadecimal(value(root, base + name))
    if wanted(names, "driver"):
        found["driver"] = linked(root, base + "driver")
    if wanted(names, "vf_drivers") and enabled != "0":
        found["vf_drivers"] = _drivers(root, base)
    if wanted(names, "vf_link_state") and enabled != "0" and link is not None:
        found["vf_link_state"] = _link_state(root, link)
    return {name: text for name, text in present(found).items() if wanted(names, name)}


def _difference(total: str | Unknown, enabled: str | Unknown | None) -> str | Unknown | None:
    if not isinstance(total, str) or not isinstance(enabled, str):
        return total if isinstance(total, Unknown) else enabled
    if total.isdecimal() and enabled.isdecimal() and len(total) <= _DIGITS and len(enabled) <= _DIGITS:
        return str(int(total) - int(enabled))
    return Unknown(f"sriov_totalvfs {total[:20]}, sriov_numvfs {enabled[:20]}: not numbers")


def _drivers(root: Root, base: str) -> str | None:
    """Give the drivers of the virtual functions, which the `virtfn*` links lead to; None if none has any."""
    functions = [entry for entry in root.names(base) if entry.startswith("virtfn")]
    drivers = [linked(root, f"{base}{function}/driver") for function in functions]
    return ",".join(sorted({driver for driver in drivers if isinstance(driver, str)})) or None


def _link_state(root: Root, link: str) -> str | Unknown | None:
    """Ask the kernel for the administrative link state of the link's virtual functions, which sysfs lacks."""
    if not root.live:
        return Unknown("IFLA_VFINFO_LIST: only a live host tells")
    # Only this attribute needs netlink.
    from hostfit.facts.probes import netlink  # cold: pyroute2 takes 300 ms to import

    try:
        states = netlink.vf_link_states(int(root.line(f"/sys/class/net/{link}/ifindex")), _EXT_MASK_VF)
    except OSError as error:
        return Unknown(reason(error))
    if not states:
        return None
    return _STATES.get(states[0], str(states[0])) if len(set(states)) == 1 else "mixed"
