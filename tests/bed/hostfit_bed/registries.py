"""Real registries on loopback, with TLS of an authority of their own and with each kind of authentication."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from hostfit_bed.command import PATH, need, run, wait_for

USER, PASSWORD = "author", "secret"


class Authority:
    """A certificate authority and one certificate of it for localhost, made by openssl."""

    def __init__(self, directory):
        need("openssl")
        directory.mkdir(exist_ok=True)
        self.certificate, self.key = directory / "ca.crt", directory / "ca.key"
        self.server, self.server_key = directory / "server.crt", directory / "server.key"
        request, extensions = directory / "server.csr", directory / "extensions"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        run(["openssl", "req", "-x509", *curve, "-keyout", self.key, "-out", self.certificate, "-days", "30",
             "-subj", "/CN=hostfit test authority"], check=True)  # fmt: skip
        run(["openssl", "req", *curve, "-keyout", self.server_key, "-out", request, "-subj", "/CN=localhost"],
            check=True)  # fmt: skip
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
             "-CAcreateserial", "-out", self.server, "-days", "30", "-extfile", extensions], check=True)  # fmt: skip


class Registry:
    """One running registry; `host` is what an image's name begins with."""

    def __init__(self, command, directory, listening):
        self.log = directory / "log"
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=directory,
                start_new_session=True, env={"PATH": PATH, "HOME": str(directory)},
            )  # fmt: skip

        def port():
            assert self._process.poll() is None, self.log.read_text()
            found = re.search(listening, self.log.read_text())
            return found and (found[1] if found.groups() else True)

        self.port = wait_for(port, f"the port of {command[0]}", seconds=60)
        self.host = f"localhost:{self.port}"

    def ended(self):
        return self._process.poll() is not None

    def end(self):
        if not self.ended():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def docker_registry(directory, *, authority=None, auth=None, delete=True):
    """Debian's docker-registry, which has no referrers API. `auth` is None, "basic" or a TokenServer."""
    need("docker-registry")
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": delete}},
        "http": {"addr": "127.0.0.1:0"},
        "log": {"level": "info"},
    }
    if authority is not None:
        config["http"]["tls"] = {"certificate": str(authority.server), "key": str(authority.server_key)}
    if auth == "basic":
        (directory / "htpasswd").write_text(f"{USER}:{bcrypt()}\n")
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(directory / "htpasswd")}}
    elif auth is not None:
        config["auth"] = {"token": auth.configuration}
    # JSON is YAML.
    (directory / "config.yml").write_text(json.dumps(config))
    return Registry(
        ["docker-registry", "serve", directory / "config.yml"], directory, r"listening on 127\.0\.0\.1:(\d+)"
    )


def olareg(program, directory, authority=None):
    """A registry with the referrers API; it takes no port of the kernel's choice, so free ones are tried."""
    directory.mkdir(parents=True, exist_ok=True)
    secure = [] if authority is None else ["--tls-cert", authority.server, "--tls-key", authority.server_key]
    for _ in range(20):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [program, "serve", "-v", "info", "--addr", "127.0.0.1", "--port", port, "--dir", directory / "data",
                   "--api-delete", *secure]  # fmt: skip
        one = Registry(command, directory, r"launching server")
        try:
            wait_for(lambda port=port, one=one: one.ended() or _listens(port), "olareg", seconds=60)
        except BaseException:
            one.end()
            raise
        if not one.ended():
            one.host = f"localhost:{port}"
            return one
    raise AssertionError(f"olareg finds no free port: {one.log.read_text()}")


def _listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def push(directory, tag, name, *, log_in=False):
    """Copy an image of a layout to a registry with skopeo, all of an index, and give its name there."""
    need("skopeo")
    words = ["--dest-creds", f"{USER}:{PASSWORD}"] if log_in else []
    run(["skopeo", "--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false", *words,
         f"oci:{directory}:{tag}", f"docker://{name}"], check=True)  # fmt: skip
    return name


class TokenServer:
    """A token server for docker-registry, whose tokens openssl signs; it notes what it was asked and by whom."""

    def __init__(self, directory, authority, *, identity=""):
        self._authority = authority
        self._identity = identity
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self, parse_qs(urlsplit(self.path).query), self.headers.get("Authorization", ""))

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                server.answer(self, form, "")

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.server, authority.server_key)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.configuration = {
            "realm": f"https://localhost:{self._http.server_port}/token", "service": "registry.test",
            "issuer": "hostfit-test", "rootcertbundle": str(authority.certificate),
        }  # fmt: skip

    def answer(self, handler, words, authorization):
        self.asked.append((handler.command, words.get("scope", [""])[0], authorization[:6]))
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        known = authorization == basic or (self._identity and words.get("refresh_token") == [self._identity])
        body = json.dumps({"token": self._token(words)} if known else {"errors": []}).encode()
        handler.send_response(200 if known else 401)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _token(self, words):
        _, name, actions = words["scope"][0].split(":")
        now = int(time.time())
        pem = self._authority.server.read_text()
        chain = ["".join(pem.partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0].split())]
        claims = {
            "iss": "hostfit-test", "aud": "registry.test", "sub": USER, "iat": now, "nbf": now - 60, "exp": now + 600,
            "jti": str(now), "access": [{"type": "repository", "name": name, "actions": actions.split(",")}],
        }  # fmt: skip
        parts = [_url64(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256", "x5c": chain}, claims)]
        signed = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", str(self._authority.server_key)], input=".".join(parts).encode(),
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        return ".".join([*parts, _url64(_plain_signature(signed))])

    def end(self):
        self._http.shutdown()
        self._http.server_close()


def bcrypt():
    """The hash that docker-registry's htpasswd takes of PASSWORD."""
    return "$2b$05$HXdPke4gQNt4Fys./hnh2uwvwwOk3xLrFa2j6/d5me0MEN2rFFuTW"


def _url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _plain_signature(der):
    """Two numbers of 32 bytes, as JWT has them, from the ASN.1 that openssl writes."""
    numbers, at = [], 2
    for _ in range(2):
        size = der[at + 1]
        numbers.append(der[at + 2 : at + 2 + size].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + size
    return b"".join(numbers)
