"""What a hostile registry may do to its answers (T11): each case changes a truthful one and says how that must end.

A case that `refuses` makes the whole look-up an error; the others are artifacts that nobody can read. `text` is a part
of the message. Whoever fetches runs all of them, and those of hostilecontent.py.
"""

from __future__ import annotations

import gzip
import json

from hostfit_bed.scripted import INDEX

DOCUMENT = b"version: v1alpha1\ncompatibilities:\n- rules:\n  - name: any\n"
REFERRERS, MANIFESTS, BLOBS = r"^GET /v2/.*/referrers/", r"^GET /v2/.*/manifests/", r"^GET /v2/.*/blobs/"


class Case:
    """One misdeed; `change(registry, subject, artifact)` prepares it."""

    def __init__(self, name, text, change, *, refuses):
        self.name = name
        self.text = text
        self.change = change
        self.refuses = refuses


CASES = []


def keeper(cases):
    """Give the decorator that makes a function a case of a list."""

    def case(text, *, refuses=True):
        def keep(change):
            cases.append(Case(change.__name__, text, change, refuses=refuses))
            return change

        return keep

    return case


case = keeper(CASES)


def prepare(registry):
    """Give the registry an image and an artifact of it; gives their descriptors."""
    subject = registry.image("v1")
    return subject, registry.artifact(subject, DOCUMENT)


def index(entries, **fields):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries} | fields).encode()


def listing(registry, body, **headers):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(200, body, **{"content_type": INDEX, **headers}))


# How an answer comes.


@case("status 200 or 404 is required, found status 500")
def server_error(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(500, b"oops"))


@case("status 200 or 404 is required, found status 429")
def rate_limit(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(429))


@case("status 200 or 404 is required, found status 403")
def denial(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(403))


@case("status 200 or 404 is required, found status 206")
def part_of_a_list(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(206, index([]), content_type=INDEX))


@case("answer must be at most 4194304 bytes, found 99999999")
def long_body_that_is_announced(registry, subject, artifact):
    listing(registry, b"{}", Content_Length="99999999")


@case("answer must be at most 4194304 bytes, found more")
def long_body_that_is_not_announced(registry, subject, artifact):
    def lie(handler, _):
        handler.close_connection = True
        handler.reply(200, b" " * (5 << 20), content_type=INDEX, Content_Length=None, Connection="close")

    registry.lie(REFERRERS, lie)


@case("")
def short_body(registry, subject, artifact):
    def lie(handler, _):
        handler.close_connection = True
        handler.reply(200, index([]), content_type=INDEX, Content_Length="5000", Connection="close")

    registry.lie(REFERRERS, lie)


@case("")
def chunk_that_ends_early(registry, subject, artifact):
    def lie(handler, _):
        handler.close_connection = True
        body = b"ffff\r\n" + index([])
        handler.reply(200, body, content_type=INDEX, Content_Length=None, Transfer_Encoding="chunked")

    registry.lie(REFERRERS, lie)


@case('content must not be encoded, found "gzip"')
def bomb(registry, subject, artifact):
    listing(registry, gzip.compress(b" " * (50 << 20), 1), Content_Encoding="gzip")


@case("must end within")
def byte_now_and_then(registry, subject, artifact):
    def lie(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Type", INDEX)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.trickle(index([]))

    registry.lie(REFERRERS, lie)


@case("must end within")
def header_now_and_then(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.trickle(b"HTTP/1.1 200 OK\r\nX: "))


@case("must end within")
def document_byte_by_byte(registry, subject, artifact):
    def lie(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DOCUMENT)))
        handler.end_headers()
        handler.trickle(DOCUMENT, 0.5)

    registry.lie(BLOBS, lie)


@case("must end within")
def silence(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.server.ending.wait(60))


@case("")
def hang_up(registry, subject, artifact):
    def lie(handler, _):
        handler.close_connection = True

    registry.lie(REFERRERS, lie)


@case("")
def thousand_headers(registry, subject, artifact):
    listing(registry, index([]), **{f"X_{number}": "x" for number in range(1000)})


@case("")
def no_http_at_all(registry, subject, artifact):
    def lie(handler, _):
        handler.close_connection = True
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")

    registry.lie(REFERRERS, lie)


# Where an answer leads.


@case("at most 5 redirects are followed")
def circle_of_redirects(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, request: handler.reply(302, Location=request.path))


@case("leads to 169.254.169.254, which a registry may not send anybody to")
def redirect_to_the_metadata_of_a_cloud(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(307, Location="http://169.254.169.254/latest/meta-data/"))


@case("leads to ::ffff:169.254.169.254, which a registry may not send anybody to")
def redirect_to_the_metadata_by_another_spelling(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(307, Location="http://[::ffff:169.254.169.254]/"))


@case("redirect must lead to https or http without a user's name")
def redirect_to_a_file(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(302, Location="file:///etc/shadow"))


@case("redirect must lead to https or http without a user's name")
def redirect_with_a_user(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(302, Location="http://root:x@localhost/"))


@case("redirect must lead to https or http")
def redirect_to_nowhere(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(302, Location="http://[::1"))


@case("each page must lead to a new one")
def page_that_leads_to_itself(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, request: handler.reply(
        200, index([artifact]), content_type=INDEX, Link=f'<{request.path}?at=1>; rel="next"',
    ))  # fmt: skip


@case("at most 16 pages are read, found more")
def pages_without_end(registry, subject, artifact):
    def lie(handler, request):
        at = int(request.query.get("at", "0")) + 1
        handler.reply(200, index([]), content_type=INDEX, Link=f'<{request.path}?at={at}>; rel="next"')

    registry.lie(REFERRERS, lie)


@case("next page must be on the same host")
def page_on_another_host(registry, subject, artifact):
    listing(registry, index([]), Link='<http://169.254.169.254/latest/>; rel="next"')


# Who is asked for a token.


def challenge(registry, value):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(401, WWW_Authenticate=value))


@case("a way to authenticate is required with status 401, found none")
def refusal_without_a_way_in(registry, subject, artifact):
    registry.lie(REFERRERS, lambda handler, _: handler.reply(401))


@case("token server must be an https URL")
def realm_without_tls_on_another_host(registry, subject, artifact):
    challenge(registry, 'Bearer realm="http://169.254.169.254/token",service="x"')


@case('token server must be of the same domain, found "auth.evil.example"')
def realm_of_another_domain(registry, subject, artifact):
    challenge(registry, 'Bearer realm="https://auth.evil.example/token",service="x"')


@case("token server must be an https URL")
def realm_that_is_a_file(registry, subject, artifact):
    challenge(registry, 'Bearer realm="file:///etc/shadow"')


@case("token server must be an https URL")
def realm_with_a_user(registry, subject, artifact):
    challenge(registry, f'Bearer realm="https://x@{registry.host}/token"')


def token(registry, status, body):
    challenge(registry, f'Bearer realm="{registry.url}/token",service="x"')
    registry.lie("^GET /token", lambda handler, _: handler.reply(status, body, content_type="application/json"))


@case("not valid JSON")
def token_server_that_answers_with_html(registry, subject, artifact):
    token(registry, 200, b"<html>")


@case("a token is required, found none that can be sent")
def token_with_a_line_of_its_own(registry, subject, artifact):
    token(registry, 200, json.dumps({"token": "a\r\nX-Injected: 1"}).encode())


@case("status 200 is required, found 302")
def token_server_that_sends_on(registry, subject, artifact):
    token(registry, 302, b"")


@case("credentials are required, found none")
def token_that_is_never_enough(registry, subject, artifact):
    token(registry, 200, b'{"token":"again"}')
