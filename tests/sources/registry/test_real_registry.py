"""The client against Debian's docker-registry: fallback tag, TLS, passwords and tokens (RM2, IA1, TW1)."""

from __future__ import annotations

import json

import pytest

from hostfit.core.errors import NoSuchImageError, RegistryError
from hostfit.oci import descriptor as oci
from hostfit.sources.registry import artifacts, attach
from hostfit.sources.registry.access import reference, target

DOCUMENT = b"version: v1alpha1\ncompatibilities:\n- rules:\n  - name: any\n"
CREATED = "2026-01-02T03:04:05Z"


@pytest.fixture
def published(layout, push):
    """Push an image of two platforms; gives its name."""

    def published(registry, repository, **words):
        one = layout.manifest(labels={"one": "1"})
        other = layout.manifest(platform={"architecture": "arm64"})
        layout.tag("v1", layout.index(
            one | {"platform": {"os": "linux", "architecture": "amd64"}},
            other | {"platform": {"os": "linux", "architecture": "arm64"}},
        ))  # fmt: skip
        return push("v1", registry, repository, **words)

    return published


def attached(repository, name, soon, document=DOCUMENT):
    subject = repository.resolve(target(reference(name)), soon)
    return subject, attach.attach(repository, subject, document, title="x.yaml", created=CREATED, deadline=soon)


@pytest.fixture(params=["plain", "basic", "token", "identity"])
def way(request, place, authority):
    """A registry with one kind of authentication, and the configuration that leads there."""
    registry = request.getfixturevalue(f"{request.param.replace('identity', 'token')}_registry")
    if request.param == "plain":
        place.insecure(registry.host)
    else:
        place.certificates(registry.host, authority)
        place.log_in(registry.host)
    if request.param == "identity":
        place.auth.write_text(json.dumps({"auths": {registry.host: {"identitytoken": "an-identity-token"}}}))
    registry.way = request.param
    return registry


def test_spec_is_attached_and_read_on_every_way_in(way, place, soon, published):
    name = published(way, f"free5gc/{way.way}", log_in=way.way != "plain")
    with place.open(name) as repository:
        subject, digest = attached(repository, name, soon)
        found = artifacts.specs(repository, subject.digest, soon)

        assert [(one.digest, one.data, one.problem) for one in found.specs] == [(digest, DOCUMENT, "")]
        assert found.place == f"tag {subject.digest.replace(':', '-')} of registry {way.host}"


def test_manifest_and_index_are_subjects_of_their_own(place, soon, published, plain_registry):
    name = published(plain_registry, "levels")
    place.insecure(plain_registry.host)
    with place.open(name) as repository:
        index, _ = attached(repository, name, soon)
        member = repository.manifest(index, soon).manifests[0]

        assert artifacts.specs(repository, member.digest, soon).specs == ()
        attach.attach(repository, member, DOCUMENT + b"\n", title="", created=CREATED, deadline=soon)
        assert [one.data for one in artifacts.specs(repository, member.digest, soon).specs] == [DOCUMENT + b"\n"]
        assert [one.data for one in artifacts.specs(repository, index.digest, soon).specs] == [DOCUMENT]


def test_newest_artifact_comes_first_and_what_is_detached_is_gone(place, soon, published, plain_registry):
    name = published(plain_registry, "newest")
    place.insecure(plain_registry.host)
    with place.open(name) as repository:
        subject = repository.resolve("v1", soon)
        digests = [
            attach.attach(repository, subject, DOCUMENT + mark, title="", created=f"20{year}-01-01T00:00:00Z",
                          deadline=soon)
            for mark, year in ((b"#1", 25), (b"#3", 27), (b"#2", 26))
        ]  # fmt: skip
        assert [one.data[-1:] for one in artifacts.specs(repository, subject.digest, soon).specs] == [b"3", b"2", b"1"]

        attach.detach(repository, subject.digest, digests[1], listed_by_api=False, deadline=soon)
        assert [one.data[-1:] for one in artifacts.specs(repository, subject.digest, soon).specs] == [b"2", b"1"]


def test_name_that_the_registry_does_not_have_is_said_so(place, soon, plain_registry):
    place.insecure(plain_registry.host)
    with place.open(f"{plain_registry.host}/nothing/here") as repository, pytest.raises(NoSuchImageError) as caught:
        repository.resolve("v9", soon)

    assert caught.value.message == (
        f'repository {plain_registry.host}/nothing/here: no manifest "v9" on {plain_registry.host}'
    )


def test_no_layer_is_ever_fetched(place, soon, published, plain_registry):
    name = published(plain_registry, "layers")
    place.insecure(plain_registry.host)
    with place.open(name) as repository:
        index = repository.resolve("v1", soon)
        manifest = repository.manifest(repository.manifest(index, soon).manifests[0], soon)
        assert isinstance(manifest, oci.Manifest)
        artifacts.specs(repository, index.digest, soon)
    layer = manifest.layers[0].digest

    asked = [line for line in plain_registry.log.read_text().splitlines() if "hostfit/" in line]
    assert asked
    assert [line for line in asked if layer in line] == []


class TestRefusals:
    def test_plain_http_is_used_only_where_it_is_configured(self, place, soon, plain_registry):
        with place.open(f"{plain_registry.host}/x") as repository, pytest.raises(RegistryError) as caught:
            repository.resolve("v1", soon)

        assert caught.value.message == f"registry {plain_registry.host}: TLS fails: wrong version number"

    def test_certificate_of_an_authority_that_nobody_trusts_is_refused(self, place, soon, basic_registry):
        with place.open(f"{basic_registry.host}/x") as repository, pytest.raises(RegistryError) as caught:
            repository.resolve("v1", soon)

        assert "certificate is not trusted: " in caught.value.message

    def test_missing_credentials_are_asked_for_with_the_places_that_were_searched(
        self, place, soon, basic_registry, authority
    ):
        place.certificates(basic_registry.host, authority)
        with place.open(f"{basic_registry.host}/x") as repository, pytest.raises(RegistryError) as caught:
            repository.resolve("v1", soon)

        assert caught.value.message.startswith(
            f"registry {basic_registry.host}: credentials are required, found none in {place.auth}, "
        )
        assert caught.value.hint == f"log in, for example with podman login {basic_registry.host}"

    @pytest.mark.parametrize("way", ["basic", "token"])
    def test_wrong_password_is_told_and_not_shown(self, request, place, soon, authority, way):
        registry = request.getfixturevalue(f"{way}_registry")
        place.certificates(registry.host, authority)
        place.log_in(registry.host, password="hunter2")
        with place.open(f"{registry.host}/x") as repository, pytest.raises(RegistryError) as caught:
            repository.resolve("v1", soon)

        assert "refused" in caught.value.message
        assert "hunter2" not in caught.value.message
