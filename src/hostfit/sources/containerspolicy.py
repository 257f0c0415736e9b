"""What containers-policy.json(5) says of a repository: accept, demand a signature, or reject (cold).

Only the scopes are respected here, for transport `docker`; signatures of images are their engines' to check. As there,
the most specific scope counts alone, and a file that cannot be understood allows nothing.
"""

from __future__ import annotations

from hostfit.core import fastjson, limits
from hostfit.core.errors import PolicyError
from hostfit.core.text import escape, quoted
from hostfit.oci.files import read_capped, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ACCEPT, SIGNED, REJECT = "accept", "signed", "reject"
_KINDS = {"insecureAcceptAnything": ACCEPT, "signedBy": SIGNED, "sigstoreSigned": SIGNED, "reject": REJECT}
_WORST_FIRST = (REJECT, SIGNED, ACCEPT)


class ContainersPolicy:
    """One policy; without a file everything is accepted."""

    def __init__(self, scopes: dict[str, str] | None = None, default: str = ACCEPT) -> None:
        self._scopes = dict(scopes or {})
        self._default = default

    def of(self, repository: str) -> str:
        """Give ACCEPT, SIGNED or REJECT for registry/path."""
        scope = repository
        while scope:
            if scope in self._scopes:
                return self._scopes[scope]
            scope = scope.rpartition("/")[0]
        host = repository.partition("/")[0].partition(":")[0]
        while "." in host:
            host = host.partition(".")[2]
            if f"*.{host}" in self._scopes:
                return self._scopes[f"*.{host}"]
        return self._scopes.get("", self._default)


def read(path: str) -> ContainersPolicy:
    """Read the file, which need not be there. Raises PolicyError."""
    try:
        data = read_capped(path, limits.POLICY_FILE)
    except FileNotFoundError:
        return ContainersPolicy()
    except OSError as error:
        raise PolicyError(f"{escape(path, 4096)}: required readable, found {symbol(error)}") from None
    try:
        return _policy(fastjson.loads(data, what=escape(path, 4096), cap=limits.POLICY_FILE))
    except ValueError as error:
        raise PolicyError(f"{escape(path, 4096)}: {error}") from None


def _policy(tree: Any) -> ContainersPolicy:
    if not isinstance(tree, dict) or not {"default", "transports"}.issuperset(tree) or "default" not in tree:
        raise ValueError("default and transports are required, and nothing else")
    transports = tree.get("transports", {})
    docker = transports.get("docker", {}) if isinstance(transports, dict) else None
    if not isinstance(docker, dict):
        raise ValueError("transports.docker: a mapping of scopes is required")  # noqa: TRY004 - bad input, one error
    scopes = {scope: _requirement(one, f"scope {quoted(scope)}") for scope, one in docker.items()}
    return ContainersPolicy(scopes, _requirement(tree["default"], "default"))


def _requirement(tree: Any, what: str) -> str:
    """All requirements of a scope must hold, so the strictest says what it comes to."""
    if not isinstance(tree, list) or not tree:
        raise ValueError(f"{what}: a list of requirements is required")
    kinds = [_KINDS.get(str(one.get("type"))) if isinstance(one, dict) else None for one in tree]
    for kind in _WORST_FIRST:
        if kind in kinds and None not in kinds:
            return kind
    raise ValueError(f"{what}: a type of {', '.join(_KINDS)} is required")
