"""Requests to one endpoint: redirects by hand, credentials for this registry alone (security rule R19)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from hostfit.core import limits
from hostfit.core.errors import RegistryError, UnreachableError
from hostfit.core.text import escape, quoted
from hostfit.sources.registry.headers import challenges
from hostfit.sources.registry.tokens import Authorizer
from hostfit.sources.registry.transport import Transport, Trust
from hostfit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostfit.sources.registry.credentials import Credentials
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.endpoint import Endpoint
    from hostfit.sources.registry.transport import Answer

_REDIRECTS = (301, 302, 303, 307, 308)
_READS = ("GET", "HEAD")
_LATER = (401, 403, 408, 425, 429)
"""Status of an answer that, like 5xx, says nothing about the content."""
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')
"""The one form of a registry's warning (distribution-spec, warnings)."""
_WARNINGS = 10
_SMALL = 256 << 10
"""Bytes of an answer that only says how a request went."""


class Client:
    """What can be asked of one endpoint until it has sent limits.ANSWERS; not for use by two threads at once."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials, realms: tuple[str, ...] = ()) -> None:
        self.endpoint = endpoint
        self._base = endpoint.base
        self._home = Transport(endpoint.trust)
        self._others: dict[str, Transport] = {}
        self._authorizer = Authorizer(endpoint, credentials, self._elsewhere, realms)
        self._settled = not endpoint.plain
        self._sent = 0
        self.warnings: list[str] = []

    def path(self, *parts: str) -> str:
        """The path of something in this endpoint's repository, below its base."""
        return "/".join(["", self.endpoint.repository, *parts])

    def call(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        cap: int = limits.MANIFEST,
        query: Mapping[str, str] | None = None,
        actions: str = "pull",
    ) -> Answer:
        """Ask for a path below the endpoint's base, or for a whole URL of the same host, and give whatever comes back.

        `actions` is what a token must allow: "pull" or "pull,push". Raises RegistryError where no answer comes, where
        it is too long, and where the registry wants credentials that there are not.
        """
        url = self._url(path, query, deadline)
        given = {"Accept": "*/*", **self.endpoint.headers, **(headers or {})}
        scope = f"repository:{self.endpoint.repository}:{actions}"
        answer: Answer | None = None
        for attempt in range(3):
            offered = challenges(answer.headers.get("www-authenticate", "")) if answer is not None else []
            secret = self._authorizer.header(scope, offered, attempt, deadline)
            if answer is not None and not secret:
                break
            answer = self._follow(method, url, given, secret, body=body, cap=cap, deadline=deadline)
            self._heed(answer)
            if answer.status != 401 or self._foreign(answer.url):
                return answer  # what another host wants to know is none of its business
        raise self._authorizer.refused(answer)

    def _heed(self, answer: Answer) -> None:
        """Keep what a registry wants its users to read."""
        for text in _WARNING.findall(answer.headers.get("warning", "")[:4096]):
            shown = f"{self.endpoint.label} says: {escape(text)}"
            if shown not in self.warnings and len(self.warnings) < _WARNINGS:
                self.warnings.append(shown)

    def close(self) -> None:
        """End all connections."""
        for one in (self._home, *self._others.values()):
            one.close()

    def fault(self, answer: Answer, what: str, required: str) -> RegistryError:
        """The error for an answer with another status than was required."""
        kind = UnreachableError if answer.status in _LATER or answer.status >= 500 else RegistryError
        return kind(
            f"{self.endpoint.label}: {what}: {required}, found status {answer.status}{_said(answer)}",
            hint=_hint(answer.status),
        )

    def own(self, url: str) -> bool:
        """Whether a URL is of the very host that this endpoint is at."""
        return "@" not in url.partition("?")[0] and not self._foreign(url)

    def _url(self, path: str, query: Mapping[str, str] | None, deadline: Deadline) -> str:
        self._settle(deadline)
        if not path.startswith("/"):
            return path
        words = dict(query or {})
        if self.endpoint.namespace:
            words["ns"] = self.endpoint.namespace
        return self._base + path + (f"?{urlencode(words)}" if words else "")

    def _settle(self, deadline: Deadline) -> None:
        """Find out whether an endpoint that need not have TLS has it, before anything is sent that is a secret."""
        if self._settled:
            return
        self._settled = True
        plain = "http://" + self._base.removeprefix("https://")
        try:
            self._exchange(self._home, "GET", self._base + "/", {}, body=None, cap=_SMALL, deadline=deadline)
        except UnreachableError:
            try:
                self._exchange(self._home, "GET", plain + "/", {}, body=None, cap=_SMALL, deadline=deadline)
            except UnreachableError:
                return
            self._base = plain

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        secret: str,
        *,
        body: bytes | None,
        cap: int,
        deadline: Deadline,
    ) -> Answer:
        """Ask, and go where the answer leads; on another host nothing of ours goes along."""
        sent = {**headers, **({"Authorization": secret} if secret else {})}
        start = url
        for _ in range(limits.REDIRECTS + 1):
            transport = self._home if not self._foreign(url) else self._elsewhere(url)
            answer = self._exchange(transport, method, url, sent, body=body, cap=cap, deadline=deadline)
            if answer.status not in _REDIRECTS:
                return answer
            if method not in _READS:
                raise self.fault(answer, f"{method} {_path(start)}", "no redirect may answer what writes")
            url = self._target(url, answer)
            if self._foreign(url):
                sent = {"Accept": sent["Accept"]}
        raise RegistryError(f"{self.endpoint.label}: {_path(start)}: at most {limits.REDIRECTS} redirects are followed")

    def _target(self, url: str, answer: Answer) -> str:
        place = answer.headers.get("location", "")
        target = join(url, place)
        parts = _split(target)
        allowed = ("https",) if url.startswith("https:") else ("https", "http")
        if parts is None or parts.scheme not in allowed or not parts.hostname or "@" in parts.netloc:
            raise RegistryError(
                f"{self.endpoint.label}: redirect must lead to {' or '.join(allowed)} without a user's name, "
                f"found {quoted(place)}"
            )
        return target.partition("#")[0]

    def _foreign(self, url: str) -> bool:
        return _origin(url) != _origin(self._base)

    def _elsewhere(self, url: str) -> Transport:
        """The transport to another host than the registry's: the system's trust, and not into this host."""
        return self._others.setdefault(_origin(url), Transport(self._trust_of(url), self._home))

    def _trust_of(self, url: str) -> Trust:
        """The registry's own authorities count on its other ports (a token server), and nowhere else."""
        return self.endpoint.trust if _host(url) == _host(self._base) else Trust()

    def _exchange(
        self,
        transport: Transport,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None,
        cap: int,
        deadline: Deadline,
    ) -> Answer:
        if self._sent > limits.ANSWERS:
            raise RegistryError(
                f"{self.endpoint.label}: answers must be at most {limits.ANSWERS} bytes together, found more"
            )
        ours = {"User-Agent": f"hostfit/{VERSION}", "Accept-Encoding": "identity"}
        answer = transport.exchange(method, url, {**headers, **ours}, body=body, cap=cap, deadline=deadline)
        self._sent += len(answer.body)
        return answer


def join(url: str, place: str) -> str:
    """Give the URL that `place` means where it was found at `url`, empty for none."""
    try:
        return urljoin(url, place)
    except ValueError:
        return ""


def _split(url: str) -> Any:
    """Take a URL apart, None for one that cannot be asked."""
    try:
        parts = urlsplit(url)
        valid = parts.port is None or parts.port > 0
    except ValueError:
        return None
    return parts if valid else None


def _origin(url: str) -> str:
    parts = _split(url)
    if parts is None:
        return ""
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _host(url: str) -> str:
    parts = _split(url)
    return "" if parts is None else parts.hostname or ""


def _path(url: str) -> str:
    return escape(urlsplit(url).path)


def _said(answer: Answer) -> str:
    """The first of the errors that a registry lists (distribution-spec, error codes)."""
    from hostfit.core import fastjson  # needed for messages only

    try:
        first = fastjson.loads(answer.body, what="error")["errors"][0]
        return f" ({escape(str(first['code']), 64)}: {escape(str(first.get('message', '')), 120)})"
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return ""


def _hint(status: int) -> str:
    if status == 429:
        return "the registry limits how much may be asked; log in, or try again later"
    return "the credentials that were found do not allow it" if status == 403 else ""
