"""Who we are at a registry: the files that podman, skopeo, docker and Kubernetes write, and their helpers.

Source: containers-auth.json(5), Docker's config.json. Secrets are never shown.
"""

from __future__ import annotations

import os
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from hostfit.core import fastjson
from hostfit.core.errors import RegistryError
from hostfit.core.text import escape
from hostfit.oci.files import read_capped, symbol

if TYPE_CHECKING:
    from collections.abc import Mapping

_CAP = 1 << 20
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_KEY = "https://index.docker.io/v1/"
_IDENTITY = "<token>"
"""The user's name of a credential that is an identity token (docker-credential-helpers)."""


class Credential:
    """A user's name and secret, or with `identity` a refresh token; `place` says where it was found."""

    __slots__ = ("identity", "place", "secret", "user")

    def __init__(self, user: str, secret: str, place: str, *, identity: bool = False) -> None:
        self.user = user
        self.secret = secret
        self.place = place
        self.identity = identity

    def __repr__(self) -> str:
        return f"Credential(place={self.place!r})"


class Credentials:
    """Files in the order in which they are asked, and the directories in which helpers may lie."""

    def __init__(self, files: tuple[str, ...], helpers: tuple[str, ...] = ("/usr/bin", "/usr/local/bin")) -> None:
        self._files = files
        self._helpers = helpers

    def places(self) -> str:
        """The files that are asked, for messages."""
        return ", ".join(self._files) or "no file"

    def find(self, authority: str, repository: str) -> Credential | None:
        """Give the credential for a repository of the registry at `authority` (host and port), None for none.

        The most specific key of the first file that has one counts. Raises RegistryError where a file that is there
        cannot be read or understood, or its helper fails.
        """
        keys = _keys(authority, repository)
        for path in self._files:
            tree = _read(path)
            found = self._in_file(tree, keys, path) if tree is not None else None
            if found is not None:
                return found
        return None

    def _in_file(self, tree: dict[str, Any], keys: tuple[str, ...], path: str) -> Credential | None:
        entries, helpers, default = _sections(tree, path)
        for key in keys:
            named = helpers.get(key)
            if isinstance(named, str) and named:
                found = self._ask(named, key, path)
                if found is not None:
                    return found
            if key in entries and (plain := _entry(entries[key], path)) is not None:
                return plain
        if default:
            for key in dict.fromkeys([_HUB_KEY if key in _HUB else key for key in keys if "/" not in key]):
                found = self._ask(default, key, path)
                if found is not None:
                    return found
        return None

    def _ask(self, name: str, key: str, path: str) -> Credential | None:
        from hostfit.sources.registry import helper  # only where a file names one

        answer = helper.get(name, key, self._helpers, place=path)
        if answer is None:
            return None
        user, secret = answer
        place = f"helper {name} of {path}"
        return Credential("" if user == _IDENTITY else user, secret, place, identity=user == _IDENTITY)


def default_files(etc: str, environ: Mapping[str, str], uid: int) -> tuple[str, ...]:
    """Where credentials may be, in order: REGISTRY_AUTH_FILE alone if it is set, else hostfit's own file, then those
    of the user who calls. Nobody else's home is read.
    """
    chosen = environ.get("REGISTRY_AUTH_FILE", "")
    if chosen:
        return (chosen,)
    home = environ.get("HOME", "")
    runtime = environ.get("XDG_RUNTIME_DIR") or (f"/run/containers/{uid}" if uid == 0 else f"/run/user/{uid}")
    config = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    docker = environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
    own = f"{runtime}/auth.json" if runtime == f"/run/containers/{uid}" else f"{runtime}/containers/auth.json"
    known = [f"{etc}/auth.json", own]
    known += [f"{config}/containers/auth.json"] if config else []
    known += [f"{docker}/config.json"] if docker else []
    known += [f"{home}/.dockercfg"] if home else []
    return tuple([path for path in known if path.startswith("/")])


def _keys(authority: str, repository: str) -> tuple[str, ...]:
    """Keys of a file that may mean this repository, the most specific first."""
    parts = repository.split("/")
    hosts = _HUB if authority in _HUB else (authority,)
    found = []
    for host in hosts:
        found += ["/".join([host, *parts[:count]]) for count in range(len(parts), 0, -1)]
    return tuple(found + list(hosts))


def _sections(tree: dict[str, Any], path: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Credentials by key, helpers by key and the helper for all; .dockercfg has only the first, without a name."""
    if os.path.basename(path) == ".dockercfg":
        tree = {"auths": tree}
    entries: Any = tree.get("auths") or {}
    helpers: Any = tree.get("credHelpers") or {}
    default: Any = tree.get("credsStore") or ""
    if not isinstance(entries, dict) or not isinstance(helpers, dict) or not isinstance(default, str):
        raise RegistryError(f"{escape(path)}: auths and credHelpers must be mappings and credsStore text")
    return {_plain(key): value for key, value in entries.items()}, helpers, default


def _plain(key: str) -> str:
    """A key without scheme and version, which Docker wrote before there were namespaces."""
    for scheme in ("https://", "http://"):
        if key.startswith(scheme):
            rest = key.removeprefix(scheme)
            return rest.partition("/")[0]
    return key.rstrip("/")


def _entry(value: Any, path: str) -> Credential | None:
    """Read one entry, None where it is empty, as Docker leaves it beside a helper. Raises RegistryError."""
    fields = value if isinstance(value, dict) else {}
    token = fields.get("identitytoken")
    if isinstance(token, str) and token:
        return Credential("", token, path, identity=True)
    user, secret, encoded = fields.get("username"), fields.get("password"), fields.get("auth")
    if isinstance(encoded, str) and encoded:
        try:
            user, colon, secret = b64decode(encoded, validate=True).decode().rstrip("\0").partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise RegistryError(f"{escape(path)}: auth must be USER:PASSWORD in base64")
    if isinstance(user, str) and isinstance(secret, str) and user:
        return Credential(user, secret, path)
    return None


def _read(path: str) -> dict[str, Any] | None:
    """Read a file, None where there is none or it is another user's. Raises RegistryError."""
    try:
        tree = fastjson.loads(read_capped(path, _CAP), what=escape(path))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        raise RegistryError(f"{escape(path)}: must be readable, found {symbol(error)}") from None
    except ValueError as error:
        raise RegistryError(str(error)) from None
    if not isinstance(tree, dict):
        raise RegistryError(f"{escape(path)}: a mapping is required")
    return tree
