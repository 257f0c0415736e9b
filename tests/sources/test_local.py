"""OCI layouts, which can be anybody's directory, and what a search that finds nothing says."""

from __future__ import annotations

import json
import os

import pytest

from hostfit.core.errors import SourceError
from hostfit.sources import local


def test_a_layout_is_found_by_directory_tag_and_digest(layout):
    """SA1, DE2"""
    one = layout.tag("one:1", layout.manifest(annotations={"a": "1"}, files={"a": b"1"}))
    assert local.find(str(layout.directory)).digest == one
    two = layout.tag("two", layout.manifest(labels={"b": "2"}, files={"a": b"2"}))
    where = f"oci:{layout.directory}"

    assert local.find(f"{where}:two").digest == two
    assert local.find(f"{where}:two").labels == {"b": "2"}
    assert local.find(f"{where}@{one}").name == "one:1"
    assert local.find(f"{where}:two").store == f"OCI layout {layout.directory}"
    with pytest.raises(SourceError, match='a tag or digest must be given, one of "one:1", "two"'):
        local.find(where)
    with pytest.raises(SourceError, match='has no tag or digest "three"'):
        local.find(f"{where}:three")


def test_of_an_index_this_host_s_member_or_the_one_asked_for_is_taken(layout, monkeypatch):
    """SA1, IA2c: the variant may stand in the index only."""
    arm = layout.manifest(platform={"architecture": "arm64"}, files={"a": b"arm"})
    amd = layout.manifest(files={"a": b"amd"})
    platforms = {"arm64": arm, "amd64": amd}
    noise = layout.blob({"attestation": True}) | {"platform": {"os": "unknown", "architecture": "unknown"}}
    members = [one | {"platform": {"os": "linux", "architecture": name}} for name, one in platforms.items()]
    members[1]["platform"]["variant"] = "v3"
    index = layout.tag("i", layout.index(noise, *members, annotations={"on": "index"}))
    name = f"oci:{layout.directory}:i"
    here = "arm64" if os.uname().machine == "aarch64" else "amd64"

    assert local.find(name).digest == platforms[here]["digest"]
    assert str(local.find(name, platform="linux/amd64").platform) == "linux/amd64/v3"
    assert local.find(name, platform="linux/amd64/v3").digest == amd["digest"]
    found = local.find(name, platform="linux/arm64")
    assert (found.digest, found.index_digest, found.index_annotations) == (arm["digest"], index, {"on": "index"})
    for platform in ("linux/s390x", "windows/amd64", "linux/amd64/v2"):
        with pytest.raises(SourceError, match="has no"):
            local.find(name, platform=platform)


def test_bases_in_a_layout_are_found(layout):
    """IA6"""
    base = layout.manifest(annotations={"io.hostfit.require": "kernel.version.full >=5"})
    key = "org.opencontainers.image.base.digest"
    layout.tag("top", layout.manifest(annotations={key: base["digest"]}, files={"b": b"b"}))
    layer = layout.blob(b"not an image")
    layout.tag("odd", layout.manifest(annotations={key: layer["digest"]}, files={"c": b"c"}))

    assert [one.digest for one in local.find(f"oci:{layout.directory}:top").bases] == [base["digest"]]
    assert local.find(f"oci:{layout.directory}:odd").bases == ()


def test_members_of_an_index_that_were_not_copied_are_passed_over(layout):
    one = layout.manifest()
    gone = one | {"digest": "sha256:" + "0" * 64}
    layout.tag("i", layout.index(gone, one))

    assert local.find(f"oci:{layout.directory}:i").digest == one["digest"]


def _blob(layout, digest):
    return layout.directory / "blobs" / "sha256" / digest[7:]


def _fifo(layout, digest):
    _blob(layout, digest).unlink()
    os.mkfifo(_blob(layout, digest))
    return "EINVAL"


def _link_outside(layout, digest):
    outside = layout.directory.parent / "outside"
    _blob(layout, digest).rename(outside)
    _blob(layout, digest).symlink_to(outside)
    return "has no tag or digest"


def _changed(layout, digest):
    path = _blob(layout, digest)
    path.write_bytes(path.read_bytes().replace(b'"schemaVersion": 2', b'"schemaVersion": 3'))
    return "content has another digest"


def _longer(layout, digest):
    path = _blob(layout, digest)
    path.write_bytes(path.read_bytes() + b" ")
    return "size must be"


def _index_fifo(layout, digest):
    (layout.directory / "index.json").unlink()
    os.mkfifo(layout.directory / "index.json")
    return "index.json: EINVAL"


def _index_gone(layout, digest):
    (layout.directory / "index.json").unlink()
    return "index.json is required"


def _index_deep(layout, digest):
    (layout.directory / "index.json").write_text('{"manifests":' + "[" * 100_000)
    return "index.json: "


def _index_of_many(layout, digest):
    tree = json.loads((layout.directory / "index.json").read_text())
    (layout.directory / "index.json").write_text(json.dumps({"manifests": tree["manifests"] * 600}))
    return "at most 512 manifests"


def _bad_digest(layout, digest):
    path = layout.directory / "index.json"
    path.write_text(path.read_text().replace(digest, "sha256:../../../../etc/passwd"))
    return "digest must be sha256 or sha512"


def _huge(layout, digest):
    path = layout.directory / "index.json"
    tree = json.loads(path.read_text())
    tree["manifests"][0]["size"] = 1 << 40
    path.write_text(json.dumps(tree))
    return "must be at most 4194304 bytes"


@pytest.mark.parametrize(
    "harm",
    [
        _fifo,
        _link_outside,
        _changed,
        _longer,
        _index_fifo,
        _index_gone,
        _index_deep,
        _index_of_many,
        _bad_digest,
        _huge,
    ],
)
def test_a_hostile_layout_is_one_error_on_one_line(layout, harm):
    """Security rules R7, R9, R18"""
    digest = layout.tag("a", layout.manifest())
    message = harm(layout, digest)
    with pytest.raises(SourceError, match=message) as caught:
        local.find(f"oci:{layout.directory}:a")
    assert caught.value.message.isprintable()


def test_an_index_inside_an_index_is_refused(layout):
    """GO-2026-6597: graphs of indexes amplify."""
    layout.tag("a", layout.index(layout.index(layout.manifest())))
    with pytest.raises(SourceError, match="an index inside an index is not allowed"):
        local.find(f"oci:{layout.directory}:a")


def test_an_index_that_lists_itself_under_a_manifest_s_type_is_refused(layout):
    """CVE-2021-41190"""
    inner = layout.index(layout.manifest())
    layout.tag("a", layout.index(inner | {"mediaType": "application/vnd.oci.image.manifest.v1+json"}))
    with pytest.raises(SourceError, match=r"mediaType must be|disagree"):
        local.find(f"oci:{layout.directory}:a")


def test_an_image_that_is_nowhere_names_what_was_searched(nowhere):
    with pytest.raises(SourceError) as caught:
        local.find("upf:1")
    assert caught.value.message == 'image "upf:1" is in no local store: found none of Podman, containerd or Docker'
    assert "oci:DIRECTORY:TAG" in caught.value.hint

    (nowhere / "none" / "vfs-images").mkdir(parents=True)
    (nowhere / "none" / "vfs-images" / "images.json").write_text("{")
    with pytest.raises(SourceError, match=r"searched containers-storage .* \(vfs\); .*images.json: not valid JSON"):
        local.find("upf:1")


@pytest.mark.parametrize(
    "name", ["", "a b", "x\n\x1b[31m", "oci:", "oci:/none:x", "oci:/a\0b", "a\0b", "sha256:" + "0" * 64, "\ud800"]
)
def test_odd_names_are_refused_on_one_line(nowhere, name):
    with pytest.raises(SourceError) as caught:
        local.find(name)
    assert caught.value.message.isprintable()
