"""`hostfit sync` fills the spec store from real registries, and that stays good whatever happens (TW1, DE2, IA6)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from hostfit_bed import gotools, registries
from hostfit_bed.command import need
from hostfit_bed.scripted import Scripted

from hostfit.cli.main import main
from hostfit.cli.schemas import schema_text
from hostfit.core import limits
from hostfit.core.document import UNSYNCED
from hostfit.core.errors import NoSuchImageError
from hostfit.core.image import Image, Resolution
from hostfit.core.paths import Paths
from hostfit.facts import vocabulary
from hostfit.gate import gate
from hostfit.oci.request import Bundle, Request
from hostfit.sources import collect, docker, inventory, local, storageconf
from hostfit.sources.registry import artifacts, attach
from hostfit.sources.registry.access import reference
from hostfit.sources.registry.deadline import Deadline
from hostfit.sources.store import SpecStore

SOURCE = Path(__file__).parents[3] / "src"
TIMES = [f"2026-0{month}-01T00:00:00Z" for month in range(1, 10)]


def patience():
    """Time enough for one step on a slow machine."""
    return Deadline(120, "the test")


def spec(name, **fields):
    """A spec as bytes; `name` tells one from another."""
    rule = {"name": name, "matchFeatures": [{"feature": "kernel.version", "matchExpressions": {}}]}
    rule["matchFeatures"][0]["matchExpressions"] = {"major": {"op": "Gt", "value": ["1"]}}
    return json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": [rule]}]} | fields).encode()


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine whose image stores are all empty."""
    conf = tmp_path / "storage.conf"
    conf.write_text(f'[storage]\ngraphroot = "{tmp_path}/none"\n')
    monkeypatch.setattr(storageconf, "SYSTEM_FILES", (str(conf),))
    monkeypatch.setattr(local, "SOCKETS", ())
    monkeypatch.setattr(docker, "DEFAULT_ROOT", str(tmp_path / "none"))
    monkeypatch.setattr(docker, "DAEMON_CONFIG", str(tmp_path / "none.json"))


@pytest.fixture
def site(tmp_path, monkeypatch, nowhere, capsys):
    """An installation of the test's own, the store that it fills, and its command."""
    if os.geteuid() != 0:
        pytest.skip("a policy is trusted only if root owns it")
    prefix = tmp_path / "prefix"
    etc = prefix / "etc" / "hostfit"
    etc.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    store = SpecStore(str(prefix / "var/lib/hostfit"))

    def sync(*words):
        code = main(["--prefix", str(prefix), "sync", *words])
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    def reach(*found):
        text = [f'[[registry]]\nlocation = "{one.host}"\ninsecure = true\n' for one in found]
        (etc / "registries.conf").write_text("".join(text))

    def configure(text):
        (etc / "hostfit.toml").write_text(text)

    def found(subject):
        record = store.looked_up(subject)
        return None if record is None else [(name, signer) for digest, signer in record.specs for name in named(digest)]

    def named(digest):
        return [json.loads(store.read(digest))["compatibilities"][0]["rules"][0]["name"]]

    return SimpleNamespace(
        prefix=prefix, etc=etc, store=store, sync=sync, reach=reach, configure=configure, found=found
    )


@pytest.fixture
def image(layout, push, place, site):
    """Push an image and attach specs to it: `image(registry, "a/b", spec("x"), ...)`, the first one oldest."""
    counter = iter(range(1000))

    def make(registry, repository, *specs, annotations=None, files=None, members=()):
        tag = f"t{next(counter)}"
        descriptor = layout.manifest(annotations=annotations, files=files or {"tag": f"{repository}{tag}".encode()})
        platform = {"platform": {"os": "linux", "architecture": "amd64"}}
        top = layout.index(descriptor | platform) if members == () else descriptor
        layout.tag(tag, descriptor if members is None else top)
        name = push(tag, registry, repository)
        place.insecure(registry.host)
        site.reach(registry)
        made = SimpleNamespace(name=name, digest=descriptor["digest"], index=top["digest"], artifacts=[])

        def add(document, created, subject=""):
            with place.access().open(reference(name), write=True) as opened:
                target = opened.resolve(subject or made.digest, patience())
                digest = attach.attach(opened, target, document, title="", created=created, deadline=patience())
                made.artifacts.append(digest)
                return digest

        def take(artifact, subject=""):
            with place.access().open(reference(name), write=True) as opened:
                attach.detach(opened, subject or made.digest, artifact, listed_by_api=False, deadline=patience())

        made.add, made.take = add, take
        for number, document in enumerate(specs):
            add(document, TIMES[number])
        return made

    return make


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


def test_an_image_that_is_gone_from_its_registry_withdraws_nothing(site, image, plain_registry, monkeypatch):
    """Some registries say "not found" to whoever may not look."""
    one = image(plain_registry, "sync/hidden", spec("kept"))
    site.sync(one.name)
    local_image = Image(name=f"{plain_registry.host}/sync/moved:1", names=(f"{plain_registry.host}/sync/moved:1",))
    local_image.digest = one.digest
    record = site.store.sources(one.digest)
    moved = {f"{plain_registry.host}/sync/moved": next(iter(record.values()))}
    site.store.record(one.digest, site.store.looked_up(one.digest).specs, time="", sources=moved)
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


SIGNED = """
[signer.key]
verify = ["{script}", "--signed", "{list}", "{{reference}}"]
timeout = 20

[[trust]]
repository = "localhost:*"
signers = ["key"]
"""


@pytest.fixture
def signer(site, tmp_path):
    """A program that says who signed: the artifacts in a list, each as it must be named."""
    script, signed = tmp_path / "verifier", tmp_path / "signed"
    script.write_text('#!/bin/sh\n[ "$1" = --signed ] && [ $# = 3 ] && exec grep -qxF -- "$3" "$2"\n')
    script.chmod(0o755)
    signed.write_text("")

    def sign(image, artifact):
        with signed.open("a") as file:
            file.write(f"{image.name.rpartition(':')[0]}@{artifact}\n")

    site.configure(SIGNED.format(script=script, list=signed))
    return SimpleNamespace(sign=sign, script=script, list=signed)


def test_newest_per_signer_counts_and_all_hold(site, image, plain_registry, signer):
    """SEC1, SEC4: what nobody signed adds to what is signed, and takes nothing away."""
    one = image(plain_registry, "sync/signed", spec("signed, old"), spec("signed, new"), spec("unsigned"))
    for artifact in one.artifacts[:2]:
        signer.sign(one, artifact)
    done = site.sync(one.name)

    assert (done.code, done.err) == (0, "")
    assert sorted(site.found(one.digest)) == [("signed, new", "key"), ("unsigned", "")]
    assert "(signed by key)" in done.out


def test_unsigned_specs_can_be_ignored(site, image, plain_registry, signer):
    site.configure((site.etc / "hostfit.toml").read_text() + 'unsigned = "ignore"\n')
    one = image(plain_registry, "sync/ignored", spec("signed"), spec("unsigned"))
    signer.sign(one, one.artifacts[0])
    done = site.sync(one.name)

    assert site.found(one.digest) == [("signed", "key")]
    assert done.out.splitlines()[-1] == "1 image: 1 new, 1 without, 1 unsigned spec ignored"


def test_inspect_tells_who_signed(site, image, plain_registry, signer, capsys):
    """RM1"""
    one = image(plain_registry, "sync/inspected", spec("signed"), spec("unsigned"))
    signer.sign(one, one.artifacts[0])
    assert main(["--prefix", str(site.prefix), "inspect", one.name, "--format", "json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    signers = {spec["artifact"]: spec["signers"] for subject in tree["subjects"] for spec in subject["specs"]}

    assert signers == {one.artifacts[0]: ["key"], one.artifacts[1]: []}
    signer.script.unlink()
    assert main(["--prefix", str(site.prefix), "inspect", one.name]) == 0
    captured = capsys.readouterr()
    assert "signatures not checked" in captured.out
    assert "warning: verifier" in captured.err


def test_a_crash_over_one_image_stops_no_other(site, image, plain_registry, monkeypatch):
    """R9: what a registry answers may be anything."""
    one, two = image(plain_registry, "sync/crash", spec("one")), image(plain_registry, "sync/after", spec("two"))
    found = artifacts.specs

    def crash(repository, digest, deadline):
        if repository.name.endswith("crash"):
            raise ZeroDivisionError("of the test")
        return found(repository, digest, deadline)

    monkeypatch.setattr(artifacts, "specs", crash)
    done = site.sync(one.name, two.name)

    assert done.code == 3
    assert "internal error: ZeroDivisionError: of the test" in done.err
    assert (site.found(one.digest), site.found(two.digest)) == (None, [("two", "")])


def test_a_signature_covers_the_artifact_itself(site, image, plain_registry, signer):
    """The signed document beside another image is another artifact, which nobody signed."""
    document = spec("signed")
    one = image(plain_registry, "sync/victim", document)
    signer.sign(one, one.artifacts[0])
    other = image(plain_registry, "sync/victim", document)
    assert other.artifacts != one.artifacts
    site.sync(one.name)
    site.sync(other.name)

    assert site.found(one.digest) == [("signed", "key")]
    assert site.found(other.digest) == [("signed", "")]


def test_who_signed_is_kept_with_the_digest(site, image, plain_registry, signer):
    """A verifier that has no network later takes back nothing that it said."""
    one = image(plain_registry, "sync/kept", spec("signed"))
    signer.sign(one, one.artifacts[0])
    site.sync(one.name)
    signer.script.write_text("#!/bin/sh\nexit 1\n")

    assert site.sync(one.name).code == 0
    assert site.found(one.digest) == [("signed", "key")]


def test_a_verifier_that_says_no_to_all_lifts_nothing(site, image, plain_registry, signer):
    """It may say so for reasons of its own, such as a log that is down."""
    text = (site.etc / "hostfit.toml").read_text().replace(str(signer.list), "list")
    site.configure(text + 'unsigned = "ignore"\n')
    program = signer.script.read_text().replace('"$2"', str(signer.list))
    signer.script.write_text(program)
    one = image(plain_registry, "sync/unlogged", spec("new"))
    signer.sign(one, one.artifacts[0])
    site.sync(one.name)
    one.take(one.artifacts[0])
    signer.sign(one, one.add(spec("newer"), TIMES[4]))
    signer.script.write_text("#!/bin/sh\nexit 1\n")
    done = site.sync(one.name)
    assert (done.code, site.found(one.digest)) == (3, [("new", "key")])
    assert "signer key: no spec that is listed has its signature; nothing changes" in done.err

    signer.script.write_text(program)
    assert site.sync(one.name).code == 0
    assert site.found(one.digest) == [("newer", "key")]


def test_a_list_of_a_mirror_lifts_nothing_that_is_signed(site, signer):
    """R20: it may lack the signed spec, and have another."""
    site.configure((site.etc / "hostfit.toml").read_text().replace(str(signer.list), "list"))
    signer.script.write_text(signer.script.read_text().replace('"$2"', str(signer.list)))
    own, mirror = Scripted(), Scripted()
    try:
        subject = own.image()
        mirror.image()
        name = f"{own.host}/upf:v1"
        signer.sign(SimpleNamespace(name=name), own.artifact(subject, spec("signed"))["digest"])
        site.reach(own)
        assert site.sync(name).code == 0
        mirror.artifact(subject, spec("of the mirror"), created=TIMES[5])
        conf = site.etc / "registries.conf"
        conf.write_text(f'{conf.read_text()}[[registry.mirror]]\nlocation = "{mirror.host}"\ninsecure = true\n')
        done = site.sync(name)
    finally:
        own.end()
        mirror.end()

    assert done.code == 3
    assert sorted(site.found(subject["digest"])) == [("of the mirror", ""), ("signed", "key")]


def test_a_signed_spec_is_withdrawn_once_nothing_is_attached(site, image, plain_registry, signer):
    one = image(plain_registry, "sync/unsigned", spec("signed"), spec("unsigned"))
    signer.sign(one, one.artifacts[0])
    site.sync(one.name)
    one.take(one.artifacts[0])
    assert site.sync(one.name).code == 3
    assert sorted(site.found(one.digest)) == [("signed", "key"), ("unsigned", "")]

    one.take(one.artifacts[1])
    assert site.sync(one.name).code == 0
    assert site.found(one.digest) == []


def test_a_signer_whose_key_was_replaced_is_asked_anew(site, image, plain_registry, signer):
    """It is the list that the verifier is given which stands for a key here."""
    one = image(plain_registry, "sync/new-key", spec("signed"))
    signer.sign(one, one.artifacts[0])
    site.sync(one.name)
    signer.list.write_text("")
    site.sync(one.name)

    assert site.found(one.digest) == [("signed", "")]


def test_a_signer_that_is_defined_anew_is_asked_anew(site, image, plain_registry, signer):
    """A key that was replaced must not speak through what it said."""
    one = image(plain_registry, "sync/rekeyed", spec("signed"))
    signer.sign(one, one.artifacts[0])
    site.sync(one.name)
    signer.list.write_text("")
    config = site.etc / "hostfit.toml"
    config.write_text(config.read_text().replace("timeout = 20", 'environment = ["KEY=2"]'))
    site.sync(one.name)

    assert site.found(one.digest) == [("signed", "")]


def test_an_older_signed_spec_cannot_come_back(site, image, plain_registry, signer):
    """R20: what nobody signed beside it does not hide that."""
    one = image(plain_registry, "sync/replay", spec("weak"), spec("strict"))
    for artifact in one.artifacts:
        signer.sign(one, artifact)
    site.sync(one.name)
    one.take(one.artifacts[1])
    one.add(spec("unsigned"), TIMES[7])
    done = site.sync(one.name)

    assert done.code == 3
    assert "signer key: artifact" in done.err
    assert sorted(site.found(one.digest)) == [("strict", "key"), ("unsigned", "")]


def test_a_flood_of_artifacts_hides_nothing_silently(site, image, plain_registry, signer):
    """R9, R20: only the newest are read, and whoever was counted before counts on."""
    site.configure((site.etc / "hostfit.toml").read_text() + 'unsigned = "ignore"\n')
    one = image(plain_registry, "sync/flood", spec("signed"))
    signer.sign(one, one.artifacts[0])
    site.sync(one.name)
    for number in range(limits.ARTIFACTS):
        one.add(spec(f"noise {number}"), f"2027-01-01T00:00:{number:02d}Z")
    done = site.sync(one.name)

    assert done.code == 3
    assert "signer key: may be among 1 older artifacts that are not read" in done.err
    assert site.found(one.digest) == [("signed", "key")]


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


def test_only_what_is_signed_prefers_a_runtime(site, image, plain_registry, signer, tmp_path):
    """SEC1: what is unsigned can stop a container and changes nothing else about it."""
    for name in ("one", "two"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    runtimes = "".join([f'[runtime.{name}]\nbinary = "{tmp_path}/{name}"\n' for name in ("one", "two")])
    site.configure(
        '[policy]\ndefault = "one"\npreference = true\n' + runtimes + (site.etc / "hostfit.toml").read_text()
    )
    document = json.loads(spec("prefers"))
    document["compatibilities"][0]["runtimes"] = ["two"]
    one = image(plain_registry, "sync/prefers", json.dumps(document).encode())
    site.sync(one.name)
    request = Request(entry="runtime", verb="create", id="c", bundle=Bundle("/nowhere"))
    paths = Paths(str(site.etc), str(site.prefix / "run"), str(site.prefix / "var/lib/hostfit"))
    resolution = Resolution("podman", Image(name=one.name, digest=one.digest, index_digest=one.index))

    assert gate.decide(request, paths, resolution=resolution).decision.runtime == "one"
    signer.sign(one, one.artifacts[0])
    site.sync(one.name)
    assert site.found(one.digest) == [("prefers", "key")]
    assert gate.decide(request, paths, resolution=resolution).decision.runtime == "two"


def _endless(signer):
    signer.script.write_text("#!/bin/sh\nexec sleep 1000\n")


def _gone(signer):
    signer.script.unlink()


def _foreign(signer):
    signer.script.chmod(0o777)


@pytest.mark.parametrize(
    ("change", "said"),
    [(_endless, "must end within 1 s"), (_gone, "cannot be executed: ENOENT"), (_foreign, "group or others")],
)
def test_a_verifier_that_cannot_be_asked_changes_nothing(site, image, plain_registry, signer, change, said):
    """R3"""
    one = image(plain_registry, "sync/unasked", spec("new"))
    config = site.etc / "hostfit.toml"
    config.write_text(config.read_text().replace("timeout = 20", "timeout = 1"))
    change(signer)
    done = site.sync(one.name)

    assert done.code == 3
    assert said in done.err
    assert site.found(one.digest) is None


@pytest.mark.parametrize(
    ("kind", "found"), [("signedBy", []), ("insecureAcceptAnything", [("unsigned", "")]), ("reject", None)]
)
def test_scopes_of_containers_policy_are_respected(site, image, plain_registry, kind, found):
    """SEC4: where images must be signed, what is said of them must be too."""
    folder = site.etc.parent / "containers"
    folder.mkdir()
    policy = {"default": [{"type": "insecureAcceptAnything"}], "transports": {"docker": {}}}
    policy["transports"]["docker"][f"{plain_registry.host}/sync"] = [{"type": kind}]
    (folder / "policy.json").write_text(json.dumps(policy))
    one = image(plain_registry, f"sync/policy-{kind.lower()}", spec("unsigned"))
    done = site.sync(one.name)

    assert site.found(one.digest) == found
    assert done.code == (3 if kind == "reject" else 0)
    assert ("rejects it; nothing is fetched" in done.err) == (kind == "reject")


def test_a_containers_policy_that_is_not_understood_fetches_nothing(site, plain_registry):
    folder = site.etc.parent / "containers"
    folder.mkdir()
    (folder / "policy.json").write_text('{"default": [{"type": "anything"}]}')
    done = site.sync(f"{plain_registry.host}/sync/any:1")

    assert (done.code, done.out) == (2, "")
    assert "policy.json: default: a type of" in done.err


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


def test_what_is_no_image_of_anybody_is_bad_usage(site):
    done = site.sync("no-such-image")

    assert (done.code, done.out) == (2, "")
    assert 'image "no-such-image" is in no local store' in done.err


def test_a_store_that_cannot_be_written_is_told(site, image, plain_registry):
    one = image(plain_registry, "sync/full", spec("only"))
    (site.prefix / "var").mkdir()
    (site.prefix / "var/lib").write_text("a file in the way")
    done = site.sync(one.name)

    assert done.code == 4
    assert "spec store" in done.err


@pytest.fixture
def notary(tmp_path):
    """The Notary Project's own code with a key of the test's; `sign` and `verify` take a reference by digest."""
    need("openssl")
    program = gotools.compiled(Path(__file__).parents[2] / "engines" / "notary")
    keys = tmp_path / "keys"
    keys.mkdir()
    uses = ["basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=codeSigning"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-keyout", keys / "key.pem", "-out",
         keys / "certificate.pem", "-subj", "/C=US/ST=WA/O=hostfit/CN=test",
         *[word for use in uses for word in ("-addext", use)]],
        check=True, capture_output=True,
    )  # fmt: skip

    def sign(image, artifact):
        reference = f"{image.name.rpartition(':')[0]}@{artifact}"
        subprocess.run([program, "sign", keys, reference], check=True, capture_output=True, timeout=60)

    return SimpleNamespace(program=program, keys=keys, sign=sign)


@pytest.mark.engines
def test_signatures_of_the_notary_project(site, image, plain_registry, notary):
    """SEC1, SEC4: what its key signed counts as signed; the same document that nobody signed does not."""
    site.configure(
        f'[signer.notary]\nverify = ["{notary.program}", "verify", "{notary.keys}", "{{reference}}"]\n'
        '[[trust]]\nrepository = "*"\nsigners = ["notary"]\nunsigned = "ignore"\n'
    )
    document = spec("signed")
    one = image(plain_registry, "notary/signed", document, spec("unsigned"))
    notary.sign(one, one.artifacts[0])
    other = image(plain_registry, "notary/signed", document)
    done = site.sync(one.name)

    assert (done.code, done.err) == (0, "")
    assert site.found(one.digest) == [("signed", "notary")]
    assert site.sync(other.name).code == 0
    assert site.found(other.digest) == []


DRIVER = """
import os, random, signal, sys, time
from hostfit.cli.main import main
from hostfit.core.image import Image
from hostfit.sources import inventory
from hostfit.sources.store import SpecStore
import hostfit.cli.sync, hostfit.gate.sync, hostfit.sources.registry.transport, shutil

prefix, name, digest, runs = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
words = ["--prefix", prefix, "sync"]
inventory.images = lambda problem: iter([Image(name=name, names=(name,), digest=digest)])
var = prefix + "/var/lib/hostfit"

def child():
    out = os.open(os.devnull, os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os._exit(main(words))

def good():
    store = SpecStore(var)
    record = store.looked_up(digest)
    for document, signer in record.specs if record is not None else ():
        assert store.spec(document) is not None
    return record

start = time.monotonic()
first = os.fork() or child()
assert os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) == 0
span = time.monotonic() - start
chance = random.Random(7)
died = 0
for number in range(runs):
    if chance.random() < 0.5:
        shutil.rmtree(var, ignore_errors=True)
    pid = os.fork() or child()
    time.sleep(chance.random() * span * 1.1)
    os.kill(pid, signal.SIGKILL)
    killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    died += killed
    span *= 1.1 if killed else 0.8  # however fast the machine is now, some die and some do not
    good()
last = os.fork() or child()
assert os.waitstatus_to_exitcode(os.waitpid(last, 0)[1]) == 0
assert len(good().specs) == 1
print(died)
"""


@pytest.mark.system
def test_killed_at_any_moment_the_store_is_good(site, image, plain_registry):
    """kill -9 at a hundred moments of chance; after each, what is recorded can be read."""
    one = image(plain_registry, "sync/killed", spec("only"))
    words = [sys.executable, "-c", DRIVER, site.prefix, one.name, one.digest, 100]
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


@pytest.mark.system
def test_runs_beside_each_other_leave_a_good_store(site, image, plain_registry):
    one = image(plain_registry, "sync/beside", spec("only"))
    driver = DRIVER.partition("start = ")[0] + "sys.exit(main(words))\n"
    words = [sys.executable, "-c", driver, site.prefix, one.name, one.digest, 0]
    running = [
        subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         env=os.environ | {"PYTHONPATH": str(SOURCE)})
        for _ in range(4)
    ]  # fmt: skip
    told = [(one.communicate(timeout=120)[1], one.returncode) for one in running]

    assert told == [(b"", 0)] * 4
    assert site.found(one.digest) == [("only", "")]


def test_what_a_dead_run_was_writing_is_removed(site, image, plain_registry):
    one = image(plain_registry, "sync/tidy", spec("only"))
    site.sync(one.name)
    folder = site.prefix / "var/lib/hostfit/specs/sha256"
    dead = (1 << 22) + 1  # above the highest number that the kernel gives a process
    old, fresh, living = [folder / f".x.{writer}.{number}" for number, writer in enumerate([dead, dead, os.getpid()])]
    for spare in (old, fresh, living):
        spare.write_text("half")
    for spare in (old, living):
        os.utime(spare, (0, 0))
    site.sync(one.name)

    assert [spare.exists() for spare in (old, fresh, living)] == [False, True, True]
