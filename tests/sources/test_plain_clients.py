"""The model of clients that know only platforms takes what real skopeo and containerd take (IA7, CH9)."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess

import pytest

from hostfit.core.clients import by_containerd, by_podman, generic
from hostfit.core.image import Platform

POOL = [
    ("amd64", ""), ("amd64", "v1"), ("amd64", "v2"), ("amd64", "v3"), ("386", ""), ("arm64", ""), ("arm64", "v8"),
    ("arm64", "v9"), ("arm", ""), ("arm", "v6"), ("arm", "v7"), ("arm", "v8"), ("s390x", ""),
]  # fmt: skip
HOSTS = [("amd64", ""), ("arm64", "v8"), ("arm64", ""), ("arm", "v7"), ("arm", ""), ("386", ""), ("amd64", "v3")]
INDEXES = [
    [("amd64", "v3"), ("amd64", "")],
    [("amd64", "v3"), ("amd64", "v1")],
    [("amd64", ""), ("amd64", "")],
    [("arm64", "v8"), ("arm64", ""), ("arm", "v7")],
    [("arm", "v6"), ("arm", ""), ("arm", "v7"), ("arm64", "v9")],
    [("386", ""), ("amd64", "v2")],
    *[random.Random(seed).sample(POOL, 5) for seed in range(6)],
]
"""By architecture and variant; the last ones by chance, the same in every run."""


def shell(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)


def platform(architecture, variant):
    named = {"os": "linux", "architecture": architecture}
    return named | ({"variant": variant} if variant else {})


def members(layout, index):
    """One image for each entry, all different."""
    return [
        layout.manifest(platform=platform(*one), files={"number": str(number).encode()}) | {"platform": platform(*one)}
        for number, one in enumerate(index)
    ]


@pytest.mark.parametrize("number", range(len(INDEXES)))
def test_skopeo(layout, tmp_path, number):
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    index = INDEXES[number]
    listed = members(layout, index)
    layout.tag("i", layout.index(*listed))
    known = [Platform("linux", *one) for one in index]
    for architecture, variant in HOSTS:
        chosen = ["--override-variant", variant] if variant else []
        words = ["skopeo", "--insecure-policy", "--override-os", "linux", "--override-arch", architecture, *chosen]
        target = tmp_path / f"{architecture}{variant}"
        done = shell(*words, "copy", "-q", f"oci:{layout.directory}:i", f"dir:{target}")

        expected = by_podman(known, Platform("linux", architecture, variant))
        if expected is None:
            assert "no image found in image index for architecture" in done.stderr
        else:
            taken = hashlib.sha256((target / "manifest.json").read_bytes()).hexdigest()
            assert f"sha256:{taken}" == listed[expected]["digest"], (architecture, variant)


def test_skopeo_takes_a_member_without_a_platform_last(layout, tmp_path):
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    plain = {key: value for key, value in layout.manifest(files={"a": b"plain"}).items() if key != "platform"}
    other = members(layout, [("s390x", "")])
    layout.tag("i", layout.index(plain, *other))
    done = shell(
        "skopeo", "--insecure-policy", "--override-os", "linux", "--override-arch", "amd64", "copy", "-q",
        f"oci:{layout.directory}:i", f"dir:{tmp_path}/out",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    taken = hashlib.sha256((tmp_path / "out" / "manifest.json").read_bytes()).hexdigest()
    assert f"sha256:{taken}" == plain["digest"]
    assert by_podman([None, Platform("linux", "s390x")], generic("amd64")) == 0


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the machine is the host here, and the table is amd64's")
@pytest.mark.parametrize("number", range(len(INDEXES)))
def test_containerd(containerd, layout, tmp_path, number):
    """A container is made of the image that it takes, which its layer tells."""
    index = INDEXES[number]
    listed = members(layout, index)
    layout.tag("i", layout.index(*listed))
    name = container = f"plain-clients-{number}"
    archive = layout.archive(tmp_path / "i.tar", f"localhost/{name}:1")
    words = ["ctr", "-a", str(containerd.socket), "-n", "default"]
    unpacked = ["--snapshotter", "native"]
    loaded = shell(*words, "images", "import", *unpacked, "--all-platforms", str(archive))
    done = shell(*words, "containers", "create", *unpacked, f"localhost/{name}:1", container, "/bin/true")
    info = shell(*words, "snapshots", *unpacked, "info", container).stdout
    shell(*words, "containers", "rm", container)
    shell(*words, "images", "rm", "--sync", f"localhost/{name}:1")
    expected = by_containerd([Platform("linux", *one) for one in index], generic("amd64"))
    if expected is None:
        assert "no match for platform in manifest" in loaded.stderr
        return

    assert done.returncode == 0, loaded.stderr + done.stderr
    snapshot = json.loads(info)
    layers = [layer(layout, one["digest"]) for one in listed]
    assert snapshot["Parent"] == layers[expected]


def layer(layout, digest):
    """The one layer of an image, unpacked."""
    blobs = layout.directory / "blobs" / "sha256"
    config = json.loads((blobs / digest[7:]).read_text())["config"]["digest"]
    return json.loads((blobs / config[7:]).read_text())["rootfs"]["diff_ids"][0]
