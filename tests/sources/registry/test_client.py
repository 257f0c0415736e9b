"""Requests to one registry: credentials stay with it (CVE-2020-15157), tokens are kept, lists are read whole (R19)."""

from __future__ import annotations

import itertools
import json

import pytest
from hostfit_bed.hostile import DOCUMENT, prepare
from hostfit_bed.scripted import INDEX, SPEC, Scripted, digest_of

from hostfit.core.errors import RegistryError, UnreachableError
from hostfit.sources.registry import artifacts, referrers, tokens, transport
from hostfit.sources.registry.referrers import fallback_tag, timestamp


@pytest.fixture
def registry():
    one = Scripted()
    yield one
    one.end()


@pytest.fixture
def other():
    """Another host: the same machine by its number."""
    one = Scripted()
    one.url = one.url.replace("localhost", "127.0.0.1")
    yield one
    one.end()


@pytest.fixture
def look_up(place, registry, soon):
    place.insecure(registry.host)

    def look_up():
        with place.open(f"{registry.host}/upf:v1") as repository:
            return artifacts.specs(repository, repository.resolve("v1", soon).digest, soon)

    return look_up


def basic(registry):
    """Want a password for everything, like docker-registry does."""

    def lie(handler, request):
        if request.headers.get("authorization"):
            registry.answer(handler, request)
        else:
            handler.reply(401, WWW_Authenticate='Basic realm="x"')

    registry.lie("", lie)


class TestRedirects:
    def test_redirected_blob_is_read_and_credentials_stay_behind(self, place, registry, other, look_up):
        _, artifact = prepare(registry)
        other.blob(DOCUMENT)
        basic(registry)
        place.log_in(registry.host)
        registry.lie(f"/blobs/{digest_of(DOCUMENT)}", lambda handler, request: handler.reply(
            307, Location=f"{other.url}{request.path}?signature=x",
        ))  # fmt: skip

        found = look_up()

        assert [(one.digest, one.data) for one in found.specs] == [(artifact["digest"], DOCUMENT)]
        (asked,) = other.requests
        assert "authorization" not in asked.headers
        assert registry.requests[-1].headers["authorization"].startswith("Basic ")

    def test_challenge_of_another_host_is_not_answered(self, place, registry, other, look_up):
        prepare(registry)
        place.log_in(registry.host)
        other.lie("", lambda handler, _: handler.reply(401, WWW_Authenticate='Basic realm="x"'))
        registry.lie("/blobs/", lambda handler, request: handler.reply(307, Location=other.url + request.path))

        with pytest.raises(UnreachableError, match="status 200 is required, found status 401"):
            look_up()

        assert other.requests
        assert [asked for asked in other.requests if "authorization" in asked.headers] == []

    def test_way_back_brings_no_credentials_along(self, place, registry, other, look_up):
        prepare(registry)
        basic(registry)
        place.log_in(registry.host)
        registry.lie("/blobs/sha256:[0-9a-f]+$", lambda handler, request: handler.reply(307, Location=other.url + "/x"))
        other.lie("", lambda handler, _: handler.reply(307, Location=f"{registry.url}/elsewhere"))
        registry.lie("/elsewhere", lambda handler, _: handler.reply(200, DOCUMENT))

        look_up()

        (asked,) = registry.asked("/elsewhere")
        assert "authorization" not in asked.headers

    def test_redirect_out_of_tls_is_refused(self, place, soon, authority, other):
        registry = Scripted(authority)
        try:
            place.certificates(registry.host, authority)
            subject = registry.image()
            registry.lie("/referrers/", lambda handler, _: handler.reply(302, Location=other.url))
            with place.open(f"{registry.host}/upf:v1") as repository, pytest.raises(RegistryError) as caught:
                artifacts.specs(repository, subject["digest"], soon)
        finally:
            registry.end()

        assert "redirect must lead to https without a user's name" in caught.value.message
        assert other.requests == []


class TestCertificates:
    @pytest.fixture
    def registry(self, authority):
        one = Scripted(authority)
        yield one
        one.end()

    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
    def test_certificate_for_a_name_and_for_an_address_is_taken(self, place, registry, soon, authority, name):
        host = registry.host.replace("localhost", name)
        place.certificates(host, authority)
        subject, _ = prepare(registry)

        with place.open(f"{host}/upf:v1") as repository:
            assert artifacts.specs(repository, subject["digest"], soon).specs[0].data == DOCUMENT

    def test_certificate_for_another_host_is_refused(self, place, registry, soon, authority, monkeypatch):
        port = int(registry.host.partition(":")[2])
        monkeypatch.setattr(transport.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", port))])
        host = f"registry.invalid:{port}"
        place.certificates(host, authority)

        with place.open(f"{host}/upf:v1") as repository, pytest.raises(RegistryError) as caught:
            repository.resolve("v1", soon)

        assert caught.value.message.startswith(f"registry {host}: certificate is not trusted: ")
        assert registry.requests == []

    def test_authority_of_one_registry_is_none_of_another(self, place, registry, soon, authority):
        place.certificates("registry.invalid", authority)

        with place.open(f"{registry.host}/upf:v1") as repository, pytest.raises(RegistryError) as caught:
            repository.resolve("v1", soon)

        assert "certificate is not trusted" in caught.value.message

    def test_insecure_registry_needs_no_authority(self, place, registry, soon):
        place.insecure(registry.host)
        subject, _ = prepare(registry)

        with place.open(f"{registry.host}/upf:v1") as repository:
            assert artifacts.specs(repository, subject["digest"], soon).specs[0].data == DOCUMENT


class TestTokens:
    @pytest.fixture
    def granted(self, registry):
        """Want a token for everything; counts those that were granted."""
        numbers = itertools.count(1)
        valid = set()

        def lie(handler, request):
            if request.headers.get("authorization", "").removeprefix("Bearer ") in valid:
                registry.answer(handler, request)
            else:
                handler.reply(401, WWW_Authenticate=f'Bearer realm="{registry.url}/token",service="s"')

        def token(handler, _):
            fresh = f"token-{next(numbers)}"
            valid.add(fresh)
            handler.reply(200, json.dumps({"access_token": fresh, "expires_in": 300}).encode())

        registry.lie("/v2/upf", lie)
        registry.lie("/token", token)
        return valid

    def test_token_is_used_again(self, registry, look_up, granted):
        prepare(registry)

        assert look_up().specs[0].data == DOCUMENT
        assert len(granted) == 1

    def test_scope_is_what_is_needed_and_no_more(self, registry, look_up, granted):
        prepare(registry)
        look_up()

        (asked,) = registry.asked("/token")
        assert asked.query == {"scope": "repository:upf:pull", "service": "s"}

    def test_token_that_ran_out_is_replaced(self, registry, look_up, granted, monkeypatch):
        prepare(registry)
        monkeypatch.setattr(tokens, "_AHEAD", 1000.0)

        assert look_up().specs[0].data == DOCUMENT
        assert len(granted) > 1

    def test_token_that_is_refused_too_early_is_replaced_once(self, registry, look_up, granted):
        prepare(registry)
        registry.lie("/blobs/", lambda handler, request: (granted.clear(), registry.lies.pop(0), handler.reply(
            401, WWW_Authenticate=f'Bearer realm="{registry.url}/token"',
        )))  # fmt: skip

        assert look_up().specs[0].data == DOCUMENT

    def test_token_server_of_another_domain_may_be_listed(self, place, registry, other, look_up):
        """Here a number in place of the name; it must have TLS all the same."""
        prepare(registry)
        registry.lie("/referrers/", lambda handler, _: handler.reply(
            401, WWW_Authenticate=f'Bearer realm="{other.url.replace("http:", "https:")}/token"',
        ))  # fmt: skip
        with pytest.raises(RegistryError, match="token server must be of the same domain"):
            look_up()
        place.configure(place.conf.read_text() + 'realms = ["127.0.0.1"]\n')

        with pytest.raises(RegistryError, match="TLS fails"):
            look_up()

    def test_token_server_without_tls_is_none_of_a_registry_with_tls(self, place, soon, authority, other):
        """Not on the same host either: the password would go there in the clear."""
        registry = Scripted(authority)
        try:
            place.certificates(registry.host, authority)
            place.log_in(registry.host)
            subject, _ = prepare(registry)
            realm = f"{other.url.replace('127.0.0.1', 'localhost')}/token"
            registry.lie(
                "/referrers/", lambda handler, _: handler.reply(401, WWW_Authenticate=f'Bearer realm="{realm}"')
            )
            with place.open(f"{registry.host}/upf:v1") as repository, pytest.raises(RegistryError) as caught:
                artifacts.specs(repository, subject["digest"], soon)
        finally:
            registry.end()

        assert "token server must be an https URL" in caught.value.message
        assert other.requests == []


class TestReferrers:
    def test_pages_are_read_to_the_end(self, registry, look_up):
        registry.page = 2
        subject = registry.image()
        wanted = {registry.artifact(subject, DOCUMENT + bytes([number]))["digest"] for number in range(97, 102)}

        assert {one.digest for one in look_up().specs} == wanted
        assert len(registry.asked("/referrers/")) == 3

    def test_list_that_is_not_filtered_is_filtered_here(self, registry, look_up):
        subject = registry.image()
        registry.artifact(subject, b"{}", kind="application/spdx+json")
        ours = registry.artifact(subject, DOCUMENT)
        registry.lie("/referrers/", lambda handler, _: handler.reply(200, json.dumps({
            "schemaVersion": 2, "mediaType": INDEX, "manifests": registry.listed[subject["digest"]],
        }).encode(), content_type=INDEX))  # fmt: skip

        assert [one.digest for one in look_up().specs] == [ours["digest"]]

    def test_newest_32_are_read_and_the_others_are_counted(self, registry, look_up):
        subject = registry.image()
        for number in range(40):
            registry.artifact(subject, DOCUMENT, created=f"2026-01-01T00:00:{number:02}Z")

        found = look_up()

        assert (len(found.specs), found.left_out) == (32, 8)
        assert [one.created[17:19] for one in found.specs] == [f"{number:02}" for number in range(39, 7, -1)]

    def test_manifest_says_when_it_was_made_whatever_the_list_says(self, registry, look_up):
        subject = registry.image()
        for number, document in enumerate([b"older", b"newer"]):
            registry.artifact(subject, document, created=f"2026-01-01T00:00:0{number}Z")
        registry.listed[subject["digest"]][0]["annotations"] = {referrers.CREATED: "2027-01-01T00:00:00Z"}

        assert [one.data for one in look_up().specs] == [b"newer", b"older"]

    def test_same_time_is_ordered_by_digest(self, registry, look_up):
        subject = registry.image()
        known = [registry.artifact(subject, DOCUMENT + bytes([number]))["digest"] for number in range(97, 103)]

        assert [one.digest for one in look_up().specs] == sorted(known, reverse=True)

    def test_fallback_tag_that_is_the_subject_itself_lists_nobody(self, place, soon, registry):
        """GitLab answers so; its platforms are no referrers."""
        registry.api = False
        one = registry.image("")
        top = registry.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [one]}, tag="v1")
        registry.tags[fallback_tag(top["digest"])] = top["digest"]
        place.insecure(registry.host)
        with place.open(f"{registry.host}/upf:v1") as repository:
            assert repository.referrers(top["digest"], soon).descriptors == ()

    def test_fallback_tag_that_is_an_image_lists_nobody(self, place, soon, registry):
        registry.api = False
        one = registry.image()
        registry.tags[fallback_tag(one["digest"])] = registry.image("other")["digest"]
        place.insecure(registry.host)
        with place.open(f"{registry.host}/upf:v1") as repository:
            assert repository.referrers(one["digest"], soon).descriptors == ()

    def test_both_spellings_of_a_long_digest_are_looked_at(self, place, soon, registry):
        registry.api = False
        subject = "sha512:" + "ab" * 64
        for whole, document in ((False, DOCUMENT), (True, DOCUMENT + b"#")):
            entry = registry.artifact({"digest": subject}, document, listed=False) | {"artifactType": SPEC}
            tag = fallback_tag(subject, whole=whole)
            registry.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}, tag=tag)
        place.insecure(registry.host)
        with place.open(f"{registry.host}/upf:v1") as repository:
            assert len(repository.referrers(subject, soon).descriptors) == 2


@pytest.mark.parametrize(
    ("subject", "tag"),
    [
        ("sha256:" + "a" * 64, "sha256-" + "a" * 64),
        ("sha512:" + "a" * 128, "sha512-" + "a" * 64),
    ],
)
def test_fallback_tag_is_that_of_the_specification(subject, tag):
    assert fallback_tag(subject) == tag


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000000Z"),
        ("2026-01-02T03:04:05.5+02:00", "2026-01-02T01:04:05.500000000Z"),
        ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456789Z"),
        ("2026-01-02t03:04:05z", "2026-01-02T03:04:05.000000000Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00.000000000Z"),
        ("9999-12-31T23:59:59-23:00", ""), ("2026-01-02", ""), ("2026-01-02T03:04:05", ""), ("yesterday", ""), ("", ""),
        ("2026-01-02T03:04:05Z" + " " * 100, ""), ("\uff12\uff10\uff12\uff16-01-02T03:04:05Z", ""),
    ],
)  # fmt: skip
def test_time_is_brought_into_a_form_that_sorts(text, expected):
    assert timestamp(text) == expected


def test_time_of_nfd_documentation_is_read_too():
    descriptor = referrers.oci.Descriptor("", digest_of(b""), 0, annotations={
        "oci.opencontainers.image.created": "2026-01-02T03:04:05Z",
    })  # fmt: skip

    assert referrers.created(descriptor) == "2026-01-02T03:04:05.000000000Z"


def test_nothing_of_the_environment_is_used(registry, look_up, monkeypatch, tmp_path):
    """No proxy, no .netrc, no bundle of authorities, no cookie."""
    prepare(registry)
    (tmp_path / ".netrc").write_text("machine localhost login u password p\n")
    for name, value in {
        "http_proxy": "http://localhost:1", "HTTPS_PROXY": "http://localhost:1", "ALL_PROXY": "http://localhost:1",
        "HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc"), "REQUESTS_CA_BUNDLE": "/nowhere",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    registry.lie("/manifests/v1", lambda handler, request: (
        handler.send_response_only(100), handler.end_headers(), registry.answer(handler, request),
    ))  # fmt: skip

    assert look_up().specs[0].data == DOCUMENT
    for asked in registry.requests:
        assert set(asked.headers) <= {"host", "accept", "accept-encoding", "user-agent", "connection"}
        assert asked.headers["accept-encoding"] == "identity"


def test_every_connection_is_closed_whatever_went_wrong(place, soon, registry):
    """Also one that an error still refers to."""
    registry.image()
    registry.lie("/blobs/", lambda handler, _: handler.reply(200, b" " * 5000))
    place.insecure(registry.host)
    with place.open(f"{registry.host}/upf:v1") as repository:
        repository.resolve("v1", soon)
        with pytest.raises(RegistryError) as caught:
            repository.blob_named(digest_of(b"x"), 100, soon)
        repository.referrers(digest_of(b"y"), soon)
        lines = repository.writer()._home._lines
        connections = list(lines)

    assert "at most 100 bytes" in caught.value.message
    assert connections
    assert [one for one in connections if one.sock is not None] == []
    assert lines == {}


def test_cookie_is_not_kept(registry, look_up):
    prepare(registry)
    kind, data = registry.manifests[registry.tags["v1"]]
    registry.lie("/manifests/v1", lambda handler, _: handler.reply(200, data, content_type=kind, Set_Cookie="a=b"))

    look_up()

    assert [asked for asked in registry.requests if "cookie" in asked.headers] == []
