"""network.linkkind: kinds of link that the kernel can create, told from its modules without creating any."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import modules
from hostfit.facts.probes.kernel import release
from hostfit.facts.probes.netdevices import LINKS, links
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_ALIAS = b"rtnl-link-"
"""The alias by which the kernel asks for the module of a kind (MODULE_ALIAS_RTNL_LINK)."""
_MODULES = {
    "bond": "bonding",
    "erspan": "ip_gre",
    "gre": "ip_gre",
    "gretap": "ip_gre",
    "hsr": "hsr",
    "ip6gre": "ip6_gre",
    "ip6gretap": "ip6_gre",
    "ip6tnl": "ip6_tunnel",
    "ipoib": "ib_ipoib",
    "ipvtap": "ipvtap",
    "vlan": "8021q",
    "vti": "ip_vti",
    "vti6": "ip6_vti",
    "xfrm": "xfrm_interface",
}
"""Modules that are not named as the kind they provide, for kernels that list built-in modules without aliases."""
_KINDS = (
    "bareudp",
    "bond",
    "bridge",
    "dummy",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "gtp",
    "gtp5g",
    "hsr",
    "ifb",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "ipip",
    "ipoib",
    "ipvlan",
    "ipvtap",
    "macsec",
    "macvlan",
    "macvtap",
    "nlmon",
    "sit",
    "team",
    "vcan",
    "veth",
    "vlan",
    "vrf",
    "vti",
    "vti6",
    "vxcan",
    "vxlan",
    "wireguard",
    "xfrm",
)
"""Kinds to look for by name of the module when all are asked for."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give the kinds that are asked for and can be created; the rest is absent only if all lists were read."""
    del feature
    found, why = _by_alias(root, names)
    for kind in set(_KINDS if names is None else names) - found:
        # There is a directory for a module that is loaded, and for many that are built in.
        if root.exists(f"/sys/module/{_MODULES.get(kind, kind).replace('-', '_')}"):
            found.add(kind)
    if why is not None and (names is None or names - found):
        # With all lists read, a kind in use is in one of them.
        found |= _in_use(root, names)
    if names is not None and not names - found:
        why = None
    return Feature(flags=found, unknown=why)


def _by_alias(root: Root, names: set[str] | None) -> tuple[set[str], Unknown | None]:
    """Look into the lists of modules on disk and of those built in; say why if one of them is missing."""
    found: set[str] = set()
    why = None
    directory = f"/lib/modules/{release(root)}/"
    for file in ("modules.builtin",) if modules.disabled(root) else ("modules.alias", "modules.builtin"):
        try:
            listed = root.read(directory + file)
        except OSError as error:
            # Without loadable modules (no /proc/modules) there is no list of them, and none is missing.
            if file == "modules.builtin" or root.exists("/proc/modules"):
                why = Unknown(reason(error))
            continue
        found |= _kinds_of_aliases(listed, names) if file == "modules.alias" else _kinds_of_names(listed, names)
    if root.exists(directory + "modules.builtin.modinfo"):
        # Only since Linux 5.2; before that modules.builtin alone has to do.
        found |= _kinds_of_aliases(root.read(directory + "modules.builtin.modinfo"), names)
    return found, why


def _kinds_of_aliases(listed: bytes, names: set[str] | None) -> set[str]:
    """Give the kinds in modules.alias (lines) or modules.builtin.modinfo (strings that end in NUL)."""
    kinds = set()
    at = listed.find(_ALIAS)
    while at >= 0:
        at += len(_ALIAS)
        kind = listed[at : at + 64].replace(b"\0", b" ").split(None, 1)[0].decode("ascii", "replace")
        kinds.add(kind)
        at = listed.find(_ALIAS, at)
    return kinds if names is None else kinds & names


def _kinds_of_names(listed: bytes, names: set[str] | None) -> set[str]:
    """Give the kinds whose module is in modules.builtin, a list of paths such as kernel/drivers/net/veth.ko."""
    listed_modules = {modules.module_name(path) for path in listed.decode("ascii", "replace").splitlines()}
    return {kind for kind in (_KINDS if names is None else names) if _MODULES.get(kind, kind) in listed_modules}


def _in_use(root: Root, names: set[str] | None) -> set[str]:
    """Give the kinds of the links that exist, which proves that they can be created. Live hosts only."""
    if not root.live or not any([not root.exists(f"{LINKS}/{name}/device") for name in links(root) if name != "lo"]):
        return set()
    from hostfit.facts.probes import netlink  # cold: pyroute2 takes 300 ms to import

    try:
        kinds = {link["kind"] for _, link in netlink.links() if "kind" in link}
    except OSError:
        # The files have answered; what netlink would have added stays unknown or absent as they say.
        return set()
    return kinds if names is None else kinds & names
