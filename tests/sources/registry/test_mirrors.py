"""Where a registry's content is asked for: registries.conf and hosts.toml, mirrors first, the registry's word last."""

from __future__ import annotations

import pytest
from hostfit_bed.hostile import DOCUMENT
from hostfit_bed.scripted import Scripted

from hostfit.core.errors import HostfitError, RegistryError
from hostfit.sources.registry import artifacts, attach
from hostfit.sources.registry import repository as repositories
from hostfit.sources.registry import transport as transports
from hostfit.sources.registry.access import reference

GONE = "localhost:1"
"""Nothing listens there."""


@pytest.fixture
def registry():
    one = Scripted()
    yield one
    one.end()


@pytest.fixture
def mirror():
    one = Scripted()
    yield one
    one.end()


@pytest.fixture
def both(registry, mirror):
    """The same image in both places, and nothing attached; gives its descriptor."""
    registry.image()
    return mirror.image()


def configured(place, host, *mirrors, more=""):
    """Registry `host` without TLS, with mirrors in this order."""
    listed = "".join([f'[[registry.mirror]]\nlocation = "{one}"\ninsecure = true\n{more}' for one in mirrors])
    place.configure(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n{listed}')


def specs(place, host, soon, name="upf:v1"):
    with place.open(f"{host}/{name}") as repository:
        subject = repository.resolve("v1", soon)
        return [one.data for one in artifacts.specs(repository, subject.digest, soon).specs]


class TestWord:
    """An empty mirror must not lift a requirement."""

    def test_nobody_refers_only_if_the_registry_itself_says_so(self, place, soon, registry, mirror, both):
        registry.artifact(both, DOCUMENT)
        configured(place, registry.host, mirror.host)

        assert specs(place, registry.host, soon) == [DOCUMENT]

    def test_empty_mirror_is_no_answer_while_the_registry_is_down(self, place, soon, mirror, both):
        configured(place, GONE, mirror.host)

        with pytest.raises(RegistryError) as caught:
            specs(place, GONE, soon)

        assert caught.value.message.startswith(f"registry {GONE}: ") or "localhost" in caught.value.message
        assert "cannot be reached" in caught.value.message

    def test_mirror_that_has_artifacts_is_believed_while_the_registry_is_down(self, place, soon, mirror, both):
        mirror.artifact(both, DOCUMENT)
        configured(place, GONE, mirror.host)

        assert specs(place, GONE, soon) == [DOCUMENT]

    def test_mirror_without_the_image_is_passed_over(self, place, soon, registry, mirror):
        image = registry.image()
        registry.artifact(image, DOCUMENT)
        configured(place, registry.host, mirror.host)

        assert specs(place, registry.host, soon) == [DOCUMENT]

    @pytest.mark.parametrize("status", [401, 403, 429, 500])
    def test_mirror_that_refuses_is_passed_over(self, place, soon, registry, mirror, both, status):
        registry.artifact(both, DOCUMENT)
        mirror.lie("GET /v2/upf", lambda handler, _: handler.reply(status))
        configured(place, registry.host, mirror.host)

        assert specs(place, registry.host, soon) == [DOCUMENT]

    def test_mirror_with_other_content_is_passed_over(self, place, soon, registry, mirror, both):
        artifact = registry.artifact(both, DOCUMENT)
        mirror.lie(artifact["digest"], lambda handler, _: handler.reply(
            200, b"x" * artifact["size"], content_type=artifact["mediaType"],
        ))  # fmt: skip
        configured(place, registry.host, mirror.host)

        assert specs(place, registry.host, soon) == [DOCUMENT]

    def test_mirror_that_never_comes_to_an_end_takes_a_part_of_the_time_once(
        self, place, soon, registry, mirror, both, monkeypatch
    ):
        registry.artifact(both, DOCUMENT)
        mirror.lie("GET /v2/upf", lambda handler, _: handler.trickle(b"HTTP/1.1 200 OK\r\nX: "))
        configured(place, registry.host, mirror.host)
        monkeypatch.setattr(repositories, "_SHARE", 0.01)

        assert specs(place, registry.host, soon) == [DOCUMENT]
        assert len(mirror.asked("GET /v2/upf")) == 1

    def test_all_that_went_wrong_is_told_the_registry_first(self, place, soon, mirror):
        mirror.lie("GET", lambda handler, _: handler.reply(500))
        configured(place, GONE, mirror.host)

        with pytest.raises(RegistryError) as caught:
            specs(place, GONE, soon)

        first, second = caught.value.message.split("; ")
        assert "cannot be reached" in first
        assert second == f"mirror {mirror.host}: manifest v1: status 200 is required, found status 500"


class TestWhatIsAskedWhere:
    def test_digest_only_mirror_is_not_asked_what_a_tag_means(self, place, soon, registry, mirror, both):
        registry.artifact(both, DOCUMENT)
        mirror.artifact(both, DOCUMENT)
        configured(place, registry.host, mirror.host, more='pull-from-mirror = "digest-only"\n')

        assert specs(place, registry.host, soon) == [DOCUMENT]
        assert mirror.asked("/manifests/v1") == []
        assert registry.asked("/referrers/") == []

    def test_tag_only_mirror_is_not_asked_for_digests(self, place, soon, registry, mirror, both):
        registry.artifact(both, DOCUMENT)
        configured(place, registry.host, mirror.host, more='pull-from-mirror = "tag-only"\n')

        assert specs(place, registry.host, soon) == [DOCUMENT]
        assert [one.path for one in mirror.asked("/v2/upf")] == ["/v2/upf/manifests/v1"]

    def test_mirror_by_digest_only_holds_for_all_mirrors(self, place, soon, registry, mirror, both):
        configured(place, registry.host, mirror.host)
        place.configure(place.conf.read_text().replace("insecure", "mirror-by-digest-only = true\ninsecure", 1))

        specs(place, registry.host, soon)

        assert mirror.asked("/manifests/v1") == []

    def test_location_takes_the_place_of_the_prefix(self, place, soon, registry):
        registry.artifact(registry.image(), DOCUMENT)
        place.configure(
            '[[registry]]\nprefix = "registry.invalid/free5gc"\n'
            f'location = "{registry.host}/deep/copy"\ninsecure = true\n'
        )

        assert specs(place, "registry.invalid", soon, "free5gc/upf:v1") == [DOCUMENT]
        assert registry.asked("GET /v2/deep/copy/upf/manifests/v1")

    @pytest.mark.parametrize(
        ("prefix", "longer"), [("*.invalid", "registry.invalid"), ("registry.invalid", "registry.invalid/free5gc")]
    )
    @pytest.mark.parametrize("order", [1, -1])
    def test_longest_prefix_counts(self, place, soon, registry, prefix, longer, order):
        registry.artifact(registry.image(), DOCUMENT)
        entries = [
            f'[[registry]]\nprefix = "{prefix}"\nblocked = true\nlocation = "x.invalid"\n',
            f'[[registry]]\nprefix = "{longer}"\nlocation = "{registry.host}"\ninsecure = true\n',
        ]
        place.configure("".join(entries[::order]))

        assert specs(place, "registry.invalid", soon, "free5gc/upf:v1") == [DOCUMENT]

    def test_prefix_ends_where_a_name_does(self, place):
        place.configure('[[registry]]\nprefix = "registry.invalid/free"\nblocked = true\nlocation = "x.invalid"\n')

        with place.open("registry.invalid/free5gc:v1"), pytest.raises(RegistryError, match="blocked"):
            place.open("registry.invalid/free/5gc:v1")

    def test_later_file_of_the_folder_replaces_an_entry(self, place, soon, registry):
        registry.artifact(registry.image(), DOCUMENT)
        place.configure('[[registry]]\nlocation = "registry.invalid"\nblocked = true\n')
        folder = place.etc / "registries.conf.d"
        folder.mkdir()
        (folder / "50-own.conf").write_text(
            f'[[registry]]\nprefix = "registry.invalid"\nlocation = "{registry.host}"\ninsecure = true\n'
        )
        (folder / "README").write_text("not TOML")

        assert specs(place, "registry.invalid", soon) == [DOCUMENT]


class TestRefusals:
    def test_blocked_registry_is_not_asked(self, place, registry):
        place.configure(f'[[registry]]\nlocation = "{registry.host}"\nblocked = true\n')

        with pytest.raises(RegistryError) as caught:
            place.open(f"{registry.host}/upf:v1")

        assert caught.value.message == f'registry of "{registry.host}/upf" is blocked'
        assert registry.requests == []

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[[registry", "not valid TOML"),
            ("[registries.search]\nregistries = []\n", "version 2 of registries.conf is required"),
            ("registry = 5\n", "registry must be a list"),
            ("registry = [5]\n", "registry must be an array of tables"),
            ("[[registry]]\n", "prefix or location is required"),
            ('[[registry]]\nlocation = "a.b"\ninsecure = "no"\n', "insecure must be true or false"),
            ('[[registry]]\nlocation = "a.b"\nmirror = [5]\n', "location is required"),
            ('[[registry]]\nlocation = "a.b"\n[[registry.mirror]]\nlocation = "A B"\n', "location of"),
            (
                '[[registry]]\nlocation = "a.b"\n[[registry.mirror]]\nlocation = "c.d"\npull-from-mirror = "some"\n',
                "pull-from-mirror must be one of",
            ),
            ('[[registry]]\nlocation = "a.b"\nrealms = [5]\n', "realms"),
        ],
    )
    def test_file_that_cannot_be_understood_is_named(self, place, text, said):
        place.configure(text)

        with pytest.raises(RegistryError) as caught:
            place.open("a.b/upf:v1")

        assert str(place.conf) in caught.value.message
        assert said in caught.value.message


@pytest.fixture
def hosts_toml(place):
    """Write containerd's hosts.toml for a registry."""

    def write(host, text, folder=""):
        directory = place.etc / "certs.d" / (folder or host)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "hosts.toml").write_text(text)
        return directory

    return write


class TestHostsToml:
    def test_mirror_is_asked_first_with_the_registry_it_stands_for(
        self, place, soon, registry, mirror, both, hosts_toml
    ):
        mirror.artifact(both, DOCUMENT)
        hosts_toml(registry.host, f'server = "{registry.url}"\n[host."{mirror.url}"]\n')

        assert specs(place, registry.host, soon) == [DOCUMENT]
        assert {one.query.get("ns") for one in mirror.asked("GET /v2/upf")} == {registry.host}
        assert registry.asked("GET /v2/upf") == []

    def test_host_without_resolve_is_not_asked_what_a_tag_means(self, place, soon, registry, mirror, both, hosts_toml):
        hosts_toml(registry.host, f'server = "{registry.url}"\n[host."{mirror.url}"]\ncapabilities = ["pull"]\n')

        specs(place, registry.host, soon)

        assert mirror.asked("/manifests/v1") == []
        assert mirror.asked("/referrers/")

    def test_path_of_a_url_is_kept_and_headers_go_along(self, place, soon, registry, mirror, both, hosts_toml):
        hosts_toml(
            registry.host,
            f'server = "{registry.url}"\n[host."{mirror.url}/proxy/v2/hub"]\noverride_path = true\n'
            f'[host."{mirror.url}/proxy/v2/hub".header]\nx-team = ["core"]\n',
        )

        specs(place, registry.host, soon)

        (asked, *_) = mirror.asked("GET /proxy/v2/hub/upf/manifests/v1")
        assert asked.headers["x-team"] == "core"

    @pytest.mark.parametrize("folder", ["_default", "localhost_PORT_"])
    def test_folder_may_have_another_name(self, place, soon, registry, mirror, both, hosts_toml, folder):
        mirror.artifact(both, DOCUMENT)
        name = folder.replace("PORT", registry.host.partition(":")[2])
        hosts_toml(registry.host, f'server = "{registry.url}"\n[host."{mirror.url}"]\n', folder=name)

        assert specs(place, registry.host, soon) == [DOCUMENT]

    def test_entry_for_the_registry_itself_says_how_it_is_reached(self, place, soon, authority, hosts_toml):
        registry = Scripted(authority)
        try:
            registry.artifact(registry.image(), DOCUMENT)
            text = f'server = "{registry.url}"\n[host."{registry.url}"]\nca = "own.pem"\n'
            folder = hosts_toml(registry.host, text)
            (folder / "own.pem").write_bytes(authority.certificate.read_bytes())

            assert specs(place, registry.host, soon) == [DOCUMENT]
            assert {one.query.get("ns") for one in registry.requests} == {None}
        finally:
            registry.end()

    def test_certificate_of_ours_is_shown(self, place, soon, authority, hosts_toml):
        """A pair that does not fit together is refused before anything is asked."""
        folder = hosts_toml("registry.invalid", 'client = [["server.crt", "ca.key"]]\n')
        (folder / "server.crt").write_bytes(authority.server.read_bytes())
        (folder / "ca.key").write_bytes(authority.key.read_bytes())

        with pytest.raises(RegistryError) as caught:
            specs(place, "registry.invalid", soon)

        assert f"{folder}/server.crt: certificates are required" in caught.value.message

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("server =", "not valid TOML"),
            ("server = 5\n", "server must be a URL"),
            ('server = "ftp://a.b"\n', "a URL with http or https is required"),
            ("host = 5\n", "host must be tables by URL"),
            ('[host."https://u:p@a.b"]\n', "a URL with http or https is required"),
            ('[host."https://a.b"]\ncapabilities = "pull"\n', "capabilities must be a list"),
            ('[host."https://a.b"]\nskip_verify = "yes"\n', "skip_verify must be true or false"),
            ('[host."https://a.b"]\nca = [5]\n', "ca must be a path"),
            ('[host."https://a.b"]\nclient = [["a", "b", "c"]]\n', "client must be files"),
            ('[host."https://a.b"]\nheader = 5\n', "header must be a table"),
            ('[host."https://a.b".header]\nx = "a\\r\\nb"\n', "header must hold text"),
        ],
    )
    def test_file_that_cannot_be_understood_is_named(self, place, hosts_toml, text, said):
        folder = hosts_toml("registry.invalid", text)

        with pytest.raises(RegistryError) as caught:
            place.open("registry.invalid/upf:v1")

        assert f"{folder}/hosts.toml" in caught.value.message
        assert said in caught.value.message


class TestWriting:
    """Nothing is ever written to a mirror."""

    def written(self, place, host, soon):
        with place.access().open(reference(f"{host}/upf:v1"), write=True) as repository:
            subject = repository.resolve("v1", soon)
            return attach.attach(repository, subject, DOCUMENT, title="", created="2026-01-01T00:00:00Z", deadline=soon)

    def test_mirror_of_registries_conf_sees_nothing(self, place, soon, registry, mirror, both):
        configured(place, registry.host, mirror.host)

        digest = self.written(place, registry.host, soon)

        assert digest in registry.manifests
        assert mirror.requests == []

    def test_mirror_of_hosts_toml_sees_nothing_whatever_it_may_do(
        self, place, soon, registry, mirror, both, hosts_toml
    ):
        hosts_toml(
            registry.host, f'server = "{registry.url}"\n[host."{mirror.url}"]\ncapabilities = ["pull", "push"]\n'
        )

        digest = self.written(place, registry.host, soon)

        assert digest in registry.manifests
        assert mirror.requests == []

    def test_server_that_stands_in_the_place_of_a_registry_is_a_mirror(
        self, place, soon, registry, mirror, both, hosts_toml
    ):
        mirror.artifact(both, DOCUMENT)
        hosts_toml(registry.host, f'server = "{mirror.url}"\n')
        place.insecure(registry.host)

        assert specs(place, registry.host, soon) == [DOCUMENT]
        assert registry.requests == []
        seen = len(mirror.requests)
        assert self.written(place, registry.host, soon) in registry.manifests
        assert len(mirror.requests) == seen
        assert mirror.asked("^(PUT|POST)") == []


def test_registry_that_is_down_is_told_by_its_address(place, soon):
    place.insecure(GONE)

    with pytest.raises(HostfitError) as caught:
        specs(place, GONE, soon)

    assert "cannot be reached at " in caught.value.message
    assert "ECONNREFUSED" in caught.value.message


def test_name_without_an_address_is_told(place, soon, monkeypatch):
    def look(*_, **__):
        raise transports.socket.gaierror(transports.socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(transports.socket, "getaddrinfo", look)
    with pytest.raises(HostfitError) as caught:
        specs(place, "registry.invalid", soon)

    assert caught.value.message == "registry registry.invalid: name has no address (EAI_NONAME)"
