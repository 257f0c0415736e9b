"""One place where the content of a repository can be asked for: the registry itself, or a mirror of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostfit.sources.registry.transport import Trust

PULL, RESOLVE, PUSH = "pull", "resolve", "push"
"""What a place may be used for: content by digest, what a tag means, writing (containerd's hosts.toml)."""


class Endpoint:
    """How to reach a repository in one place.

    `base` is the URL below which the distribution-spec's paths lie, such as "https://mirror.example:5000/v2", and
    `repository` what the repository is called there. `plain` says that HTTP without TLS may be tried where TLS does
    not work; a `base` that begins with http:// was written so by the administrator. `namespace` is the registry that a
    mirror is asked about (`?ns=`), `headers` go with every request, `can` holds PULL, RESOLVE and PUSH. `label` names
    it for people. `authority` (a host) finds credentials.
    """

    __slots__ = ("authority", "base", "can", "headers", "label", "mirror", "namespace", "plain", "repository", "trust")

    def __init__(
        self,
        base: str,
        repository: str,
        trust: Trust,
        *,
        mirror: bool = False,
        plain: bool = False,
        namespace: str = "",
        headers: Mapping[str, str] | None = None,
        can: frozenset[str] = frozenset([PULL, RESOLVE]),
    ) -> None:
        self.base = base.rstrip("/")
        self.repository = repository
        self.trust = trust
        self.mirror = mirror
        self.plain = plain
        self.namespace = namespace
        self.headers = dict(headers or {})
        self.can = can
        self.authority = self.base.partition("://")[2].partition("/")[0]
        self.label = f"mirror {self.authority}" if mirror else f"registry {self.authority}"
