"""The Authorization header for one endpoint: Basic, or a bearer token of the server that the registry names.

Source: distribution's token authentication (jwt, oauth2). Tokens are kept in memory only.
"""

from __future__ import annotations

import time
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from hostfit.core import fastjson
from hostfit.core.errors import RegistryError, UnreachableError
from hostfit.core.text import escape, quoted
from hostfit.sources.registry import addresses
from hostfit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostfit.sources.registry.credentials import Credential, Credentials
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.endpoint import Endpoint
    from hostfit.sources.registry.headers import Challenge
    from hostfit.sources.registry.transport import Answer, Transport

_CAP = 256 << 10
_SHORTEST, _LONGEST = 60.0, 3600.0
"""Seconds for which a token counts where its server does not say, and at most."""
_AHEAD = 5.0


class Authorizer:
    """What one endpoint's requests are authorized by.

    `elsewhere` gives the transport to another URL; `realms` are hosts that the administrator lists as token servers
    of this registry beside those of its own domain.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        elsewhere: Callable[[str], Transport],
        realms: tuple[str, ...],
    ) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._elsewhere = elsewhere
        self._realms = realms
        self._found: Credential | None = None
        self._looked = False
        self._basic = False
        self._tokens: dict[str, tuple[str, float]] = {}

    def header(self, scope: str, offered: Sequence[Challenge], attempt: int, deadline: Deadline) -> str:
        """The value of Authorization, empty for none.

        The first attempt uses what worked before; the next ones answer `offered`, each kind once. Raises RegistryError
        where the token server cannot be asked.
        """
        if attempt == 0:
            token, until = self._tokens.get(scope, ("", 0.0))
            if token and until > time.monotonic():
                return f"Bearer {token}"
            return self._basic_header() if self._basic else ""
        by_scheme = {one.scheme: one for one in reversed(offered)}
        if "bearer" in by_scheme and attempt == 1:
            return f"Bearer {self._token(by_scheme['bearer'], scope, deadline)}"
        if "basic" in by_scheme and not self._basic:
            self._basic = True
            return self._basic_header()
        return ""

    def refused(self, answer: Answer | None) -> UnreachableError:
        """The error for a registry that wants other credentials than there are."""
        label = self._endpoint.label
        if answer is not None and not answer.headers.get("www-authenticate"):
            return UnreachableError(f"{label}: a way to authenticate is required with status 401, found none")
        if self._credential() is None:
            places = self._credentials.places()
            return UnreachableError(
                f"{label}: credentials are required, found none in {escape(places, 1000)}",
                hint=f"log in, for example with podman login {escape(self._endpoint.authority)}",
            )
        return UnreachableError(f"{label}: credentials are refused for {quoted(self._endpoint.repository)}")

    def _credential(self) -> Credential | None:
        if not self._looked:
            self._found = self._credentials.find(self._endpoint.authority, self._endpoint.repository)
            self._looked = True
        return self._found

    def _basic_header(self) -> str:
        found = self._credential()
        if found is None or found.identity:
            return ""
        return _basic(found)

    def _token(self, challenge: Challenge, scope: str, deadline: Deadline) -> str:
        realm = self._realm(challenge.parameters.get("realm", ""))
        words = {"scope": challenge.parameters.get("scope") or scope}
        if challenge.parameters.get("service"):
            words["service"] = challenge.parameters["service"]
        found = self._credential()
        headers = {"Accept": "application/json", "User-Agent": f"hostfit/{VERSION}", "Accept-Encoding": "identity"}
        transport = self._elsewhere(realm)
        if found is not None and found.identity:
            words |= {"grant_type": "refresh_token", "refresh_token": found.secret, "client_id": "hostfit"}
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(words).encode()
            answer = transport.exchange("POST", realm, headers, body=body, cap=_CAP, deadline=deadline)
        else:
            if found is not None:
                headers["Authorization"] = _basic(found)
            url = realm + ("&" if urlsplit(realm).query else "?") + urlencode(words)
            answer = transport.exchange("GET", url, headers, body=None, cap=_CAP, deadline=deadline)
        token, seconds = self._granted(answer, realm)
        self._tokens[scope] = (token, time.monotonic() + seconds - _AHEAD)
        return token

    def _realm(self, realm: str) -> str:
        """Check that a token server may be asked: TLS as the registry has it, and of the same domain or listed."""
        label = self._endpoint.label
        try:
            parts = urlsplit(realm)
            host = parts.hostname or ""
            known = parts.port is None or parts.port > 0
        except ValueError:
            host, known, parts = "", False, urlsplit("")
        own = (urlsplit(self._endpoint.base).hostname or "").lower()
        without = self._endpoint.base.startswith("http://") or self._endpoint.plain
        plain = parts.scheme == "http" and host == own and without
        if not host or not known or "@" in parts.netloc or parts.fragment or not (parts.scheme == "https" or plain):
            raise RegistryError(f"{label}: token server must be an https URL, found {quoted(realm)}")
        if not addresses.same_site(host, own) and parts.netloc not in self._realms and host not in self._realms:
            raise RegistryError(
                f"{label}: token server must be of the same domain, found {quoted(host)}",
                hint="list it under realms of this registry in registries.conf if it is meant",
            )
        return realm

    def _granted(self, answer: Answer, realm: str) -> tuple[str, float]:
        """Read what the token server says. Raises RegistryError."""
        label = f"token server {escape(urlsplit(realm).netloc)}"
        if answer.status in (400, 401, 403):
            found = self._credential()
            if found is None:
                raise self.refused(None)
            raise UnreachableError(f"{label}: credentials of {escape(found.place)} are refused with {answer.status}")
        if answer.status != 200:
            raise UnreachableError(f"{label}: status 200 is required, found {answer.status}")
        try:
            tree = fastjson.loads(answer.body, what=label)
        except ValueError as error:
            raise RegistryError(str(error)) from None
        tree = tree if isinstance(tree, dict) else {}
        token = tree.get("token") or tree.get("access_token")
        seconds = tree.get("expires_in")
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()) or " " in token:
            raise RegistryError(f"{label}: a token is required, found none that can be sent")
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds <= 0:
            seconds = _SHORTEST
        return token, min(float(seconds), _LONGEST)


def _basic(found: Credential) -> str:
    return "Basic " + b64encode(f"{found.user}:{found.secret}".encode()).decode()
