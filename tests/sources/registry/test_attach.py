"""Attaching and detaching: what is pushed, the list at the fallback tag, registries that are in the way (IA1, RM2)."""

from __future__ import annotations

import json

import pytest
from hostfit_bed.hostile import DOCUMENT
from hostfit_bed.scripted import INDEX, SPEC, SPEC_YAML, Scripted, digest_of

from hostfit.core.errors import RegistryError
from hostfit.sources.registry import attach
from hostfit.sources.registry.access import reference
from hostfit.sources.registry.referrers import fallback_tag

CREATED = "2026-01-02T03:04:05Z"


@pytest.fixture(params=["with the API", "without the API"])
def registry(request):
    one = Scripted(api=request.param == "with the API")
    yield one
    one.end()


@pytest.fixture
def old():
    """A registry without the referrers API."""
    one = Scripted(api=False)
    yield one
    one.end()


@pytest.fixture
def write(place, soon):
    """Attach the document to `v1` and give the artifact's digest."""

    def write(registry, document=DOCUMENT):
        place.insecure(registry.host)
        with place.access().open(reference(f"{registry.host}/upf:v1"), write=True) as repository:
            subject = repository.resolve("v1", soon)
            return attach.attach(repository, subject, document, title="x.yaml", created=CREATED, deadline=soon)

    return write


@pytest.fixture
def take_off(place, soon):
    def take_off(registry, artifact):
        with place.access().open(reference(f"{registry.host}/upf:v1"), write=True) as repository:
            subject = repository.resolve("v1", soon).digest
            attach.detach(repository, subject, artifact, listed_by_api=registry.api, deadline=soon)

    return take_off


def listed(registry, subject):
    """The digests that a registry lists for a subject, at the fallback tag where it has no API."""
    if registry.api:
        return [one["digest"] for one in registry.listed.get(subject["digest"], [])]
    tag = registry.tags.get(fallback_tag(subject["digest"]))
    return [one["digest"] for one in json.loads(registry.manifests[tag][1])["manifests"]] if tag else []


def test_artifact_is_that_of_nfd_with_the_image_as_its_subject(registry, write):
    subject = registry.image()

    digest = write(registry)

    manifest = json.loads(registry.manifests[digest][1])
    assert (manifest["artifactType"], manifest["subject"]) == (SPEC, subject)
    assert manifest["annotations"] == {"org.opencontainers.image.created": CREATED}
    (layer,) = manifest["layers"]
    assert (layer["mediaType"], registry.blobs[layer["digest"]]) == (SPEC_YAML, DOCUMENT)
    assert registry.blobs[manifest["config"]["digest"]] == b"{}"
    assert listed(registry, subject) == [digest]


def test_list_is_written_only_where_the_registry_keeps_none(registry, write):
    subject = registry.image()
    write(registry)

    assert bool(registry.asked(f"^PUT .*/{fallback_tag(subject['digest'])}")) is not registry.api


def test_blob_that_is_there_is_not_sent_again(registry, write):
    registry.image()
    registry.blob(b"{}")
    write(registry)

    assert len(registry.asked("^POST")) == 1


def test_entries_of_others_stay_in_the_list(old, write):
    subject = old.image()
    theirs = old.artifact(subject, b"{}", kind="application/spdx+json") | {"artifactType": "application/spdx+json"}
    entry = theirs | {"annotations": {"their": "own"}, "custom": 5}
    old.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}, tag=fallback_tag(subject["digest"]))

    ours = write(old)

    tag = old.tags[fallback_tag(subject["digest"])]
    first, second = json.loads(old.manifests[tag][1])["manifests"]
    assert first == entry
    assert (second["digest"], second["artifactType"]) == (ours, SPEC)


def test_writer_that_was_overtaken_writes_again(old, write):
    """Somebody else replaces the list between our reading and our writing, once."""
    subject = old.image()
    tag = fallback_tag(subject["digest"])
    theirs = old.artifact(subject, b"{}") | {"artifactType": SPEC}

    def overtaken(handler, request):
        old.lies.clear()
        old.answer(handler, request)
        old.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [theirs]}, tag=tag)

    old.lie(f"^PUT .*/{tag}", overtaken)

    assert listed(old, subject) == []
    ours = write(old)
    assert listed(old, subject) == [theirs["digest"], ours]


def test_writer_that_is_told_so_writes_again(old, write):
    """A registry that compares entity tags refuses the list of whoever is late."""
    subject = old.image()
    tag = fallback_tag(subject["digest"])
    old.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}, tag=tag)
    refusals = []

    def with_tag(handler, _):
        kind, data = old.manifests[old.tags[tag]]
        handler.reply(200, data, content_type=kind, etag=f'"{old.tags[tag]}"')

    def compare(handler, request):
        if not refusals:
            refusals.append(request.headers["if-match"])
            handler.reply(412)
        else:
            old.answer(handler, request)

    old.lie(f"^GET .*/{tag}", with_tag)
    old.lie(f"^PUT .*/{tag}", compare)

    ours = write(old)

    assert listed(old, subject) == [ours]
    assert refusals == [f'"{digest_of(old.manifests[refusals[0].strip(chr(34))][1])}"']


def test_others_that_write_without_end_are_told(old, write):
    subject = old.image()
    tag = fallback_tag(subject["digest"])
    old.lie(f"^PUT .*/{tag}", lambda handler, _: handler.reply(201))

    with pytest.raises(RegistryError, match="others write it again and again"):
        write(old)


def test_subject_itself_at_the_fallback_tag_is_no_list_to_keep(old, write):
    subject = old.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [old.image("")]}, tag="v1")
    old.tags[fallback_tag(subject["digest"])] = subject["digest"]

    ours = write(old)

    assert listed(old, subject) == [ours]
    assert old.tags["v1"] == subject["digest"]


class TestDetach:
    def test_artifact_is_deleted_and_leaves_the_list(self, registry, write, take_off):
        subject = registry.image()
        artifact = write(registry)
        registry.lie("^DELETE", lambda handler, _: (
            registry.listed.clear() if registry.api else None, handler.reply(202),
        ))  # fmt: skip

        take_off(registry, artifact)

        assert [one.path for one in registry.asked("^DELETE")] == [f"/v2/upf/manifests/{artifact}"]
        assert listed(registry, subject) == []

    def test_registry_that_deletes_nothing_is_told_where_it_keeps_the_list(self, registry, write, take_off):
        subject = registry.image()
        artifact = write(registry)
        registry.lie("^DELETE", lambda handler, _: handler.reply(405))
        if not registry.api:
            take_off(registry, artifact)
            assert listed(registry, subject) == []
            return

        with pytest.raises(RegistryError) as caught:
            take_off(registry, artifact)

        assert "status 202 is required to delete it, found status 405" in caught.value.message
        assert "attach a newer spec" in caught.value.hint

    @pytest.mark.parametrize("kind", [SPEC, "application/spdx+json"])
    def test_manifest_that_is_no_spec_of_the_image_leaves_the_list_and_stays(self, old, write, take_off, kind):
        """Whoever may write a list could name somebody else's image in it."""
        subject = old.image()
        write(old)
        other = old.image("other") if kind == SPEC else old.artifact(subject, b"{}", kind=kind)
        entry = other | {"artifactType": SPEC}
        tag = fallback_tag(subject["digest"])
        old.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}, tag=tag)

        take_off(old, other["digest"])

        assert old.asked("^DELETE") == []
        assert listed(old, subject) == []

    def test_manifest_that_an_api_lists_wrongly_is_not_deleted(self, place, soon, write):
        registry = Scripted(api=True)
        try:
            subject = registry.image()
            write(registry)
            other = registry.image("other")
            with (
                place.access().open(reference(f"{registry.host}/upf:v1"), write=True) as repository,
                pytest.raises(RegistryError, match="it is not deleted"),
            ):
                attach.detach(repository, subject["digest"], other["digest"], listed_by_api=True, deadline=soon)
            assert registry.asked("^DELETE") == []
        finally:
            registry.end()


@pytest.mark.parametrize(
    ("pattern", "status", "said"),
    [
        ("^POST", 401, "a way to authenticate is required"),
        ("^POST", 403, "upload: status 202 is required, found status 403"),
        ("^PUT .*/uploads/", 400, "status 201 is required, found status 400"),
        ("^PUT .*/manifests/sha256:", 413, "status 201 is required, found status 413"),
        ("^PUT .*/manifests/sha256-", 429, "status 201 is required, found status 429"),
        ("^POST", 307, "no redirect may answer what writes"),
    ],
)
def test_refusal_is_told(old, write, pattern, status, said):
    old.image()
    old.lie(pattern, lambda handler, _: handler.reply(status, Location="/elsewhere"))

    with pytest.raises(RegistryError) as caught:
        write(old)

    assert said in caught.value.message


@pytest.mark.parametrize(
    "place_of_upload", ["http://127.0.0.1:1/x", "http://localhost:1/x", "http://u@localhost/x", ""]
)
def test_nothing_is_uploaded_to_another_host(old, write, place_of_upload):
    old.image()
    old.lie("^POST", lambda handler, _: handler.reply(202, Location=place_of_upload))

    with pytest.raises(RegistryError, match="upload must go to the same host"):
        write(old)

    assert old.asked("^PUT") == []


def test_upload_behind_a_proxy_that_hides_its_tls_stays_in_tls(place, soon, authority):
    registry = Scripted(authority)
    try:
        place.certificates(registry.host, authority)
        registry.image()
        registry.lie("^POST", lambda handler, request: handler.reply(
            202, Location=f"http://{registry.host}{request.path}1",
        ))  # fmt: skip
        with place.access().open(reference(f"{registry.host}/upf:v1"), write=True) as repository:
            subject = repository.resolve("v1", soon)
            attach.attach(repository, subject, DOCUMENT, title="", created=CREATED, deadline=soon)
    finally:
        registry.end()

    assert DOCUMENT in registry.blobs.values()


def test_warning_of_a_registry_is_kept_for_its_users(place, soon, old):
    old.image()
    kind, data = old.manifests[old.tags["v1"]]
    old.lie("/manifests/v1", lambda handler, _: handler.reply(
        200, data, content_type=kind, warning='299 - "this tag goes away \\"soon\\"", 199 - "never mind"',
    ))  # fmt: skip
    place.insecure(old.host)
    with place.open(f"{old.host}/upf:v1") as repository:
        repository.resolve("v1", soon)

        (warning,) = repository.warnings()

    assert warning.startswith(f"registry {old.host} says: this tag goes away ")
