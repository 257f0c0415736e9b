"""Docker's files as a real dockerd writes them, for both of its image stores, and damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from hostfit.sources import docker as sources
from hostfit.sources import local, resolve

pytestmark = pytest.mark.system
NAME = "localhost/docker-made:1"
NOTES = {"io.hostfit.prefer": "kernel.version.full >=5", "l": "1"}


@pytest.fixture
def made(docker, layout, tmp_path, containerd):
    """A container of dockerd's, its image's ID, and the bundle that its containerd would make."""
    digest = layout.tag("a", layout.manifest(labels=NOTES, env=["A=1"]))
    archive = tmp_path / "d.tar"
    words = [
        "skopeo",
        "--insecure-policy",
        "copy",
        "-q",
        f"oci:{layout.directory}:a",
        f"docker-archive:{archive}:{NAME}",
    ]
    subprocess.run(words, check=True, timeout=60)
    docker.post("/images/load", archive.read_bytes(), "application/x-tar")
    docker.container = docker.create(NAME)
    docker.image_id = layout.config_digest(digest)
    docker.bundle = containerd.bundle(docker.container, "moby")
    return docker


def seen(docker, request_for, rootfs=None, environ=None):
    rootfs = rootfs or f"{docker.data}/vfs/dir/0123"
    return resolve.resolve(request_for(docker.bundle, rootfs=rootfs, environ=environ))


def test_the_graphdriver_store_gives_labels_and_names(made, request_for):
    found = seen(made, request_for)

    assert (found.engine, found.reason) == ("docker", "")
    image = found.image
    assert (image.name, image.names, image.config_digest, image.digest) == (NAME, (NAME,), made.image_id, "")
    assert (image.labels, image.env, str(image.platform)) == (NOTES, ("A=1",), "linux/amd64")
    assert image.store == f"Docker {made.data} (vfs)"


def test_images_are_found_by_name_and_id(made, monkeypatch, tmp_path):
    """SA1"""
    config = tmp_path / "daemon.json"
    config.write_text(json.dumps({"data-root": str(made.data)}))
    monkeypatch.setattr(sources, "DAEMON_CONFIG", str(config))
    for name in (NAME, "docker-made:1", made.image_id, made.image_id[7:], made.image_id[7:19]):
        assert local.find(name).config_digest == made.image_id, name


def test_a_container_that_is_not_kept_is_unknown(made, request_for):
    shutil.rmtree(made.data / "containers" / made.container)
    found = seen(made, request_for)

    assert (found.engine, found.unresolved, found.broken) == ("docker", True, False)
    assert "is not kept below any of" in found.reason
    assert seen(made, request_for, rootfs="/").unresolved


@pytest.fixture
def copied(made, tmp_path):
    """Docker's own files, copied to be changed."""
    root = tmp_path / "docker"
    for part in ("containers", "image"):
        shutil.copytree(made.data / part, root / part)
    made.root = root
    made.config = root / "containers" / made.container / "config.v2.json"
    made.content = root / "image/vfs/imagedb/content/sha256" / made.image_id[7:]
    return made


def _edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _changed(docker):
    docker.content.write_text(docker.content.read_text().replace(">=5", ">=4"))
    return "content has another digest"


def _fifo(docker):
    docker.content.unlink()
    os.mkfifo(docker.content)
    return "EINVAL"


def _config_is_junk(docker):
    docker.config.write_text("{")
    return "config.v2.json: not valid JSON"


def _config_is_a_list(docker):
    docker.config.write_text("[]")
    return "config.v2.json: an object is required"


def _malformed_id(docker):
    _edit(docker.config, Image="sha256:../../../etc/passwd")
    return "Image must be a digest, found"


def _names_are_junk(docker):
    (docker.root / "image/vfs/repositories.json").write_text("nonsense")
    return "repositories.json: not valid JSON"


def _malformed_manifest(docker):
    _edit(docker.config, ImageManifest={"mediaType": "x", "digest": "x\n", "size": 1})
    return "ImageManifest: digest must be sha256 or sha512"


@pytest.mark.parametrize(
    "harm", [_changed, _fifo, _config_is_junk, _config_is_a_list, _malformed_id, _names_are_junk, _malformed_manifest]
)
def test_damaged_files_are_broken_with_one_line(copied, request_for, harm):
    message = harm(copied)
    found = seen(copied, request_for, rootfs=f"{copied.root}/vfs/dir/0")

    assert found.unresolved
    assert found.broken
    assert message in found.reason
    assert found.reason.isprintable()


def test_an_image_that_is_gone_is_unknown(copied, request_for):
    copied.content.unlink()
    found = seen(copied, request_for, rootfs=f"{copied.root}/vfs/dir/0")

    assert (found.unresolved, found.broken) == (True, False)
    assert "is not kept below" in found.reason


def test_a_container_keeps_its_image_when_the_tag_moves(copied, request_for):
    path = copied.root / "image/vfs/repositories.json"
    path.write_text(path.read_text().replace(copied.image_id, "sha256:" + "0" * 64))
    image = seen(copied, request_for, rootfs=f"{copied.root}/vfs/dir/0").image

    # By the old name the administrator may tighten, but what the policy loosens for it is the new image's.
    assert (image.name, image.names, image.config_digest) == (NAME, (), copied.image_id)


def test_the_containerd_store_gives_manifest_and_index(copied, containerd, layout, request_for):
    """Docker keeps the manifest's descriptor in config.v2.json and the content in containerd's namespace moby."""
    one = layout.manifest(annotations={"io.hostfit.require": "kernel.version.full >=5"}, files={"a": b"moby"})
    index = layout.index(one | {"platform": {"os": "linux", "architecture": "amd64"}}, annotations={"on": "index"})
    layout.tag("i", index)
    containerd.load(layout, "i", "docker.io/library/moby:latest", namespace="moby")
    name = json.loads(copied.config.read_text())["Config"] | {"Image": "moby"}
    _edit(copied.config, ImageManifest=one, Config=name)
    found = seen(copied, request_for, rootfs=f"{copied.root}/rootfs/overlayfs/0", environ=containerd.environ)

    assert found.image is not None, found.reason
    assert (found.engine, found.image.digest, found.image.index_digest) == ("docker", one["digest"], index["digest"])
    assert found.image.names == ("docker.io/library/moby:latest",)
    assert found.image.manifest_annotations == {"io.hostfit.require": "kernel.version.full >=5"}

    _edit(copied.config, ImageManifest=one | {"digest": "sha256:" + "0" * 64})
    gone = seen(copied, request_for, rootfs=f"{copied.root}/rootfs/overlayfs/0", environ=containerd.environ)
    assert (gone.unresolved, gone.broken) == (True, False)
    assert "containerd has no content for manifest" in gone.reason

    unreachable = seen(copied, request_for, rootfs=f"{copied.root}/rootfs/overlayfs/0")
    assert (unreachable.unresolved, unreachable.broken) == (True, False)
    assert "ENOENT" in unreachable.reason
