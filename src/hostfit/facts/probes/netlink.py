"""Reads links from the kernel through pyroute2. Cold: whoever imports this pays 300 ms.

Nothing but RTM_GETLINK is sent, and links are named by index: the kernel loads no module to answer it, as it
would for a name in an ioctl or for the kind in RTM_NEWLINK.
"""

from __future__ import annotations

import errno

from hostfit.oci import site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def links() -> list[tuple[int, dict[str, str]]]:
    """Give index and facts of all links: name, operstate, carrier, mtu and, where it has one, kind. Raises OSError."""
    return [(int(message["index"]), _facts(message)) for message in _messages()]


def understood(data: bytes) -> dict[str, str]:
    """Give the facts of one link from a message that the kernel sent by itself. Raises OSError."""
    _package()
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # found only once site packages are on the path

    message = ifinfmsg(data)
    message.decode()
    return _facts(message)


def _facts(message: Any) -> dict[str, str]:
    link = {
        "name": str(message.get_attr("IFLA_IFNAME")),
        "operstate": str(message.get_attr("IFLA_OPERSTATE")).lower(),
        "mtu": str(message.get_attr("IFLA_MTU")),
        "kind": message.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND"),
    }
    carrier = message.get_attr("IFLA_CARRIER")
    if carrier is not None:
        link["carrier"] = "true" if carrier else "false"
    return {key: text for key, text in link.items() if text}


def vf_link_states(index: int, mask: int) -> list[int]:
    """Give IFLA_VF_LINK_STATE of each virtual function of the link with this index. Raises OSError."""
    states = []
    for message in _messages(index, mask):
        functions = message.get_attr("IFLA_VFINFO_LIST")
        for function in functions.get_attrs("IFLA_VF_INFO") if functions is not None else ():
            state = function.get_attr("IFLA_VF_LINK_STATE")
            if state is not None:
                states.append(int(state["link_state"]))
    return states


def _messages(index: int = 0, mask: int = 0) -> list[Any]:
    """Ask for all links, or for the one with an index and with more about it."""
    pyroute2 = _package()
    try:
        with pyroute2.IPRoute() as route:
            return list(route.link("get", index=index, ext_mask=mask) if index else route.get_links())
    except pyroute2.NetlinkError as error:
        raise OSError(error.code, str(error), "RTM_GETLINK") from None


def _package() -> Any:
    site.enable()
    try:
        import pyroute2  # found only once site packages are on the path
    except ImportError as error:
        raise OSError(errno.ENOPKG, str(error), "pyroute2") from None
    return pyroute2
