"""Manifests, indexes and configs: read strictly, held to size and digest, never two things at once."""

from __future__ import annotations

import json

import pytest

from hostfit.core.image import Platform
from hostfit.oci import descriptor as oci
from hostfit.oci import digest

D = "sha256:" + "a" * 64


def described(media_type="application/vnd.oci.image.config.v1+json", **more):
    return {"mediaType": media_type, "digest": D, "size": 7} | more


def manifest(**more):
    return json.dumps({"schemaVersion": 2, "config": described(), "layers": [described()]} | more).encode()


def index(*members, **more):
    return json.dumps({"schemaVersion": 2, "manifests": list(members)} | more).encode()


def test_a_manifest_gives_annotations_config_and_subject():
    read = oci.parse(manifest(annotations={"a": "b"}, subject=described(oci.OCI_MANIFEST)), what="m")

    assert isinstance(read, oci.Manifest)
    assert (read.annotations, read.config.digest, len(read.layers)) == ({"a": "b"}, D, 1)
    assert read.subject is not None
    assert read.subject.digest == D


def test_an_index_gives_platforms_with_variant():
    """IA2c"""
    platform = {"os": "linux", "architecture": "amd64", "variant": "v3", "os.features": ["x"], "os.version": "1"}
    read = oci.parse(index(described(oci.OCI_MANIFEST, platform=platform), annotations={"k": "v"}), what="i")

    assert isinstance(read, oci.Index)
    assert read.manifests[0].platform == Platform("linux", "amd64", "v3", "1", ("x",))
    assert read.annotations == {"k": "v"}


@pytest.mark.parametrize(
    ("data", "media_type", "message"),
    [
        (b"[]", "", "m: a mapping is required, found a list"),
        (b"{}", "", "m: either manifests or config and layers is required, found neither"),
        (manifest(manifests=[]), "", "m: either manifests or config and layers is required, found both"),
        (json.dumps({"manifests": [], "layers": []}).encode(), "", "found both"),
        (manifest(mediaType=oci.OCI_INDEX), "", "content and media type .* disagree"),
        (manifest(), oci.OCI_INDEX, "content and media type .* disagree"),
        (index(), oci.OCI_MANIFEST, "content and media type .* disagree"),
        (manifest(mediaType=oci.OCI_MANIFEST), oci.MANIFESTS[1], "mediaType must be .*docker.*, found"),
        (manifest(annotations={"a": 1}), "", 'm: annotations: "a": text is required, found a number'),
        (manifest(annotations=["a"]), "", "m: annotations: a mapping is required, found a list"),
        (manifest(annotations={"a": None}), "", "text is required, found null"),
        (manifest(Annotations={"a": "b"}), "", 'm: "Annotations": must be written annotations'),
        (manifest(config=None), "", "m: config: a mapping is required, found null"),
        (manifest(config=described(digest="sha256:../../../x")), "", "m: config: digest must be sha256 or sha512"),
        (manifest(config=described(Digest=D)), "", "must be written digest"),
        (manifest(config=described(size=-1)), "", "size must be a number of bytes"),
        (manifest(config=described(size=True)), "", "size must be a number of bytes"),
        (manifest(config=described(size="7")), "", "size must be a number of bytes"),
        (manifest(layers={}), "", "m: layers: a list is required, found a mapping"),
        (manifest(layers=[described()] * 513), "", "m: layers: at most 512 are allowed, found 513"),
        (index(described(platform={"os": 5})), "", "os: text is required, found a number"),
        (index(described(platform={"os": "linux", "os.features": [1]})), "", "os.features: text is required"),
        (manifest(subject=described(digest="x\n\x1b[31m")), "", r'found "x\\x0a\\x1b\[31m"'),
        (b"[" * 50_000, "", "m: "),
        (b'{"config": {}, "config": {}}', "", "is there twice"),
        (b"\xff{}", "", "not valid UTF-8"),
        (b'{"annotations": {"a": "\\ud800"}}', "", "lone surrogate"),
        (b" " * (5 << 20), "", "must be at most 4194304 bytes"),
    ],
)  # fmt: skip
def test_what_is_not_plainly_one_thing_is_refused(data, media_type, message):
    """Security rules R9, R14, R18; CVE-2021-41190 and CVE-2026-95839 are the lessons."""
    with pytest.raises(ValueError, match=message):
        oci.parse(data, what="m", media_type=media_type)


def test_an_index_is_no_manifest_where_one_is_required():
    with pytest.raises(ValueError, match="m: a manifest is required, found an index"):
        oci.parse_manifest(index(), what="m")


def test_a_config_gives_platform_labels_environment_and_layers():
    data = json.dumps(
        {"os": "linux", "architecture": "arm64", "variant": "v8", "config": {"Labels": {"a": "b"}, "Env": ["X=1"]},
         "rootfs": {"type": "layers", "diff_ids": [D]}, "history": []}
    ).encode()  # fmt: skip
    read = oci.parse_config(data, what="c")

    assert read.platform == Platform("linux", "arm64", "v8")
    assert (read.labels, read.env, read.diff_ids) == ({"a": "b"}, ("X=1",), (D,))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"config": {"Labels": {"a": ["b"]}}}, 'c: labels: "a": text is required, found a list'),
        ({"config": {"labels": {}}}, 'c: config: "labels": must be written Labels'),
        ({"config": {"Env": "X=1"}}, "c: environment: a list is required, found text"),
        ({"config": []}, None),
        ({"config": [1]}, "c: config: a mapping is required"),
        ({"rootfs": {"diff_ids": ["sha256:x"]}}, "c: rootfs.diff_ids: a digest is required"),
        ({"architecture": ["amd64"]}, "c: architecture: text is required, found a list"),
        ({"Architecture": "amd64"}, "must be written architecture"),
    ],
)  # fmt: skip
def test_configs_are_read_as_strictly(tree, message):
    data = json.dumps(tree).encode()
    if message is None:
        assert oci.parse_config(data, what="c").labels == {}
        return
    with pytest.raises(ValueError, match=message):
        oci.parse_config(data, what="c")


def test_content_is_held_to_size_and_digest():
    one = oci.Descriptor("", digest.of(b"content"), 7)

    one.verify(b"content")
    with pytest.raises(ValueError, match="size must be 7, found 8"):
        one.verify(b"content ")
    with pytest.raises(ValueError, match="content has another digest"):
        one.verify(b"CONTENT")
