"""`hostfit sync` fills the spec store from real registries, and what it cannot ask changes nothing (TW1, DE2, IA6)."""

from __future__ import annotations

import contextlib
import json

import jsonschema
import pytest
from hostfit_bed import registries
from hostfit_bed.scripted import Scripted

from hostfit.cli.schemas import schema_text
from hostfit.core import limits
from hostfit.core.document import UNSYNCED
from hostfit.core.errors import NoSuchImageError
from hostfit.core.image import Image, Resolution
from hostfit.facts import vocabulary
from hostfit.oci.request import Bundle, Request
from hostfit.sources import collect, inventory
from hostfit.sources.registry import artifacts

from .conftest import TIMES, spec


def test_specs_are_fetched_and_looking_again_changes_nothing(site, image, plain_registry):
    """TW1, DE2"""
    one = image(plain_registry, "sync/first", spec("only"))
    done = site.sync(one.name)

    assert (done.code, done.err) == (0, "")
    assert f"{one.name}: new: sha256:" in done.out
    assert done.out.splitlines()[-1] == "1 image: 1 new, 1 without"
    assert site.found(one.digest) == [("only", "")]
    assert site.found(one.index) == []
    again = site.sync(one.name)
    assert (again.code, again.out) == (0, "1 image: 1 as before, 1 without\n")


def test_both_levels_are_asked(site, image, plain_registry):
    """DE2: an artifact may be attached to the index or to the manifest."""
    one = image(plain_registry, "sync/levels", spec("of the manifest"))
    one.add(spec("of the index"), TIMES[0], one.index)
    site.sync(one.name)

    assert site.found(one.digest) == [("of the manifest", "")]
    assert site.found(one.index) == [("of the index", "")]


def test_nothing_found_is_an_answer(site, image, plain_registry):
    """What nobody looked for is another state than what has no spec."""
    one = image(plain_registry, "sync/none")
    assert site.found(one.digest) is None
    assert site.sync(one.name).code == 0
    assert site.found(one.digest) == []


def test_the_newest_counts_and_changes_are_noticed(site, image, plain_registry):
    one = image(plain_registry, "sync/changed", spec("old"), spec("new"))
    site.sync(one.name)
    assert site.found(one.digest) == [("new", "")]

    one.add(spec("newer"), TIMES[5])
    done = site.sync(one.name)
    assert f"{one.name}: changed: " in done.out
    assert site.found(one.digest) == [("newer", "")]


def test_an_artifact_that_nobody_can_read_is_not_nothing(site, image, plain_registry):
    """R16: at the first look-up there is nothing that could stay as it was, so the image stays one nobody looked up."""
    one = image(plain_registry, "sync/unread", spec("long") + b" " * limits.DOCUMENT)
    done = site.sync(one.name)

    assert done.code == 3
    assert f"document must be at most {limits.DOCUMENT} bytes" in done.err
    assert site.found(one.digest) is None


def test_a_spec_that_was_withdrawn_is_noticed(site, image, plain_registry):
    one = image(plain_registry, "sync/withdrawn", spec("gone"))
    site.sync(one.name)
    one.take(one.artifacts[0])
    done = site.sync(one.name)

    assert f"{one.name}: withdrawn: {one.digest}" in done.out
    assert (done.code, site.found(one.digest)) == (0, [])


def test_an_older_spec_than_was_seen_changes_nothing_and_is_told(site, image, plain_registry):
    """R20: whoever rules the registry cannot bring back what was replaced."""
    one = image(plain_registry, "sync/rollback", spec("weak"), spec("strict"))
    site.sync(one.name)
    one.take(one.artifacts[1])
    done = site.sync(one.name)

    assert (done.code, site.found(one.digest)) == (3, [("strict", "")])
    assert f"artifact {one.artifacts[0]}: is older than one that was seen" in done.err
    assert "so only --accept-older takes it; nothing changes" in done.err
    assert site.sync(one.name, "--accept-older").code == 0
    assert site.found(one.digest) == [("weak", "")]
    assert site.sync(one.name).code == 0


def test_an_older_spec_after_all_were_withdrawn_is_told_too(site, image, plain_registry):
    one = image(plain_registry, "sync/back", spec("weak"), spec("strict"))
    site.sync(one.name)
    for artifact in one.artifacts:
        one.take(artifact)
    site.sync(one.name)
    one.add(spec("weak"), TIMES[0])

    assert site.sync(one.name).code == 3
    assert site.found(one.digest) == []


def test_a_registry_that_is_down_changes_nothing(site, image, tmp_path):
    """Offline, the store serves what it has."""
    registry = registries.docker_registry(tmp_path / "registry")
    try:
        one = image(registry, "sync/down", spec("kept"))
        site.sync(one.name)
        files = {path: path.read_bytes() for path in site.prefix.rglob("*") if path.is_file()}
    finally:
        registry.end()
    done = site.sync(one.name)

    assert done.code == 3
    assert done.err.startswith(f"hostfit: {one.name}: registry localhost")
    assert done.out == "1 image: 1 not looked up\n"
    assert {path: path.read_bytes() for path in site.prefix.rglob("*") if path.is_file()} == files


def test_a_registry_that_fails_again_and_again_is_not_asked_for_everything(site, monkeypatch):
    """R9: hundreds of images would each wait for it."""
    with contextlib.closing(Scripted()) as registry:
        registry.lie("", lambda handler, _: handler.reply(503))
        site.reach(registry)
        digests = [f"sha256:{number:064x}" for number in range(8)]
        images = [Image(name=f"{registry.host}/a:{one[-1]}", names=(f"{registry.host}/a:{one[-1]}",), digest=one)
                  for one in digests]  # fmt: skip
        monkeypatch.setattr(inventory, "images", lambda problem: iter(images))
        done = site.sync()
        asked = {one.path.rpartition("/")[2] for one in registry.asked("/referrers/")}

    assert done.code == 3
    assert asked == set(digests[:3])
    assert done.err.count("not asked again, for it failed 3 times") == 5


def test_an_image_that_is_gone_from_its_registry_withdraws_nothing(site, image, plain_registry, monkeypatch):
    """Some registries say "not found" to whoever may not look."""
    one = image(plain_registry, "sync/hidden", spec("kept"))
    site.sync(one.name)
    local_image = Image(name=f"{plain_registry.host}/sync/moved:1", names=(f"{plain_registry.host}/sync/moved:1",))
    local_image.digest = one.digest
    record = site.store.looked_up(one.digest)
    moved = {f"{plain_registry.host}/sync/moved": next(iter(record.sources.values()))}
    site.store.record(one.digest, record.specs, time="", sources=moved)
    monkeypatch.setattr(inventory, "images", lambda problem: iter([local_image]))
    done = site.sync()

    assert done.code == 3
    assert "no manifest" in done.err
    assert site.found(one.digest) == [("kept", "")]


def test_a_first_look_at_what_a_registry_hides_is_no_answer(site, image, plain_registry, monkeypatch):
    """An image that nobody showed us is not one without a spec; the registry is asked for the others all the same."""
    hidden = [f"{plain_registry.host}/sync/hides{number}:1" for number in range(4)]
    images = [
        Image(name=name, names=(name,), digest="sha256:" + str(number) * 64) for number, name in enumerate(hidden)
    ]
    one = image(plain_registry, "sync/shown", spec("shown"))
    images.append(Image(name=one.name, names=(one.name,), digest=one.digest))
    monkeypatch.setattr(inventory, "images", lambda problem: iter(images))
    done = site.sync()

    assert done.code == 3
    assert done.err.count("no manifest") == len(hidden)
    assert [site.found(each.digest) for each in images] == [None] * len(hidden) + [[("shown", "")]]


def test_a_mirror_does_not_speak_for_a_registry_that_hides_an_image(place, soon):
    own, mirror = Scripted(), Scripted()
    try:
        digest = mirror.image()["digest"]
        place.configure(
            f'[[registry]]\nlocation = "{own.host}"\ninsecure = true\n'
            f'[[registry.mirror]]\nlocation = "{mirror.host}"\ninsecure = true\n'
        )
        with place.open(f"{own.host}/upf:v1") as repository:
            assert repository.resolve(digest, soon).digest == digest
            with pytest.raises(NoSuchImageError, match="no manifest"):
                repository.confirm(digest, soon)
            own.image()
            repository.confirm(digest, soon)
    finally:
        own.end()
        mirror.end()


def test_another_repository_lifts_nothing(site, image, plain_registry):
    """The same manifest lies in somebody else's repository too, with nothing or something else attached."""
    files = {"same": b"content"}
    one = image(plain_registry, "sync/own", spec("own"), files=files)
    other = image(plain_registry, "sync/other", files=files)
    assert one.digest == other.digest
    site.sync(one.name)
    site.sync(other.name)
    assert site.found(one.digest) == [("own", "")]
    other.add(spec("more"), TIMES[8])
    site.sync(other.name)
    assert sorted(site.found(one.digest)) == [("more", ""), ("own", "")]


def test_an_invalid_spec_is_kept_and_told(site, image, plain_registry):
    """That an image has one must not be forgotten: at a start on_error says what happens."""
    one = image(plain_registry, "sync/invalid", b'{"version": "v1alpha1", "compatibility": []}')
    done = site.sync(one.name)

    assert done.code == 5
    assert "invalid spec: " in done.err
    assert len(site.store.looked_up(one.digest).specs) == 1


def test_a_crash_over_one_image_stops_no_other(site, image, plain_registry, monkeypatch):
    """R9: what a registry answers may be anything."""
    one, two = image(plain_registry, "sync/crash", spec("one")), image(plain_registry, "sync/after", spec("two"))
    found = artifacts.specs

    def crash(repository, digest, deadline, **how):
        if repository.name.endswith("crash"):
            raise ZeroDivisionError("of the test")
        return found(repository, digest, deadline, **how)

    monkeypatch.setattr(artifacts, "specs", crash)
    done = site.sync(one.name, two.name)

    assert done.code == 3
    assert "internal error: ZeroDivisionError: of the test" in done.err
    assert (site.found(one.digest), site.found(two.digest)) == (None, [("two", "")])


def test_an_image_of_another_repository_is_still_missing(site, image, plain_registry, monkeypatch):
    """What one repository was asked says nothing about the next."""
    files = {"same": b"twice"}
    one = image(plain_registry, "sync/here", files=files)
    image(plain_registry, "sync/there", spec("there"), files=files)
    site.sync(one.name)
    moved = f"{plain_registry.host}/sync/there:1"
    there = Image(name=moved, names=(moved,), digest=one.digest)
    monkeypatch.setattr(inventory, "images", lambda problem: iter([there]))
    assert site.sync("--missing").code == 0
    assert site.found(one.digest) == [("there", "")]


def test_an_image_that_no_registry_can_know_is_asked_of_none(site, plain_registry, monkeypatch):
    """Docker has no digest but the image ID of what it built, whatever its name says."""
    site.reach(plain_registry)
    built = Image(name="built:1", names=(f"{plain_registry.host}/sync/built:1",), config_digest="sha256:" + "1" * 64)
    monkeypatch.setattr(inventory, "images", lambda problem: iter([built]))
    before = plain_registry.log.read_text()
    done = site.sync()

    assert (done.code, done.out) == (0, "1 image: 1 without\n")
    assert plain_registry.log.read_text() == before
    assert site.found("sha256:" + "1" * 64) == []


def test_includes_are_fetched_from_the_image_s_own_registry(site, image, plain_registry):
    """IA4, IA6: to any depth that a start follows."""
    leaf = spec("leaf")
    other = image(plain_registry, "sync/library", leaf)
    leaf_digest = digest_of(leaf)
    name = f"{plain_registry.host}/sync/library"
    middle = spec("middle", include=[{"digest": leaf_digest, "reference": name}])
    image(plain_registry, "sync/includes", middle)
    one = image(plain_registry, "sync/includes", spec("top", include=[{"digest": digest_of(middle)}]))
    done = site.sync(one.name)

    assert (done.code, done.err) == (0, "")
    assert site.store.read(leaf_digest) == leaf
    assert other.digest


def test_includes_are_followed_as_deep_as_a_start_follows_them(site, image, plain_registry):
    """R9"""
    chain = [spec("leaf")]
    for number in range(limits.INCLUDE_DEPTH + 1):
        chain.append(spec(f"link {number}", include=[{"digest": digest_of(chain[-1])}]))
    image(plain_registry, "sync/deep", *chain[:5])
    one = image(plain_registry, "sync/deep", *chain[5:])
    site.sync(one.name)

    assert [site.store.read(digest_of(link)) is not None for link in chain] == [False] + [True] * (len(chain) - 1)


def test_includes_from_elsewhere_need_the_administrator(site, image, plain_registry, tmp_path):
    registry = registries.docker_registry(tmp_path / "elsewhere")
    try:
        leaf = spec("leaf")
        image(registry, "library", leaf)
        include = {"digest": digest_of(leaf), "reference": f"{registry.host}/library"}
        one = image(plain_registry, "sync/elsewhere", spec("top", include=[include]))
        site.reach(plain_registry, registry)
        done = site.sync(one.name)
        assert done.code == 3
        assert f"registry {registry.host} is neither the image's own nor in [sync] registries" in done.err
        assert site.store.read(digest_of(leaf)) is None

        site.configure(f'[sync]\nregistries = ["{registry.host}"]\n')
        assert site.sync(one.name).code == 0
        assert site.store.read(digest_of(leaf)) == leaf
    finally:
        registry.end()


def digest_of(data):
    import hashlib

    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_base_images_and_documents_that_the_image_names_are_fetched(site, image, plain_registry):
    """IA5, IA6"""
    base = image(plain_registry, "sync/base", spec("of the base"))
    told = image(plain_registry, "sync/child", spec("named"))
    notes = {
        "org.opencontainers.image.base.digest": base.digest,
        "org.opencontainers.image.base.name": base.name,
        "io.hostfit.spec.digest": digest_of(spec("named")),
    }
    one = image(plain_registry, "sync/child", annotations=notes)
    done = site.sync(one.name)

    assert (done.code, done.err) == (0, "")
    assert site.found(base.digest) == [("of the base", "")]
    assert site.store.read(digest_of(spec("named"))) == spec("named")
    assert told.digest


def test_a_base_image_that_is_gone_withdraws_nothing(site):
    """IA6: where nobody says in which repository it is, one that was found there once is expected there."""
    with contextlib.closing(Scripted()) as registry:
        site.reach(registry)
        base = registry.image("base", annotations={"x": "base"})
        registry.image(annotations={"org.opencontainers.image.base.digest": base["digest"]})
        registry.artifact(base, spec("of the base"))
        assert site.sync(f"{registry.host}/upf:v1").code == 0
        registry.listed.clear()
        del registry.manifests[base["digest"]]
        done = site.sync(f"{registry.host}/upf:v1")

    assert (done.code, site.found(base["digest"])) == (3, [("of the base", "")])


def test_a_base_image_elsewhere_is_not_asked_for(site, image, plain_registry):
    notes = {
        "org.opencontainers.image.base.digest": "sha256:" + "0" * 64,
        "org.opencontainers.image.base.name": "evil.example/base:1",
    }
    one = image(plain_registry, "sync/lured", annotations=notes)
    done = site.sync(one.name)

    assert done.code == 3
    assert "registry evil.example is neither the image's own nor in [sync] registries" in done.err


def test_all_images_of_a_real_store(site, image, plain_registry, storage, layout, tmp_path):
    """What Podman pulled is looked up by its digests; what it built has no registry to ask, and is not unsynced."""
    one = image(plain_registry, "sync/pulled", spec("only"), members=None)
    layout.tag("built", layout.manifest(files={"a": b"built here"}))
    storage.copy(layout, "built", "localhost/built:1")
    for tag in [name.rpartition(":")[2] for name in (one.name,)]:
        storage.copy(layout, tag, one.name)
    (tmp_path / "storage.conf").write_text(f'[storage]\ngraphroot = "{storage.graphroot}"\n')
    done = site.sync("--format", "json")
    tree = json.loads(done.out)

    jsonschema.Draft202012Validator(json.loads(schema_text("sync-v1"))).validate(tree)
    assert done.code == 0, done.err
    outcomes = {each["name"]: [subject["outcome"] for subject in each["subjects"]] for each in tree["images"]}
    assert outcomes == {one.name: ["new"], "localhost/built:1": ["none"]}
    for image_ in inventory.images(pytest.fail):
        documents = collect.documents(
            Request(entry="check", verb="check", id="", bundle=Bundle("")),
            Resolution("podman", image_),
            lookup=vocabulary.lookup,
            var=str(site.prefix / "var/lib/hostfit"),
        )
        assert UNSYNCED not in [document.state for document in documents]
    assert site.sync("--missing").out == "0 images: nothing to look up\n"


def test_a_broken_store_is_told_and_the_others_are_looked_up(site, image, plain_registry, monkeypatch, tmp_path):
    graph = tmp_path / "graph"
    (graph / "vfs-images").mkdir(parents=True)
    (graph / "vfs-images" / "images.json").write_text("[")
    (tmp_path / "storage.conf").write_text(f'[storage]\ngraphroot = "{graph}"\n')
    done = site.sync()

    assert (done.code, done.out) == (3, "0 images: nothing to look up\n")
    assert "images.json" in done.err


@pytest.mark.parametrize("name", ["no-such-image", "localhost/no-such-image:1"])
def test_what_is_no_image_of_anybody_is_bad_usage(site, name):
    done = site.sync(name)

    assert (done.code, done.out) == (2, "")
    assert f'image "{name}" is in no local store' in done.err


def test_a_store_that_cannot_be_written_is_told(site, image, plain_registry):
    one = image(plain_registry, "sync/full", spec("only"))
    (site.prefix / "var").mkdir()
    (site.prefix / "var/lib").write_text("a file in the way")
    done = site.sync(one.name)

    assert done.code == 4
    assert "spec store" in done.err
