"""Where a registry may send its clients: not into the host itself and not to a cloud's metadata (security rule R19)."""

from __future__ import annotations

import ipaddress

_METADATA = frozenset(["100.100.100.200", "fd00:ec2::254"])
"""Metadata services of clouds outside 169.254.0.0/16, which is link-local."""

PUBLIC, LOOPBACK, LINK_LOCAL, REFUSED = "public", "loopback", "link-local", "refused"


def kind(address: str) -> str:
    """Say what an IP address is: LOOPBACK, LINK_LOCAL, REFUSED (metadata, unspecified, multicast) or else PUBLIC.

    An IPv4 address inside an IPv6 one is what it is by itself. Private networks count as public: registries and their
    token servers are often there.
    """
    text = address.partition("%")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return REFUSED
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    found = inner or found
    if str(found) in _METADATA or found.is_unspecified or found.is_multicast:
        return REFUSED
    if found.is_loopback:
        return LOOPBACK
    return LINK_LOCAL if found.is_link_local else PUBLIC


def same_site(realm: str, registry: str) -> bool:
    """Whether a token server's host may be asked for this registry: the same host, or one of the same domain.

    Without a list of public suffixes the domain is taken for the last two labels, or the last three where the second
    looks like those of co.uk or com.au.
    """
    if realm == registry:
        return True
    if kind(realm.strip("[]")) != REFUSED or kind(registry.strip("[]")) != REFUSED:
        return False  # one of them is an address
    return _domain(realm) == _domain(registry) != ""


def _domain(host: str) -> str:
    labels = host.lower().rstrip(".").split(".")
    if len(labels) < 2 or not all(labels):
        return ""
    short = len(labels[-1]) == 2 and len(labels[-2]) <= 3
    wanted = 3 if short else 2
    return ".".join(labels[-wanted:]) if len(labels) >= wanted else ""
