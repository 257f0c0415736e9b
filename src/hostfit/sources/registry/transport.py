"""One HTTP exchange with a host, on requests: nothing is followed, unpacked, remembered or taken from the environment.

A connection goes only to an address that may be asked, and everything ends at the deadline: then all connections are
cut from outside, for a peer that sends a byte now and then would outlive any limit on the single read.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from hostfit.core.errors import RegistryError, UnreachableError
from hostfit.core.text import escape, quoted
from hostfit.sources.registry import addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostfit.sources.registry.deadline import Deadline

CONNECT, READ = 5.0, 10.0
"""Seconds for one address to answer, and between two pieces of an answer."""
_PIECE = 64 << 10


class Trust:
    """Whom to believe on the other side of TLS, besides the authorities of the system.

    `authorities` are files with certificates, `client` pairs of certificate and key of ours; without `verify` any
    certificate will do.
    """

    __slots__ = ("authorities", "client", "verify")

    def __init__(
        self, authorities: tuple[str, ...] = (), client: tuple[tuple[str, str], ...] = (), *, verify: bool = True
    ) -> None:
        self.authorities = authorities
        self.client = client
        self.verify = verify

    def key(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...], bool]:
        """All of it, in an order that stays."""
        return (self.authorities, self.client, self.verify)


class Answer:
    """What came back: status, headers by their names in lower case, and the whole body; `url` was asked."""

    __slots__ = ("body", "headers", "status", "url")

    def __init__(self, url: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.url = url
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def media_type(self) -> str:
        """Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Transport:
    """Connections to one host with one trust; not for use by two threads at once.

    `home` is where the registry itself was reached, which its redirects may then lead to as well; None for the
    transport of the registry itself, whose address is the administrator's or the user's own word.
    """

    def __init__(self, trust: Trust, home: Transport | None = None) -> None:
        self.kinds: set[str] = set()
        self._home = home
        self._trust = trust
        self._lines: dict[HTTPConnection, socket.socket] = {}
        self._lock = threading.Lock()
        self._deadline: Deadline | None = None
        self._adapter: _Adapter | None = None

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], *, body: bytes | None, cap: int, deadline: Deadline
    ) -> Answer:
        """Ask once and read the whole answer.

        Raises UnreachableError where none comes, RegistryError for one that is too long or packed.
        """
        where = f"registry {escape(urlsplit(url).netloc)}"
        if self._adapter is None:
            self._adapter = _Adapter(self, _context(*self._trust.key()))
        self._deadline = deadline
        timer = threading.Timer(deadline.left(), self._cut)
        timer.daemon = True
        timer.start()
        try:
            prepared = requests.Request(method, url, headers=dict(headers), data=body).prepare()
            # The warning about an unverified certificate: the administrator asked for it.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
                answer = self._adapter.send(prepared, stream=True, timeout=(CONNECT, READ), verify=self._trust.verify)
            try:
                read = _body(answer, cap, where, method)
            finally:
                answer.close()
            deadline.left()  # what was cut looks like an answer that has come to its end
            return Answer(url, answer.status_code, answer.headers, read)
        except (RegistryError, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if deadline.over():
                raise deadline.missed() from None
            if isinstance(error, RegistryError):
                raise
            raise UnreachableError(f"{where}: {_reason(error)}") from None
        finally:
            timer.cancel()
            self._forget()

    def close(self) -> None:
        """End all connections."""
        if self._adapter is not None:
            self._adapter.close()
        # urllib3 2 closes a connection only when nothing refers to its pool any more, as an error's traceback may.
        for connection in list(self._lines):
            connection.close()
        self._forget()

    def dial(self, connection: HTTPConnection) -> socket.socket:
        """Connect to one of a host's addresses that may be asked. Raises UnreachableError."""
        deadline = self._deadline
        host, port = connection.host.strip("[]"), connection.port
        where = f"registry {escape(host)}"
        if deadline is None:
            raise UnreachableError(f"{where}: no request is under way")
        reason = "has no address"
        for family, address in _addresses(host, port, deadline):
            kind = addresses.kind(address[0])
            if self._home is not None and kind != addresses.PUBLIC and kind not in self._home.kinds:
                reason = f"leads to {escape(address[0])}, which a registry may not send anybody to"
                continue
            line = socket.socket(family, socket.SOCK_STREAM)
            line.settimeout(min(CONNECT, deadline.left()))
            try:
                line.connect(address)
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                copy = line.dup()
            except OSError as error:
                line.close()
                reason = f"cannot be reached at {escape(address[0])} port {port}: {_symbol(error)}"
                continue
            self.kinds.add(kind)
            with self._lock:
                before = self._lines.pop(connection, None)
                self._lines[connection] = copy
            if before is not None:
                before.close()  # of a connection that was made again
            return line
        raise UnreachableError(f"{where}: {reason}")

    def _cut(self) -> None:
        """End every connection in the middle of whatever it does; a copy of the socket reaches it below TLS too."""
        with self._lock:
            for line in self._lines.values():
                with contextlib.suppress(OSError):  # the peer may be gone already
                    line.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        """Let go of connections that are closed."""
        with self._lock:
            for connection in [one for one in self._lines if one.sock is None]:
                self._lines.pop(connection).close()


class _Adapter(HTTPAdapter):
    """requests' own adapter with our connections and our trust in place of its own."""

    def __init__(self, transport: Transport, context: ssl.SSLContext) -> None:
        self._ours = context
        self._pools = _pools(transport)
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **words: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._ours, **words)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """requests would put its own bundle of authorities beside ours; Debian's urllib3 has one even so."""
        del url, verify, cert
        conn.cert_reqs = conn.ca_certs = conn.ca_cert_dir = None

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """requests 2.32 and later do the same here."""
        del verify, cert
        parts = urlsplit(request.url)
        return {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port}, {}


def _pools(transport: Transport) -> dict[str, Any]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return transport.dial(self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return transport.dial(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


@lru_cache(maxsize=64)  # loading the system's authorities costs 70 ms, and many repositories share them
def _context(authorities: tuple[str, ...], client: tuple[tuple[str, str], ...], verify: bool) -> ssl.SSLContext:
    """The system's authorities and those that are given; TLS 1.2 or later."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    path = ""
    try:
        for path in authorities:
            context.load_verify_locations(cafile=path)
        for path, key in client:
            context.load_cert_chain(path, key)
    except (OSError, ssl.SSLError) as error:
        raise RegistryError(f"{escape(path)}: certificates are required, found {_symbol(error)}") from None
    if not verify or str(getattr(urllib3, "__version__", "2")).startswith("1."):
        # urllib3 1.26 compares names itself: OpenSSL could not for an address, of which that release tells it nothing.
        context.check_hostname = False
    if not verify:
        context.verify_mode = ssl.CERT_NONE
    return context


def _addresses(host: str, port: int | None, deadline: Deadline) -> list[tuple[int, Any]]:
    """Look a name up, in a thread of its own: the C library cannot be told to stop."""
    found: list[Any] = []

    def look() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    worker = threading.Thread(target=look, daemon=True)
    worker.start()
    worker.join(deadline.left())
    if not found:
        raise deadline.missed()
    if isinstance(found[0], Exception):
        raise UnreachableError(f"registry {escape(host)}: name has no address ({_symbol(found[0])})")
    return [(family, address) for family, _, _, _, address in found[0]]


def _body(answer: requests.Response, cap: int, where: str, method: str) -> bytes:
    """Read all of it, as it is on the wire, and not a byte more than `cap`."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RegistryError(f"{where}: content must not be encoded, found {quoted(encoding)}")
    length = answer.headers.get("Content-Length", "")
    announced = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None
    if method == "HEAD":
        return b""
    if announced is not None and announced > cap:
        raise RegistryError(f"{where}: answer must be at most {cap} bytes, found {announced}")
    pieces = []
    size = 0
    while True:
        piece = answer.raw.read(min(_PIECE, cap + 1 - size), decode_content=False)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        if size > cap:
            raise RegistryError(f"{where}: answer must be at most {cap} bytes, found more")
    if announced is not None and size != announced and "Transfer-Encoding" not in answer.headers:
        raise UnreachableError(f"{where}: answer must have {announced} bytes, found {size}")
    return b"".join(pieces)


def _reason(error: Exception) -> str:
    """Say in our words what went wrong below requests, whose own texts name its classes and addresses in memory."""
    cause: BaseException | None = error
    text = str(error)
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate is not trusted: {escape(cause.verify_message)}"
        if type(cause).__name__ == "CertificateError":  # urllib3 1.26 and 2 have it in different places
            return "certificate is not trusted: it is for another host"
        if isinstance(cause, ssl.SSLError):
            return f"TLS fails: {escape(cause.reason or 'no reason given').lower().replace('_', ' ')}"
        if isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError, requests.Timeout)):
            return f"no answer within {READ:g} s"
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, requests.RequestException):
            return f"connection is broken: {_symbol(cause)}"
        inner = cause.args[0] if cause.args and isinstance(cause.args[0], BaseException) else None
        reason = getattr(cause, "reason", None)
        cause = (reason if isinstance(reason, BaseException) else None) or inner or cause.__cause__ or cause.__context__
    if "bytes read" in text or "IncompleteRead" in text or "Remote end closed" in text or "without response" in text:
        return "connection was closed before the answer was complete"
    return f"no answer that can be understood: {type(error).__name__}"


def _symbol(error: Exception) -> str:
    from hostfit.oci.files import symbol  # needed for messages only

    if isinstance(error, ssl.SSLError) or (isinstance(error, OSError) and not error.errno):
        return "ETIMEDOUT" if isinstance(error, TimeoutError) else type(error).__name__
    if isinstance(error, socket.gaierror):
        names = [name for name in dir(socket) if name.startswith("EAI_") and getattr(socket, name) == error.errno]
        return names[0] if names else "EAI_FAIL"
    return symbol(error) if isinstance(error, OSError) else type(error).__name__
