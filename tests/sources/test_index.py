"""An image index is found where it is, with what that place has of its members (DE1, SA3)."""

from __future__ import annotations

import hashlib
import json

import pytest

from hostfit.core.errors import NoSuchImageError, SourceError
from hostfit.sources import index, local

PLATFORMS = [{"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "amd64", "variant": "v3"}]


@pytest.fixture
def listed(layout):
    """A layout with one index of two images, as descriptors."""
    members = [
        layout.manifest(files={"a": str(number).encode()}, annotations={"number": str(number)}) | {"platform": platform}
        for number, platform in enumerate(PLATFORMS)
    ]
    layout.tag("i", layout.index(*members, annotations={"on": "index"}))
    return members


def find(name):
    return index.find(str(name), read_stdin=lambda: b"")


def digests(found):
    return [one.descriptor.digest for one in found.members]


def test_in_a_layout_by_tag_digest_and_alone(layout, listed):
    whole = layout.index(*listed, annotations={"on": "index"})["digest"]
    for name in (layout.directory, f"oci:{layout.directory}:i", f"oci:{layout.directory}@{whole}"):
        found = find(name)
        assert digests(found) == [one["digest"] for one in listed]
        assert (found.digest, found.index.annotations) == (whole, {"on": "index"})
        assert found.members[0].found.manifest.annotations == {"number": "0"}
    with pytest.raises(NoSuchImageError, match='has no tag or digest "other"'):
        find(f"oci:{layout.directory}:other")


def test_an_image_without_an_index_stands_alone(layout):
    layout.tag("one", layout.manifest(platform={"architecture": "arm64"}))
    found = find(layout.directory)

    assert (found.digest, [str(one.platform) for one in found.members]) == ("", ["linux/arm64"])


def test_a_member_that_the_layout_lacks_counts_by_its_descriptor(layout, listed):
    (layout.directory / "blobs" / "sha256" / listed[1]["digest"][7:]).unlink()
    found = find(layout.directory)

    assert [str(one.platform) for one in found.members] == ["linux/amd64", "linux/amd64/v3"]
    assert found.members[1].found is None


def test_a_member_with_another_digest_is_a_broken_place(layout, listed):
    (layout.directory / "blobs" / "sha256" / listed[1]["digest"][7:]).write_bytes(b"x" * listed[1]["size"])
    with pytest.raises(SourceError, match="content has another digest"):
        find(layout.directory)


def test_in_a_real_containerd(containerd, layout, listed, nowhere, monkeypatch):
    name = "localhost/select-index:1"
    containerd.load(layout, "i", name)
    monkeypatch.setattr(local, "SOCKETS", (str(containerd.socket),))
    found = find(name)

    assert digests(found) == [one["digest"] for one in listed]
    assert (found.name, found.names) == (name, (name,))
    assert found.members[0].found.manifest.annotations == {"number": "0"}
    assert digests(find(found.digest)) == digests(found)
    containerd.ctr("images", "rm", "--sync", name)
    assert find(name) is None


def test_in_a_real_containers_storage(storage, layout, listed, nowhere):
    """Podman keeps the index that an image was pulled by."""
    storage.copy(layout, "i", "localhost/select-index:1")
    (nowhere / "storage.conf").write_text(f'[storage]\ngraphroot = "{storage.graphroot}"\n')
    found = find("localhost/select-index:1")

    assert digests(found) == [one["digest"] for one in listed]
    assert found.names == ("localhost/select-index:1",)
    assert find("localhost/other:1") is None


def test_a_file_is_named_by_its_digest(tmp_path):
    data = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    (tmp_path / "file").write_bytes(data)

    assert find(tmp_path / "file").digest == "sha256:" + hashlib.sha256(data).hexdigest()
