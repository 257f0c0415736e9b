"""The vocabulary of network devices: links, what kinds of link there can be, SR-IOV and RDMA."""

from __future__ import annotations

from hostfit.core.vocabulary import (
    BOOLEAN,
    FLAG,
    HEX,
    INSTANCE,
    NUMBER,
    TEXT,
    VERSION,
    VOLATILE,
    ElementInfo,
    FeatureInfo,
)

_NAME = ElementInfo("name", INSTANCE, TEXT, "name of the link, such as eth0")
_STATE = ElementInfo("operstate", INSTANCE, TEXT, "RFC 2863 state: up, down, unknown, dormant, lowerlayerdown")
_SPEED = ElementInfo("speed", INSTANCE, NUMBER, "speed in Mbit/s, -1 if there is none; unknown while the link is down")
_MTU = ElementInfo("mtu", INSTANCE, NUMBER, "largest packet, in bytes")
_DRIVER = ElementInfo("driver", INSTANCE, TEXT, "driver of the device below the link; absent for virtual links")
_CLASS_NET = "https://docs.kernel.org/admin-guide/abi-testing.html#abi-sys-class-net-iface-operstate"

FEATURES = (
    FeatureInfo(
        "network.device",
        meaning="links with a device below them, of the network namespace that the host's sysfs shows",
        source="/sys/class/net/* with a `device` link",
        link=_CLASS_NET,
        stability=VOLATILE,
        elements=(
            _NAME,
            _STATE,
            _SPEED,
            ElementInfo("sriov_numvfs", INSTANCE, NUMBER, "virtual functions that are enabled"),
            ElementInfo("sriov_totalvfs", INSTANCE, NUMBER, "most virtual functions; absent where there is no SR-IOV"),
            _MTU,
            ElementInfo("driver", INSTANCE, TEXT, "driver of the device (not in NFD)"),
            ElementInfo("numa_node", INSTANCE, NUMBER, "NUMA node of the device, -1 if none is named (not in NFD)"),
        ),
    ),
    FeatureInfo(
        "network.virtual",
        meaning="links without a device below them, of the network namespace that the host's sysfs shows",
        source="/sys/class/net/* without a `device` link",
        link=_CLASS_NET,
        stability=VOLATILE,
        elements=(_NAME, _STATE, _SPEED, _MTU),
    ),
    FeatureInfo(
        "network.link",
        meaning="all links; what sysfs does not tell (the kind, the carrier of a link that is down) comes from "
        "netlink on a live host and is unknown in a tree of files",
        source="/sys/class/net/*; RTM_GETLINK of rtnetlink(7)",
        link="https://man7.org/linux/man-pages/man7/rtnetlink.7.html",
        stability=VOLATILE,
        elements=(
            _NAME,
            ElementInfo("kind", INSTANCE, TEXT, "IFLA_INFO_KIND: veth, bridge, vxlan; absent for links of hardware"),
            _DRIVER,
            _STATE,
            ElementInfo("carrier", INSTANCE, BOOLEAN, "whether the lower layer is up"),
            _MTU,
        ),
    ),
    FeatureInfo(
        "network.linkkind",
        meaning="kinds of link that can be created: their module is loaded, built in or there to be loaded, or a "
        "link of the kind exists. Known from files and RTM_GETLINK alone, nothing is created to find out; "
        "a policy against loading modules is not seen. A feature of its own, because `!exists` on "
        "network.link would be met by any one link",
        source="/lib/modules/RELEASE/modules.alias, modules.builtin, modules.builtin.modinfo; /sys/module; netlink",
        link="https://man7.org/linux/man-pages/man8/ip-link.8.html",
        stability=VOLATILE,
        open_kinds=(FLAG,),
        elements=(
            ElementInfo("bridge", FLAG, TEXT, "Ethernet bridge"),
            ElementInfo("gtp", FLAG, TEXT, "GTP tunnel of the mainline kernel"),
            ElementInfo("gtp5g", FLAG, TEXT, "GTP-U tunnel of free5GC's module"),
            ElementInfo("macvlan", FLAG, TEXT, "links with a MAC address of their own on one device"),
            ElementInfo("veth", FLAG, TEXT, "pair of virtual Ethernet links"),
            ElementInfo("vlan", FLAG, TEXT, "IEEE 802.1Q"),
            ElementInfo("vxlan", FLAG, TEXT, "VXLAN tunnel"),
            ElementInfo("wireguard", FLAG, TEXT, "WireGuard tunnel"),
        ),
    ),
    FeatureInfo(
        "network.sriov",
        meaning="physical functions of network devices that can be split (SR-IOV), one instance each",
        source="/sys/bus/pci/devices/*/sriov_*; IFLA_VFINFO_LIST of rtnetlink(7)",
        link="https://docs.kernel.org/PCI/pci-iov-howto.html",
        stability=VOLATILE,
        elements=(
            ElementInfo("name", INSTANCE, TEXT, "name of the link; absent while no network driver is bound"),
            ElementInfo("address", INSTANCE, TEXT, "PCI address, such as 0000:3b:00.0"),
            ElementInfo("driver", INSTANCE, TEXT, "driver of the physical function"),
            ElementInfo("vendor", INSTANCE, HEX, "PCI vendor id"),
            ElementInfo("device", INSTANCE, HEX, "PCI device id"),
            ElementInfo("totalvfs", INSTANCE, NUMBER, "most virtual functions"),
            ElementInfo("numvfs", INSTANCE, NUMBER, "virtual functions that are enabled"),
            ElementInfo(
                "freevfs", INSTANCE, NUMBER, "virtual functions that could still be enabled: totalvfs - numvfs"
            ),
            ElementInfo("vf_drivers", INSTANCE, TEXT, "drivers of the virtual functions, sorted, joined by commas"),
            ElementInfo(
                "vf_link_state", INSTANCE, TEXT, "auto, enable or disable if all functions agree, else mixed; netlink"
            ),
        ),
    ),
    FeatureInfo(
        "network.rdma",
        meaning="RDMA devices (InfiniBand, RoCE, iWARP), one instance per port",
        source="/sys/class/infiniband/*",
        link="https://docs.kernel.org/infiniband/sysfs.html",
        stability=VOLATILE,
        elements=(
            ElementInfo("name", INSTANCE, TEXT, "name of the device, such as mlx5_0"),
            ElementInfo("port", INSTANCE, NUMBER, "number of the port, from 1"),
            ElementInfo("link_layer", INSTANCE, TEXT, "InfiniBand or Ethernet"),
            ElementInfo("state", INSTANCE, TEXT, "active, down, init, armed"),
            ElementInfo("rate", INSTANCE, NUMBER, "Gbit/s, the whole part"),
            ElementInfo("netdev", INSTANCE, TEXT, "network link of the port; absent if it has none"),
            ElementInfo("fw_version", INSTANCE, VERSION, "version of the firmware"),
            ElementInfo("node_type", INSTANCE, TEXT, "CA, switch, RNIC, usNIC, ..."),
            ElementInfo("driver", INSTANCE, TEXT, "driver of the device below"),
        ),
    ),
)

PROBES = {
    "network.device": "netdevices",
    "network.virtual": "netdevices",
    "network.link": "netlinks",
    "network.linkkind": "linkkinds",
    "network.sriov": "sriov",
    "network.rdma": "rdma",
}
