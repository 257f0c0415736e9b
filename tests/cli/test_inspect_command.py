"""`hostfit inspect`: every spec with where it is from and what it asks for, base images and SBOMs (RM1, IA6, SEC5)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import jsonschema
import pytest

BED = str(Path(__file__).resolve().parents[1] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed.scripted import INDEX, Scripted, digest_of  # noqa: E402 - the bed lies beside the tests

from hostfit.cli.schemas import schema_text  # noqa: E402 - see above

BASE_DIGEST, BASE_NAME = "org.opencontainers.image.base.digest", "org.opencontainers.image.base.name"
AMD64, ARM64 = {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"}


def spec(name, feature="kernel.loadedmodule", rest="", **fields):
    rule = f"- rules:\n  - name: {name}\n    matchFeatures:\n    - feature: {feature}\n      matchExpressions:\n"
    lines = "".join([f"        {element}: {expression}\n" for element, expression in fields.items()])
    return f"version: v1alpha1\ncompatibilities:\n{rule}{lines}{rest}".encode()


GTP5G = spec("tunnels", gtp5g="{op: Exists}")


@pytest.fixture
def registry():
    one = Scripted()
    yield one
    one.end()


@pytest.fixture
def inspect(hostfit, registry):
    """Inspect `upf:v1` there; gives the tree, which its published schema takes."""

    def inspect(*words, code=0, name="upf:v1"):
        done = hostfit("inspect", "--plain-http", "--format", "json", *words, f"{registry.host}/{name}")
        assert (done.code, done.err) == (code, "")
        tree = json.loads(done.out)
        jsonschema.Draft202012Validator(json.loads(schema_text("inspection-v1"))).validate(tree)
        assert registry.asked("GET .*" + digest_of(b"no")) == []  # the layer
        return tree

    return inspect


def index(registry, *members, tag="v1", **fields):
    entries = [descriptor | ({"platform": platform} if platform else {}) for descriptor, platform in members]
    return registry.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries} | fields, tag=tag)


def places(tree):
    return {one["digest"]: [spec["place"] for spec in one["specs"]] for one in tree["subjects"]}


def test_specs_of_index_and_manifest_are_shown_with_their_places(inspect, registry):
    one = registry.image("", annotations={"io.hostfit.require": "cpu.cpuid.AVX2 exists"})
    labels = {"io.hostfit.prefer": "cpu.cpuid.AVX512F exists"}
    other = registry.image("", config={"architecture": "arm64", "config": {"Labels": labels}})
    top = index(registry, (one, AMD64), (other, ARM64))
    attached = registry.artifact(top, GTP5G)

    tree = inspect()

    assert tree["digest"] == top["digest"]
    assert places(tree) == {
        top["digest"]: [f"artifact {attached['digest']} in referrers of registry {registry.host}"],
        one["digest"]: [f"annotation io.hostfit.require of manifest {one['digest']}"],
        other["digest"]: [f"label io.hostfit.prefer of manifest {other['digest']}"],
    }
    assert {(one["kind"], one["platform"]) for one in tree["subjects"]} == {
        ("index", ""), ("manifest", "linux/amd64"), ("manifest", "linux/arm64"),
    }  # fmt: skip


def test_needs_are_told_in_plain_words(inspect, hostfit, registry):
    registry.artifact(registry.image(), GTP5G)

    (rule,) = inspect()["subjects"][0]["specs"][0]["sets"][0]["rules"]
    text = hostfit("inspect", "--plain-http", f"{registry.host}/upf:v1").out

    assert (rule["name"], rule["level"]) == ("tunnels", "required")
    (need,) = rule["needs"][0]
    assert (need["feature"], need["element"], need["required"]) == ("kernel.loadedmodule", "gtp5g", "present")
    assert need["meaning"]
    assert "kernel.loadedmodule.gtp5g  present" in text
    assert "signatures not checked" in text


def test_newest_artifact_counts_and_older_ones_are_named(inspect, registry):
    image = registry.image()
    old = registry.artifact(image, GTP5G, created="2025-01-01T00:00:00Z")
    new = registry.artifact(image, GTP5G + b"#\n", created="2026-01-01T00:00:00+01:00")

    specs = inspect()["subjects"][0]["specs"]

    assert [(one["artifact"], one["older"]) for one in specs] == [(new["digest"], False), (old["digest"], True)]
    assert specs[0]["created"] == "2025-12-31T23:00:00.000000000Z"


@pytest.fixture
def verifier(prefix, tmp_path):
    """A signer `ours` for all repositories, whose program knows the artifacts that are written into a file."""
    if os.geteuid() != 0:
        pytest.skip("needs root: verifiers must belong to it")
    known = tmp_path / "known"
    known.write_text("")
    script = tmp_path / "verifier"
    script.write_text(f'#!/bin/sh\nexec grep -q "${{1##*@}}" {known}\n')
    script.chmod(0o755)
    (prefix / "etc" / "hostfit" / "hostfit.toml").write_text(
        f'[signer.ours]\nverify = ["{script}", "{{reference}}"]\n[[trust]]\nrepository = "*"\nsigners = ["ours"]\n'
    )
    return known


def test_signers_are_named_and_the_newest_of_each_counts(inspect, registry, verifier):
    image = registry.image()
    old, signed, new = (
        registry.artifact(image, GTP5G + mark, created=f"202{year}-01-01T00:00:00Z")["digest"]
        for year, mark in ((4, b"#1"), (5, b"#2"), (6, b"#3"))
    )
    verifier.write_text(signed)

    specs = inspect()["subjects"][0]["specs"]

    assert [(one["artifact"], one["signers"], one["older"]) for one in specs] == [
        (new, [], False), (signed, ["ours"], False), (old, [], True),
    ]  # fmt: skip


def test_artifact_counts_as_long_as_it_is_the_newest_of_one_of_its_signers(inspect, registry, verifier, prefix):
    conf = prefix / "etc" / "hostfit" / "hostfit.toml"
    script = verifier.parent / "other"
    script.write_text(f'#!/bin/sh\nexec grep -q "${{1##*@}} other" {verifier}\n')
    script.chmod(0o755)
    more = f'[signer.other]\nverify = ["{script}", "{{reference}}"]\n'
    conf.write_text(conf.read_text().replace('["ours"]', '["ours", "other"]') + more)
    image = registry.image()
    both = registry.artifact(image, GTP5G + b"#1", created="2025-01-01T00:00:00Z")["digest"]
    ours = registry.artifact(image, GTP5G + b"#2", created="2026-01-01T00:00:00Z")["digest"]
    verifier.write_text(f"{both} other\n{ours}\n")

    specs = inspect()["subjects"][0]["specs"]

    assert [(one["artifact"], one["signers"], one["older"]) for one in specs] == [
        (ours, ["ours"], False), (both, ["ours", "other"], False),
    ]  # fmt: skip


def test_invalid_spec_that_does_not_count_is_no_failure(inspect, registry):
    image = registry.image()
    registry.artifact(image, b"version: v1alpha1\n", created="2025-01-01T00:00:00Z")
    registry.artifact(image, GTP5G, created="2026-01-01T00:00:00Z")

    assert [one["state"] for one in inspect()["subjects"][0]["specs"]] == ["present", "invalid"]


def test_verifier_that_cannot_be_asked_is_told(hostfit, registry, verifier, tmp_path):
    registry.artifact(registry.image(), GTP5G)
    (tmp_path / "verifier").unlink()

    done = hostfit("inspect", "--plain-http", f"{registry.host}/upf:v1")

    assert "cannot be executed: ENOENT" in done.err
    assert "signatures not checked" in done.out


def test_platform_limits_what_is_looked_at(inspect, registry):
    one, other = registry.image(""), registry.image("", config={"architecture": "arm64"})
    top = index(registry, (one, AMD64), (other, ARM64))

    tree = inspect("--platform", "linux/arm64")

    assert list(places(tree)) == [top["digest"], other["digest"]]


@pytest.mark.parametrize("several", [True, False])
def test_platform_that_is_not_there_is_told(hostfit, registry, several):
    image = registry.image("" if several else "v1")
    if several:
        index(registry, (image, AMD64))

    done = hostfit("inspect", "--plain-http", "--platform", "linux/riscv64", f"{registry.host}/upf:v1")

    assert (done.code, done.out) == (2, "")
    assert 'no platform "linux/riscv64"' in done.err


class TestBaseImages:
    def test_base_image_is_shown_at_both_levels_however_its_digest_names_it(self, inspect, registry):
        """By its manifest, where the index is found by the base's tag, or by its index."""
        below = registry.image("", config={"config": {"Env": ["BASE=1"]}})
        base = index(registry, (below, AMD64), tag="base")
        on_index, on_manifest = registry.artifact(base, GTP5G), registry.artifact(below, GTP5G + b"#\n")
        for number, named in enumerate((base, below)):
            notes = {BASE_DIGEST: named["digest"], BASE_NAME: f"{registry.host}/library/base:base"}
            registry.image(f"on{number}", annotations=notes)

            tree = inspect(name=f"upf:on{number}")

            roles = {one["digest"]: one["role"] for one in tree["subjects"]}
            assert roles[base["digest"]] == roles[below["digest"]] == "base"
            found = [spec["artifact"] for one in tree["subjects"] for spec in one["specs"]]
            assert found == [on_index["digest"], on_manifest["digest"]]

    def test_base_image_of_another_registry_is_not_asked_for(self, inspect, registry):
        registry.image(annotations={BASE_DIGEST: digest_of(b"base"), BASE_NAME: "registry.invalid/base:1"})

        assert inspect()["notes"] == [f"base image {digest_of(b'base')} is on registry.invalid, which is not asked"]

    def test_base_image_that_is_not_there_is_noted(self, inspect, registry):
        registry.image(annotations={BASE_DIGEST: digest_of(b"base")})

        (note,) = inspect()["notes"]

        assert note.startswith(f"base image {digest_of(b'base')} of {registry.host}/upf: ")

    def test_circle_of_base_images_ends(self, inspect, registry):
        """No digest can name itself, so the tag's manifest lies about a base that the registry gives in its place."""
        config = {"architecture": "amd64", "os": "linux", "config": {"Labels": {}}, "rootfs": {}}
        lower = registry.image("", config=config)
        upper = registry.image("v1", annotations={BASE_DIGEST: lower["digest"]})

        assert [one["digest"] for one in inspect()["subjects"]] == [upper["digest"], lower["digest"]]


class TestNamedDocuments:
    def test_include_is_fetched_and_its_needs_are_shown(self, inspect, registry):
        inner = registry.blob(spec("inner", feature="cpu.cpuid", AVX2="{op: Exists}"))
        image = registry.image()
        registry.artifact(image, GTP5G + f"include:\n- digest: {inner['digest']}\n".encode())

        outer, included = inspect()["subjects"][0]["specs"]

        assert outer["includes"] == [included["digest"]] == [inner["digest"]]
        assert included["sets"][0]["rules"][0]["name"] == "inner"

    def test_document_that_an_annotation_names_and_nobody_has_is_missing(self, inspect, registry):
        registry.image(annotations={"io.hostfit.spec.digest": digest_of(b"gone")})

        (found,) = inspect(code=3)["subjects"][0]["specs"]

        assert (found["state"], found["digest"]) == ("missing", digest_of(b"gone"))

    def test_what_is_named_as_a_document_and_is_a_layer_is_not_fetched(self, inspect, registry):
        layer = registry.blob(b" " * (2 << 20))
        registry.image(annotations={"io.hostfit.spec.digest": layer["digest"]})

        (found,) = inspect(code=5)["subjects"][0]["specs"]

        assert found["problems"][0].endswith("answer must be at most 1048576 bytes, found 2097152")

    def test_include_on_another_registry_is_not_asked_for(self, inspect, registry):
        named = f"include:\n- digest: {digest_of(b'x')}\n  reference: registry.invalid/specs\n".encode()
        registry.artifact(registry.image(), GTP5G + named)

        included = inspect(code=5)["subjects"][0]["specs"][1]

        assert included["problems"] == [f'include {digest_of(b"x")}: registry "registry.invalid" is not asked']


def test_invalid_spec_is_shown_with_its_problems(inspect, hostfit, registry):
    registry.artifact(registry.image(), b"version: v1alpha1\ncompatibilities: \x1b[31mred\n")

    (found,) = inspect(code=5)["subjects"][0]["specs"]
    text = hostfit("inspect", "--plain-http", f"{registry.host}/upf:v1").out

    assert found["state"] == "invalid"
    assert found["problems"]
    assert "\x1b" not in text
    assert "invalid: " in text


class TestSboms:
    def test_sboms_are_listed_by_image_and_format(self, inspect, registry):
        one, other = registry.image(""), registry.image("", config={"architecture": "arm64"})
        index(registry, (one, AMD64), (other, ARM64))
        spdx = registry.artifact(one, b"{}", kind="application/spdx+json")
        cyclonedx = registry.artifact(other, b"{}", kind="application/vnd.cyclonedx+json")
        by_layer = registry.artifact(other, b"", kind="sbom/example", layers=[registry.blob(b"{}", "text/spdx")])
        signature = registry.artifact(one, b"", kind="application/vnd.cncf.notary.signature")

        subjects = {one["digest"]: one for one in inspect()["subjects"]}

        assert [(sbom["format"], sbom["digest"]) for sbom in subjects[one["digest"]]["sboms"]] == [
            ("SPDX", spdx["digest"])
        ]
        assert {(sbom["format"], sbom["digest"]) for sbom in subjects[other["digest"]]["sboms"]} == {
            ("CycloneDX", cyclonedx["digest"]), ("SPDX", by_layer["digest"]),
        }  # fmt: skip
        assert [kind["digest"] for kind in subjects[one["digest"]]["artifacts"]] == [signature["digest"]]

    def test_sbom_that_buildkit_lists_in_the_index_is_found(self, inspect, registry):
        one = registry.image("")
        layer = registry.blob(b"{}", "application/vnd.in-toto+json")
        noted = layer | {"annotations": {"in-toto.io/predicate-type": "https://spdx.dev/Document"}}
        attestation = registry.image("", layers=[noted], config={"architecture": "unknown", "os": "unknown"})
        about = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": one["digest"]}
        nowhere = {"os": "unknown", "architecture": "unknown"}
        index(registry, (one, AMD64), (attestation | {"annotations": about}, nowhere))

        top, image = inspect()["subjects"]

        assert [(sbom["format"], sbom["digest"]) for sbom in image["sboms"]] == [("SPDX", attestation["digest"])]
        assert top["sboms"] == []

    def test_sbom_of_another_image_is_none_of_this_one(self, inspect, registry):
        image = registry.image()
        other = registry.artifact(image | {"digest": digest_of(b"other")}, b"{}", kind="application/spdx+json")
        registry.listed[image["digest"]] = [other | {"artifactType": "application/spdx+json"}]

        (subject,) = inspect()["subjects"]

        assert subject["sboms"] == []
        assert "subject must be" in subject["artifacts"][0]["problem"]


def test_registry_that_cannot_say_who_refers_is_an_error_not_an_empty_report(hostfit, registry):
    registry.image()
    registry.lie("/referrers/", lambda handler, _: handler.reply(503))

    done = hostfit("inspect", "--plain-http", f"{registry.host}/upf:v1")

    assert (done.code, done.out) == (4, "")
    assert "found status 503" in done.err
