"""Whose signatures count: each is checked when it is fetched, and what is unsigned can only stop (SEC1, SEC4)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from hostfit_bed import gotools
from hostfit_bed.command import need
from hostfit_bed.scripted import Scripted

from hostfit.cli.main import main
from hostfit.core import limits
from hostfit.core.image import Image, Resolution
from hostfit.core.paths import Paths
from hostfit.gate import gate
from hostfit.oci.request import Bundle, Request
from hostfit.sources.registry import referrers

from .conftest import TIMES, spec


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


@pytest.fixture
def mirrored(site, signer):
    """A registry and a mirror of it, both with the image; `sign` signs an artifact, `reach` configures mirrors."""
    site.configure((site.etc / "hostfit.toml").read_text().replace(str(signer.list), "list"))
    signer.script.write_text(signer.script.read_text().replace('"$2"', str(signer.list)))
    own, mirror = Scripted(), Scripted()
    subject = own.image()
    mirror.image()
    name = f"{own.host}/upf:v1"

    def reach(*mirrors):
        text = [f'[[registry.mirror]]\nlocation = "{one.host}"\ninsecure = true\n' for one in mirrors]
        site.reach(own)
        conf = site.etc / "registries.conf"
        conf.write_text(conf.read_text() + "".join(text))

    def sign(artifact):
        signer.sign(SimpleNamespace(name=name), artifact["digest"])

    reach(mirror)
    yield SimpleNamespace(own=own, mirror=mirror, subject=subject, name=name, sign=sign, reach=reach)
    own.end()
    mirror.end()


def test_a_mirror_hides_nothing_that_is_signed(site, mirrored):
    """R20: what is listed is the registry's own word, at the very first look-up too."""
    mirrored.sign(mirrored.own.artifact(mirrored.subject, spec("signed")))
    mirrored.mirror.artifact(mirrored.subject, spec("of the mirror"), created=TIMES[5])
    done = site.sync(mirrored.name)

    assert (done.code, done.err) == (0, "")
    assert site.found(mirrored.subject["digest"]) == [("signed", "key")]


def test_a_mirror_brings_back_no_older_spec_that_was_signed(site, mirrored):
    """R20: nothing was seen before, so the time alone tells nothing."""
    old = spec("weak"), TIMES[1]
    for place in (mirrored.own, mirrored.mirror):
        mirrored.sign(place.artifact(mirrored.subject, old[0], created=old[1]))
    mirrored.sign(mirrored.own.artifact(mirrored.subject, spec("strict"), created=TIMES[2]))
    site.sync(mirrored.name)

    assert site.found(mirrored.subject["digest"]) == [("strict", "key")]


def test_a_mirror_alone_says_nothing_where_signers_count(site, mirrored):
    """R20: while the registry is down nothing is recorded, not even that there is nothing."""
    mirrored.mirror.artifact(mirrored.subject, spec("of the mirror"))
    mirrored.own.end()
    done = site.sync(mirrored.name)

    assert done.code == 3
    assert "cannot be reached" in done.err
    assert "a mirror's list does not count where signers do" in done.err
    assert site.found(mirrored.subject["digest"]) is None


def test_content_may_come_from_a_mirror_whoever_signed_it(site, mirrored):
    """By its digest it is what the registry lists, and the registry is spared the rest."""
    for place in (mirrored.own, mirrored.mirror):
        artifact = place.artifact(mirrored.subject, spec("signed"))
    mirrored.sign(artifact)
    site.sync(mirrored.name)

    assert site.found(mirrored.subject["digest"]) == [("signed", "key")]
    assert {one.path.split("/")[3] for one in mirrored.own.asked("GET /v2/upf/")} == {"referrers"}
    assert len(mirrored.own.asked("/referrers/")) == 1
    assert mirrored.mirror.asked("/referrers/") == []


def test_what_was_signed_before_counts_on_while_the_registry_is_down(site, mirrored):
    """R20: a mirror may lack the signed spec, and have another."""
    mirrored.reach()
    mirrored.sign(mirrored.own.artifact(mirrored.subject, spec("signed")))
    assert site.sync(mirrored.name).code == 0
    mirrored.reach(mirrored.mirror)
    mirrored.mirror.artifact(mirrored.subject, spec("of the mirror"), created=TIMES[5])
    mirrored.own.end()

    assert site.sync(mirrored.name).code == 3
    assert site.found(mirrored.subject["digest"]) == [("signed", "key")]


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


def test_a_list_makes_no_signed_spec_newer(site, mirrored):
    """R20: the list is not signed, so the time of a signed artifact is the one that is signed with it."""
    mirrored.reach()
    mirrored.sign(mirrored.own.artifact(mirrored.subject, spec("strict"), created=TIMES[2]))
    site.sync(mirrored.name)
    mirrored.sign(mirrored.own.artifact(mirrored.subject, spec("weak"), annotations={}))
    mirrored.own.listed[mirrored.subject["digest"]][1]["annotations"] = {referrers.CREATED: TIMES[8]}
    done = site.sync(mirrored.name)

    assert done.code == 3
    assert "is older than one that was seen (no time, " in done.err
    assert site.found(mirrored.subject["digest"]) == [("strict", "key")]


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


def test_a_flood_before_the_first_look_is_not_taken_for_nothing(site, image, plain_registry, signer):
    """R9, R20: what is signed may be among those that are not read."""
    site.configure((site.etc / "hostfit.toml").read_text() + 'unsigned = "ignore"\n')
    one = image(plain_registry, "sync/flooded", spec("signed"))
    signer.sign(one, one.artifacts[0])
    for number in range(limits.ARTIFACTS):
        one.add(spec(f"noise {number}"), f"2027-01-01T00:00:{number:02d}Z")
    done = site.sync(one.name)

    assert done.code == 3
    assert "signer key: may be among 1 older artifacts that are not read" in done.err
    assert site.found(one.digest) is None


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


@pytest.fixture
def notary(tmp_path):
    """The Notary Project's own code with a key of the test's; `sign` and `verify` take a reference by digest."""
    need("openssl")
    program = gotools.compiled(Path(__file__).parents[3] / "engines" / "notary")
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
