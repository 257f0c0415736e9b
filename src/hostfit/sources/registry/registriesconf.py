"""registries.conf and registries.conf.d of podman, skopeo and CRI-O: where a registry's content lies.

Source: containers-registries.conf(5), version 2, and containers-registries.conf.d(5). One key is ours: `realms`, hosts
that may be the registry's token server besides those of its own domain.
"""

from __future__ import annotations

import os
import tomllib
from typing import Any

from hostfit.core.errors import RegistryError
from hostfit.core.text import escape, quoted
from hostfit.oci import reference as references
from hostfit.oci.files import read_capped, symbol

_CAP = 1 << 20
_PULLS = ("all", "digest-only", "tag-only")


class Location:
    """Where a repository lies: host, repository there, and whether TLS need not hold."""

    __slots__ = ("host", "insecure", "pulls", "repository")

    def __init__(self, host: str, repository: str, *, insecure: bool, pulls: str = "all") -> None:
        self.host = host
        self.repository = repository
        self.insecure = insecure
        self.pulls = pulls


class Registry:
    """What the files say of one repository: its own place, mirrors in order, token servers that are allowed."""

    __slots__ = ("mirrors", "own", "realms")

    def __init__(self, own: Location, mirrors: tuple[Location, ...], realms: tuple[str, ...]) -> None:
        self.own = own
        self.mirrors = mirrors
        self.realms = realms


def files(path: str, folder: str) -> tuple[str, ...]:
    """The file and what lies in its folder, in the order in which later ones replace earlier ones."""
    try:
        names = sorted([name for name in os.listdir(folder) if name.endswith(".conf")])
    except OSError:
        names = []
    return (path, *[f"{folder}/{name}" for name in names])


def find(name: str, paths: tuple[str, ...]) -> Registry | None:
    """What the files say of the repository `name` (`host/path`), None for nothing.

    The entry with the longest prefix counts. Raises RegistryError where the registry is blocked, or a file cannot be
    read or understood.
    """
    entries: dict[str, tuple[dict[str, Any], str]] = {}
    for path in paths:
        for one in _entries(path):
            prefix = _text(one, "prefix", path) or _text(one, "location", path)
            if not prefix:
                raise RegistryError(f"{escape(path)}: registry: prefix or location is required, found neither")
            entries[prefix] = (one, path)
    matching = [prefix for prefix in entries if _covers(prefix, name)]
    if not matching:
        return None
    prefix = max(matching, key=len)
    entry, path = entries[prefix]
    if _flag(entry, "blocked", path):
        raise RegistryError(
            f"registry of {quoted(name)} is blocked", hint=f"{escape(path)} says so for {quoted(prefix)}"
        )
    return _registry(entry, prefix, name, path)


def _registry(entry: dict[str, Any], prefix: str, name: str, path: str) -> Registry:
    own = _location(_text(entry, "location", path), prefix, name, path, insecure=_flag(entry, "insecure", path))
    by_digest = _flag(entry, "mirror-by-digest-only", path)
    mirrors = []
    for one in _list(entry, "mirror", path):
        if not isinstance(one, dict) or not _text(one, "location", path):
            raise RegistryError(f"{escape(path)}: mirror of {quoted(prefix)}: location is required, found none")
        place = _location(_text(one, "location", path), prefix, name, path, insecure=_flag(one, "insecure", path))
        place.pulls = _text(one, "pull-from-mirror", path) or ("digest-only" if by_digest else "all")
        if place.pulls not in _PULLS:
            raise RegistryError(
                f"{escape(path)}: pull-from-mirror must be one of {', '.join(_PULLS)}, found {quoted(place.pulls)}"
            )
        mirrors.append(place)
    realms = _list(entry, "realms", path)
    if not all([isinstance(one, str) for one in realms]):
        raise RegistryError(f"{escape(path)}: realms of {quoted(prefix)}: a list of hosts is required")
    return Registry(own, tuple(mirrors), tuple([one.lower() for one in realms]))


def _covers(prefix: str, name: str) -> bool:
    """Whether an entry is for this repository: a host, a beginning of its path, or `*.example.com`."""
    if prefix.startswith("*."):
        host = name.partition("/")[0].partition(":")[0]
        return "/" not in prefix and host.endswith(prefix[1:])
    return name == prefix or name.startswith(prefix + "/")


def _location(location: str, prefix: str, name: str, path: str, *, insecure: bool) -> Location:
    """Put the location in the place of the prefix; without one the name stays."""
    if location and prefix.startswith("*."):
        full = location + "/" + name.partition("/")[2]
    else:
        full = location + name[len(prefix) :] if location else name
    try:
        found = references.qualified(full)
    except ValueError as error:
        raise RegistryError(f"{escape(path)}: location of {quoted(prefix)}: {error}") from None
    return Location(found.domain, found.path, insecure=insecure)


def _entries(path: str) -> list[dict[str, Any]]:
    try:
        tree = tomllib.loads(read_capped(path, _CAP).decode())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RegistryError(f"{escape(path)}: must be readable, found {symbol(error)}") from None
    except ValueError as error:
        raise RegistryError(f"{escape(path)}: not valid TOML: {escape(str(error))}") from None
    if "registries" in tree:
        raise RegistryError(f"{escape(path)}: version 2 of registries.conf is required, found version 1")
    entries = _list(tree, "registry", path)
    if not all([isinstance(one, dict) for one in entries]):
        raise RegistryError(f"{escape(path)}: registry must be an array of tables")
    return entries


def _list(tree: dict[str, Any], key: str, path: str) -> list[Any]:
    value = tree.get(key, [])
    if not isinstance(value, list):
        raise RegistryError(f"{escape(path)}: {key} must be a list")
    return value


def _text(tree: dict[str, Any], key: str, path: str) -> str:
    value = tree.get(key, "")
    if not isinstance(value, str):
        raise RegistryError(f"{escape(path)}: {key} must be text")
    return value


def _flag(tree: dict[str, Any], key: str, path: str) -> bool:
    value = tree.get(key, False)
    if not isinstance(value, bool):
        raise RegistryError(f"{escape(path)}: {key} must be true or false")
    return value
