"""`hostfit select`: the best image of an index for a host, the best pair, or that none fits (DE1, DE6, SA3)."""

from __future__ import annotations

import hashlib
import io
import json
import sys

import jsonschema
import pytest

from hostfit.cli.schemas import report_schema_text, schema_text
from hostfit.sources import local

from .conftest import AMD64, ARM64, INDEX, MANIFEST, chosen, digest, member, short

LEVELS = [
    member("arm", ARM64),
    member("plain", AMD64),
    member("v2", AMD64 | {"variant": "v2"}),
    member("v4", AMD64 | {"variant": "v4"}),
    member("v3", AMD64 | {"variant": "v3"}),
    member("windows", {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"}),
]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"level": 1}, "plain"),
        ({"level": 2}, "v2"),
        ({"level": 3}, "v3"),
        ({"level": 4}, "v4"),
        ({"architecture": "arm64"}, "arm"),
        ({"system": "windows", "os_version": "10.0.22621"}, "windows"),
    ],
)
def test_the_closest_platform_that_fits_is_taken(hostfit, index, host, facts, expected):
    """DE1a, IA2c: from the descriptors alone."""
    assert chosen(hostfit("select", index(*LEVELS), "--facts", host(**facts))) == digest(expected)


def test_none_fits(hostfit, index, host):
    """DE1c: exit 1, nothing on standard output, and a reason for each image."""
    done = hostfit("select", index(*LEVELS), "--facts", host(architecture="s390x"))

    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[0] == "hostfit: index.json: no image fits this host"
    assert f"{digest('arm')} linux/arm64: system.platform architecture: required arm64, found s390x" in done.err


def test_an_index_without_images_fits_nobody(hostfit, index, host):
    noise = member("attestation", {"os": "unknown", "architecture": "unknown"})
    nested = member("nested", AMD64) | {"mediaType": INDEX}
    artifact = member("artifact", AMD64, artifactType="application/vnd.example")
    done = hostfit("select", index(noise, nested, artifact), "--facts", host())

    assert (done.code, done.out, done.err) == (1, "", "hostfit: index.json: no image in this index\n")


def test_what_cannot_be_told_is_no_fit_but_printed(hostfit, index, host):
    """A script that takes an image which may fit accepts 3 too."""
    listed = index(member("maybe", AMD64, annotations={"io.hostfit.require": "kernel.cmdline.quiet exists"}))
    done = hostfit("select", listed, "--facts", host())

    assert (done.code, done.out) == (3, digest("maybe") + "\n")
    assert "no image is known to fit; the best may: kernel.cmdline quiet" in done.err


def test_a_fit_comes_before_what_may_fit(hostfit, index, host):
    maybe = {"io.hostfit.require": "kernel.cmdline.quiet exists"}
    listed = index(member("maybe", AMD64, annotations=maybe), member("sure", AMD64))

    assert chosen(hostfit("select", listed, "--facts", host())) == digest("sure")


def weighed(weight, module="", *, level="required"):
    rule = {"name": "module", "level": level, "matchFeatures": [{"feature": "kernel.loadedmodule"}]}
    rule["matchFeatures"][0]["matchExpressions"] = {module or "x": {"op": "Exists" if module else "DoesNotExist"}}
    tree = {"version": "v1alpha1", "compatibilities": [{"weight": weight, "rules": [rule]}]}
    return {"io.hostfit.spec": json.dumps(tree)}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("a", AMD64, weighed(10)), ("b", AMD64, weighed(20))], "b"),
        ([("a", AMD64, weighed(20)), ("b", AMD64, weighed(20))], "a"),
        ([("a", AMD64, weighed(1)), ("b", AMD64 | {"variant": "v3"}, None)], "a"),
        ([("a", AMD64, None), ("b", AMD64, {"io.hostfit.prefer": "kernel.loadedmodule.gtp5g exists"})], "b"),
        ([("a", AMD64, None), ("b", AMD64, {"io.hostfit.prefer": "kernel.loadedmodule.other exists"})], "a"),
        (
            [
                ("a", AMD64 | {"variant": "v3"}, None),
                ("b", AMD64, {"io.hostfit.prefer": "kernel.loadedmodule.gtp5g exists"}),
            ],
            "b",
        ),
        ([("a", AMD64, weighed(10)), ("b", AMD64, weighed(20, "other"))], "a"),
        ([("a", AMD64, weighed(10)), ("b", AMD64, weighed(20, "other", level="preferred"))], "b"),
        ([("a", {"os": "linux", "architecture": "386"}, None), ("b", AMD64, None)], "b"),
        ([("a", ARM64, None), ("b", {"os": "linux", "architecture": "386"}, None)], "b"),
        ([("a", AMD64, None), ("b", AMD64, None)], "a"),
    ],
)
def test_weight_then_preferred_rules_then_platform_then_order(hostfit, index, host, members, expected):
    """DE6"""
    listed = index(*[member(name, platform, annotations=notes or {}) for name, platform, notes in members])

    assert chosen(hostfit("select", listed, "--facts", host(modules=["gtp5g"]))) == digest(expected)


def test_the_deployer_prefers_descriptors_by_annotation(hostfit, index, host):
    """DE6: the working group's proposal A."""
    gpu = {"com.example.gpu": "model-1"}
    listed = index(member("plain", AMD64), member("gpu", AMD64, annotations=gpu))
    facts = ("--facts", host())

    assert chosen(hostfit("select", listed, *facts)) == digest("plain")
    assert chosen(hostfit("select", listed, *facts, "--prefer", "com.example.gpu")) == digest("gpu")
    assert chosen(hostfit("select", listed, *facts, "--prefer", "com.example.gpu=model-1")) == digest("gpu")
    assert chosen(hostfit("select", listed, *facts, "--prefer", "com.example.gpu=model-2")) == digest("plain")


WINDOWS = [
    member(version, {"os": "windows", "architecture": "amd64", "os.version": f"10.0.{version}"})
    for version in ("17763.1", "20348.1", "26100.1", "25398.7")
]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("17763", "17763.1"),
        ("20348", "20348.1"),
        ("22621", "20348.1"),
        ("25398", "25398.7"),
        ("26100", "26100.1"),
        ("26200", "26100.1"),
        ("19041", None),
    ],
)
def test_windows_hosts_get_the_newest_version_that_they_run(hostfit, index, host, build, expected):
    """CH3"""
    done = hostfit("select", index(*WINDOWS), "--facts", host(system="windows", os_version=f"10.0.{build}"))

    assert (done.code, done.out.strip()) == ((1, "") if expected is None else (0, digest(expected)))


@pytest.mark.parametrize(("build", "code"), [("26100", 0), ("26200", 1)])
def test_check_asks_the_same_of_one_image(hostfit, host, tmp_path, build, code):
    """CH3: the version of the operating system that the image's config names counts wherever a platform does."""
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(tree, media_type):
        data = json.dumps(tree).encode()
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}

    config = {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"}
    config |= {"rootfs": {"type": "layers", "diff_ids": []}}
    described = blob(config, "application/vnd.oci.image.config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": []}
    listed = {"schemaVersion": 2, "manifests": [blob(manifest, MANIFEST)]}
    (tmp_path / "layout" / "index.json").write_text(json.dumps(listed))
    done = hostfit("check", f"oci:{tmp_path / 'layout'}", "--facts", host(system="windows", os_version=f"10.0.{build}"))

    assert done.code == code, done.out


def test_illumos_hosts_get_the_userland_of_their_kernel(hostfit, index, host):
    """CH2: another userland of illumos, and an image of Linux, which needs an lx zone, do not fit."""
    listed = index(
        member("linux", AMD64),
        member("old", {"os": "illumos", "architecture": "amd64", "os.version": "omnios-r151052-1"}),
        member("here", {"os": "illumos", "architecture": "amd64", "os.version": "omnios-r151054-2"}),
    )
    facts = host(system="illumos", os_version="omnios-r151054-2")

    assert chosen(hostfit("select", listed, "--facts", facts)) == digest("here")
    unsaid = hostfit("select", listed, "--facts", host(system="illumos"))
    assert (unsaid.code, unsaid.out.strip()) == (3, digest("old"))


def test_the_best_pair_of_host_and_image(hostfit, index, host):
    """DE1b: digest and host, in two columns."""
    small, large, arm = host("small", level=1), host("large", level=3), host("arm", architecture="arm64")
    listed = index(member("plain", AMD64), member("v3", AMD64 | {"variant": "v3"}))

    done = hostfit("select", listed, "--against", arm, small, large)
    assert chosen(done).split() == [digest("v3"), str(large)]
    assert hostfit("select", listed, "--against", arm, arm).code == 1
    table = hostfit("select", listed, "--rank", "--against", arm, small, large).out
    assert table.count(short("v3")) == 3
    mixed = hostfit("select", listed, "--against", arm, "--facts", arm)
    assert (mixed.code, mixed.err) == (
        2,
        "hostfit: options --against, --facts and --root: at most one expected, found more\n",
    )


def test_of_equal_hosts_the_first_is_taken(hostfit, index, host):
    """DE1b"""
    first, second = host("first"), host("second")

    for hosts in ((first, second), (second, first)):
        done = hostfit("select", index(member("plain", AMD64)), "--against", *hosts)
        assert chosen(done).split() == [digest("plain"), str(hosts[0])]


def test_rank_lists_every_image_and_why(hostfit, index, host):
    """DE6"""
    lines = hostfit("select", index(*LEVELS), "--facts", host(), "--rank").out.splitlines()
    ranked = [line.split()[1] for line in lines if line[:1].isdigit()]

    assert lines[0].split() == ["RANK", "DIGEST", "PLATFORM", "VERDICT", "WEIGHT", "PREFERRED", "WHY"]
    assert ranked == [short(name) for name in ("v3", "v2", "plain", "v4", "windows", "arm")]
    assert "required x86-64-v4" not in lines[1]


@pytest.mark.parametrize("options", [(), ("--against",)])
def test_json_keeps_to_its_schema(hostfit, index, host, options):
    facts = [*options, host()] if options else ["--facts", host()]
    listed = index(*LEVELS, member("odd", AMD64, annotations={"io.hostfit.require": "no.such exists \x1b[31m"}))
    done = hostfit("select", listed, *facts, "--format", "json")
    tree = json.loads(done.out)

    jsonschema.Draft202012Validator(json.loads(schema_text("select-v1"))).validate(tree)
    assert done.code == 0
    assert tree["chosen"]["digest"] == digest("v3")
    assert "\x1b" not in done.out.encode().decode("unicode_escape")
    first = tree["hosts"][0]["images"][0]
    assert first["digest"] == digest("v3")
    assert tree["hosts"][0]["documents"][first["documents"][0]]["verdict"] == "fit"


def test_the_schema_is_printed_and_shares_its_documents_with_reports(hostfit):
    schema = json.loads(hostfit("select", "--schema").out)
    report = json.loads(report_schema_text())

    jsonschema.Draft202012Validator.check_schema(schema)
    assert {name: schema["$defs"][name] for name in report["$defs"]} == report["$defs"]


def test_an_index_from_standard_input_and_from_a_layout_with_platforms(hostfit, index, host, monkeypatch, tmp_path):
    data = index(*LEVELS).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert chosen(hostfit("select", "-", "--facts", host())) == digest("v3")

    layout = tmp_path / "layout"
    layout.mkdir()
    (layout / "index.json").write_bytes(data)
    assert chosen(hostfit("select", layout, "--facts", host())) == digest("v3")
    assert chosen(hostfit("select", f"oci:{layout}", "--facts", host())) == digest("v3")


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        ((), 2, "nothing to choose from: INDEX expected, found none"),
        (("no/such:index",), 2, 'index "no/such:index" is in no layout, file or local store'),
        (("oci:/no/such:tag",), 2, "a directory with an OCI layout is required, found none"),
    ],
)
def test_bad_usage(hostfit, monkeypatch, arguments, code, complaint):
    monkeypatch.setattr(local, "SOCKETS", ())  # an engine of this machine that does not answer is another complaint
    done = hostfit("select", *arguments)

    assert (done.code, done.out) == (code, "")
    assert complaint in done.err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"manifests": [{}]}', '{"manifests": [], "layers": []}'])
def test_what_is_no_index_is_said(hostfit, tmp_path, text):
    path = tmp_path / "broken"
    path.write_text(text)
    done = hostfit("select", path)

    assert (done.code, done.out) == (4, "")
    assert f"file {path}: " in done.err


def test_the_manifest_of_one_image_is_no_index(hostfit, tmp_path):
    path = tmp_path / "manifest"
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest("c"), "size": 2}
    path.write_text(json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}))

    assert "an index is required, found the manifest of one image" in hostfit("select", path).err
