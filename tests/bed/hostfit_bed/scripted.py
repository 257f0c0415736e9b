"""A registry in this process: it keeps content in memory, has the referrers API, and lies where a test says so."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
SPEC = "application/vnd.nfd.image-compatibility.v1alpha1"
SPEC_YAML = "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml"
CREATED = "org.opencontainers.image.created"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Request:
    """One request as it came: `method`, `path` without its query, `query`, `headers` and `body`."""

    def __init__(self, handler):
        parts = urlsplit(handler.path)
        self.method = handler.command
        self.path = parts.path
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        length = self.headers.get("content-length")
        self.body = handler.rfile.read(int(length)) if length else b""


class Handler(BaseHTTPRequestHandler):
    """Gives a request to the lies in their order, then to the registry itself."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def reply(self, status, body=b"", **headers):
        """Send a whole answer; `content_type="x"` is the header Content-Type."""
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": str(len(body))} | named).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def trickle(self, data, pause=0.05):
        """Send a byte now and then for as long as the other side listens, `data` first."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            while not self.server.ending.is_set():
                self.wfile.write(data[:1] or b" ")
                data = data[1:]
                time.sleep(pause)

    def do_any(self):
        request = Request(self)
        self.server.registry.requests.append(request)
        for pattern, lie in self.server.registry.lies:
            if re.search(pattern, f"{request.method} {request.path}"):
                with contextlib.suppress(OSError):  # a client that had enough
                    lie(self, request)
                return
        self.server.registry.answer(self, request)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815 - names of http.server

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """A server that waits for no client at its end, and complains of none that left."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        pass


class Scripted:
    """The registry. `lies` are pairs of a pattern of "METHOD PATH" and what answers in place of the truth."""

    def __init__(self, authority=None, *, api=True, page=0):
        self.api = api
        self.page = page
        self.lies = []
        self.requests = []
        self.manifests = {}
        self.tags = {}
        self.blobs = {}
        self.listed = {}
        self._http = Server(("127.0.0.1", 0), Handler)
        self._http.registry = self
        self._http.ending = threading.Event()
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.server, authority.server_key)
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )  # fmt: skip
        self.host = f"localhost:{self._http.server_port}"
        self.url = f"{'http' if authority is None else 'https'}://{self.host}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.end()

    def end(self):
        self._http.ending.set()
        self._http.shutdown()
        self._http.server_close()

    def lie(self, pattern, answer):
        """Let `answer(handler, request)` reply to what matches; later lies come first."""
        self.lies.insert(0, (pattern, answer))

    def asked(self, pattern):
        """The requests so far that match."""
        return [one for one in self.requests if re.search(pattern, f"{one.method} {one.path}")]

    def blob(self, data, media_type="application/octet-stream"):
        digest = digest_of(data)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def manifest(self, tree, *, tag="", listed=True):
        """Keep a manifest or index, under a tag too; one with a subject is listed. Gives its descriptor."""
        data = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
        tree = json.loads(data)
        digest = digest_of(data)
        self.manifests[digest] = (tree["mediaType"], data)
        if tag:
            self.tags[tag] = digest
        entry = {"mediaType": tree["mediaType"], "digest": digest, "size": len(data)}
        if "subject" in tree and listed:
            kind = tree.get("artifactType") or tree["config"]["mediaType"]
            noted = entry | {"artifactType": kind, "annotations": tree.get("annotations", {})}
            self.listed.setdefault(tree["subject"]["digest"], []).append(noted)
        return entry

    def image(self, tag="v1", *, config=None, **fields):
        """Keep an image with a layer that nobody may ask for."""
        config = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {}} | (config or {})
        layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(b"no"), "size": 2}
        tree = {
            "schemaVersion": 2, "mediaType": MANIFEST, "config": self.blob(json.dumps(config).encode(), CONFIG),
            "layers": [layer],
        }  # fmt: skip
        return self.manifest(tree | fields, tag=tag)

    def artifact(self, subject, document, *, created="2026-01-01T00:00:00Z", kind=SPEC, listed=True, **fields):
        """Attach a document to a subject and give the artifact's descriptor."""
        tree = {
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": self.blob(b"{}", EMPTY),
            "layers": [self.blob(document, SPEC_YAML)], "subject": subject, "annotations": {CREATED: created},
        }  # fmt: skip
        return self.manifest(tree | fields, listed=listed)

    def answer(self, handler, request):
        """The truth."""
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs|referrers)/(.*)", request.path)
        if request.path == "/v2/":
            handler.reply(200, b"{}", content_type="application/json")
        elif found is None:
            handler.reply(404)
        elif found[3].startswith("uploads/"):
            self._upload(handler, request)
        elif found[2] == "referrers" and self.api:
            self._referrers(handler, request, found[3])
        elif found[2] == "manifests" and request.method == "PUT":
            self._put(handler, request, found[3])
        elif found[2] == "manifests" and self.tags.get(found[3], found[3]) in self.manifests:
            digest = self.tags.get(found[3], found[3])
            kind, data = self.manifests[digest]
            handler.reply(200, data, content_type=kind, docker_content_digest=digest)
        elif found[2] == "blobs" and found[3] in self.blobs:
            handler.reply(200, self.blobs[found[3]], content_type="application/octet-stream")
        else:
            handler.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}')

    def _upload(self, handler, request):
        if request.method == "POST":
            handler.reply(202, location=f"{request.path}1?state=x")
            return
        digest = self.blob(request.body)["digest"]
        handler.reply(201 if digest == request.query["digest"] else 400)

    def _put(self, handler, request, name):
        entry = self.manifest(request.body, tag="" if name.startswith("sha256:") else name)
        subject = json.loads(request.body).get("subject", {}).get("digest")
        handler.reply(201, docker_content_digest=entry["digest"], oci_subject=subject if self.api else None)

    def _referrers(self, handler, request, subject):
        found = self.listed.get(subject, [])
        wanted = request.query.get("artifactType")
        filtered = [one for one in found if not wanted or one["artifactType"] == wanted]
        at = int(request.query.get("at", "0"))
        size = self.page or len(filtered) or 1
        rest = f"artifactType={wanted}&" if wanted else ""
        link = f'<{request.path}?{rest}at={at + size}>; rel="next"' if at + size < len(filtered) else None
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": filtered[at : at + size]}
        handler.reply(
            200, json.dumps(index).encode(), content_type=INDEX, link=link,
            oci_filters_applied="artifactType" if wanted else None,
        )  # fmt: skip
