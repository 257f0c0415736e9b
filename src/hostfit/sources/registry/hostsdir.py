"""Folders named after a registry: certificates for it, and containerd's hosts.toml with its mirrors.

Source: containers-certs.d(5), Docker's certs.d, and containerd's docs/hosts.md.
"""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hostfit.core.errors import RegistryError
from hostfit.core.text import escape, quoted
from hostfit.oci.files import read_capped, symbol
from hostfit.sources.registry.endpoint import PULL, PUSH, RESOLVE, Endpoint
from hostfit.sources.registry.transport import Trust

if TYPE_CHECKING:
    from collections.abc import Iterator

_CAP = 1 << 20
_ALL = frozenset([PULL, RESOLVE, PUSH])


def trust(host: str, folders: tuple[str, ...], *, insecure: bool = False) -> Trust:
    """The certificates that lie in `FOLDER/HOST` for a registry: *.crt are authorities, *.cert with *.key our own.

    The first folder that has one for this host counts.
    """
    for folder in folders:
        place = f"{folder}/{host}"
        try:
            names = sorted(os.listdir(place))
        except OSError:
            continue
        authorities = tuple([f"{place}/{name}" for name in names if name.endswith(".crt")])
        pairs = tuple(
            [
                (f"{place}/{name}", f"{place}/{name.removesuffix('.cert')}.key")
                for name in names
                if name.endswith(".cert") and f"{name.removesuffix('.cert')}.key" in names
            ]
        )
        if authorities or pairs:
            return Trust(authorities, pairs, verify=not insecure)
    return Trust(verify=not insecure)


def endpoints(host: str, repository: str, folders: tuple[str, ...]) -> tuple[Endpoint, ...] | None:
    """The places that a hosts.toml names for a registry, mirrors first and the registry last; None without a file.

    Raises RegistryError where the file cannot be read or understood.
    """
    for folder in folders:
        for name in (*_names(host), "_default"):
            path = f"{folder}/{name}/hosts.toml"
            tree = _read(path)
            if tree is not None:
                return tuple(_endpoints(tree, host, repository, path))
    return None


def _names(host: str) -> tuple[str, ...]:
    """How a folder for this host may be called; containerd takes host_PORT_ where a file system has no colon."""
    plain, colon, port = host.rpartition(":")
    return (host, f"{plain}_{port}_") if colon and port.isdigit() else (host,)


def _endpoints(tree: dict[str, Any], host: str, repository: str, path: str) -> Iterator[Endpoint]:
    hosts = tree.get("host", {})
    if not isinstance(hosts, dict) or not all([isinstance(one, dict) for one in hosts.values()]):
        raise RegistryError(f"{escape(path)}: host must be tables by URL")
    server = tree.get("server", "")
    if not isinstance(server, str):
        raise RegistryError(f"{escape(path)}: server must be a URL")
    last = _endpoint(server or f"https://{own(host)}", tree, host, repository, path, mirror=False)
    for url, fields in hosts.items():
        one = _endpoint(url, fields, host, repository, path, mirror=True)
        if one.authority == last.authority:
            # No mirror: this is how the registry itself is to be reached.
            last = _endpoint(url, fields, host, repository, path, mirror=False)
        else:
            yield one
    yield last


def own(host: str) -> str:
    """Where a registry is reached: its own host, but for Docker's, whose name is not its address."""
    return "registry-1.docker.io" if host in ("docker.io", "index.docker.io") else host


def _endpoint(url: str, fields: dict[str, Any], host: str, repository: str, path: str, *, mirror: bool) -> Endpoint:
    full = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(full)
        valid = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and not parts.query
    except ValueError:
        valid = False
    if not valid:
        raise RegistryError(f"{escape(path)}: a URL with http or https is required, found {quoted(url)}")
    base = full.rstrip("/")
    if fields.get("override_path") is not True and not base.endswith("/v2"):
        base += "/v2"
    headers = fields.get("header", {})
    if not isinstance(headers, dict):
        raise RegistryError(f"{escape(path)}: header must be a table")
    sent = {name: one[0] if isinstance(one, list) and one else one for name, one in headers.items()}
    if not all([isinstance(one, str) and one.isprintable() for one in sent.values()]):
        raise RegistryError(f"{escape(path)}: header must hold text")
    # Only the registry itself is written to: a server by another host's name is a mirror that stands in its place.
    is_own = parts.netloc in (host, own(host))
    can = _capabilities(fields, path) - (frozenset() if is_own and not mirror else frozenset([PUSH]))
    return Endpoint(
        base, repository, Trust(_paths(fields, "ca", path), _pairs(fields, path), verify=_verify(fields, path)),
        mirror=mirror, namespace=host if mirror and not is_own else "", headers=sent, can=can,
    )  # fmt: skip


def _capabilities(fields: dict[str, Any], path: str) -> frozenset[str]:
    given = fields.get("capabilities")
    if given is None:
        return _ALL
    if not isinstance(given, list) or not all([isinstance(one, str) for one in given]):
        raise RegistryError(f"{escape(path)}: capabilities must be a list of words")
    return frozenset(given) & _ALL


def _verify(fields: dict[str, Any], path: str) -> bool:
    value = fields.get("skip_verify", False)
    if not isinstance(value, bool):
        raise RegistryError(f"{escape(path)}: skip_verify must be true or false")
    return not value


def _paths(fields: dict[str, Any], key: str, path: str) -> tuple[str, ...]:
    value = fields.get(key, [])
    listed = value if isinstance(value, list) else [value]
    if not all([isinstance(one, str) for one in listed]):
        raise RegistryError(f"{escape(path)}: {key} must be a path or a list of paths")
    return tuple([os.path.join(os.path.dirname(path), one) for one in listed])


def _pairs(fields: dict[str, Any], path: str) -> tuple[tuple[str, str], ...]:
    """Certificates of ours: pairs, or single files that hold certificate and key."""
    value = fields.get("client", [])
    listed = value if isinstance(value, list) else [value]
    found = []
    for one in listed:
        pair = one if isinstance(one, list) else [one, one]
        if len(pair) != 2 or not all([isinstance(name, str) for name in pair]):
            raise RegistryError(f"{escape(path)}: client must be files, or pairs of certificate and key")
        cert, key = (os.path.join(os.path.dirname(path), name) for name in (pair[0], pair[1] or pair[0]))
        found.append((cert, key))
    return tuple(found)


def _read(path: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(read_capped(path, _CAP).decode())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RegistryError(f"{escape(path)}: must be readable, found {symbol(error)}") from None
    except ValueError as error:
        raise RegistryError(f"{escape(path)}: not valid TOML: {escape(str(error))}") from None
