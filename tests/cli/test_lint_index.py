"""`hostfit lint --index`: clients that know nothing of compatibility must get a usable image (IA7, CH9)."""

from __future__ import annotations

import hashlib
import json

import pytest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64"}
BOTH = "Podman, CRI-O, skopeo, containerd, Docker"


def digest(name):
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def member(name, platform, **fields):
    return {"mediaType": MANIFEST, "digest": digest(name), "size": 1000, "platform": platform} | fields


def says(name, platform, require):
    return member(name, platform, annotations={"io.hostfit.require": require})


@pytest.fixture
def index(tmp_path):
    def write(*members, **fields):
        path = tmp_path / "index.json"
        path.write_text(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(members)} | fields))
        return path

    return write


@pytest.mark.parametrize(
    "members",
    [
        [member("a", AMD64)],
        [member("a", AMD64), member("b", AMD64 | {"variant": "v3"}), member("c", ARM64)],
        [member("b", AMD64 | {"variant": "v3"}), member("a", AMD64)],
        [member("a", AMD64), says("b", AMD64, "cpu.cpuid.AVX512F exists")],
        [member("a", AMD64), member("b", AMD64 | {"features": ["avx2"]})],
        [says("a", AMD64, "kernel.version.full >=5.15")],
        [says("a", AMD64, "cpu.cpuid.SSE2 exists"), member("c", ARM64 | {"variant": "v8"})],
        [member("w", {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348"})],
        [member("a", AMD64), member("x", {"os": "unknown", "architecture": "unknown"})],
    ],
)
def test_an_index_whose_generic_image_comes_first_is_valid(hostfit, index, members):
    done = hostfit("lint", "--strict", "--index", index(*members))

    assert (done.code, done.out, done.err) == (0, "index.json: valid\n", "")


@pytest.mark.parametrize(
    ("special", "needs"),
    [
        (says("s", AMD64, "cpu.cpuid.AVX512F exists"), "cpu.cpuid AVX512F: required present, found absent"),
        (says("s", AMD64, "kernel.loadedmodule.gtp5g exists"), "kernel.loadedmodule gtp5g: required present, found"),
        (says("s", AMD64, "pci.device vendor=10de"), "pci.device vendor: required 10de, found"),
        (says("s", AMD64, "nvidia.driver.version >=535"), "nvidia.driver version: required"),
        (member("s", AMD64 | {"features": ["avx2"]}), "cpu.cpuid AVX2: required present, found absent"),
        (
            member("s", AMD64 | {"compatibilities": [{"oci.pci.devices": "15B3.020D"}]}),
            "pci.device",
        ),
        (member("s", AMD64 | {"os.features": ["erofs"]}), "os.features erofs"),
    ],
)
def test_a_special_image_before_the_generic_one_is_told(hostfit, index, special, needs):
    listed = index(special, member("plain", AMD64))
    done = hostfit("lint", "--index", listed)

    (line,) = done.err.splitlines()
    assert done.code == 0
    assert line.startswith(
        f"hostfit: warning: index.json: on a generic linux/amd64 host {BOTH} take {digest('s')}, which asks for more: "
    )
    assert needs in line
    assert line.endswith(f"; {digest('plain')} should come before it")
    assert hostfit("lint", "--strict", "--index", listed).code == 5


def test_an_architecture_without_an_image_that_they_find_is_told(hostfit, index):
    done = hostfit("lint", "--index", index(member("b", AMD64 | {"variant": "v3"}), member("c", ARM64)))

    assert done.err == (
        f"hostfit: warning: index.json: on a generic linux/amd64 host {BOTH} find no image; "
        "add one for linux/amd64 without a variant\n"
    )


def test_clients_that_differ_are_told_apart(hostfit, index):
    """containers/image compares names as they are written, containerd what they stand for."""
    done = hostfit("lint", "--index", index(member("a", {"os": "linux", "architecture": "x86_64"})))

    assert done.err.startswith(
        "hostfit: warning: index.json: on a generic linux/amd64 host Podman, CRI-O, skopeo find no image"
    )


def test_without_a_better_image_only_the_need_is_told(hostfit, index):
    done = hostfit("lint", "--index", index(says("s", AMD64, "cpu.cpuid.AVX512F exists")))

    assert done.err.endswith("cpu.cpuid AVX512F: required present, found absent\n")


@pytest.mark.parametrize(
    ("members", "fields", "problem"),
    [
        (
            [says("a", AMD64, "kernel.version.full >>5")],
            {},
            f"annotation io.hostfit.require of descriptor {digest('a')}",
        ),
        (
            [member("a", AMD64)],
            {"annotations": {"io.hostfit.spec": "{}"}},
            "annotation io.hostfit.spec of index sha256:",
        ),
        ([member("a", AMD64 | {"features": "avx2"})], {}, "platform.features: a list of names is required"),
        (
            [says("w", {"os": "windows", "architecture": "amd64"}, "kernel.version.full >>5")],
            {},
            f"annotation io.hostfit.require of descriptor {digest('w')}",
        ),
    ],
)
def test_what_the_index_says_wrongly_is_an_error(hostfit, index, members, fields, problem):
    """IA3"""
    done = hostfit("lint", "--index", index(*members, **fields))

    assert (done.code, done.out) == (5, "")
    assert problem in done.err


def test_an_index_in_an_index_is_seen_by_no_client(hostfit, index):
    nested = member("n", AMD64) | {"mediaType": INDEX}
    done = hostfit("lint", "--index", index(nested, member("a", AMD64)))

    assert f"{digest('n')}: an index inside the index" in done.err


def test_a_spec_beside_it_is_bad_usage(hostfit, index):
    done = hostfit("lint", "--index", index(member("a", AMD64)), "--require", "kernel.version.full >=5")

    assert (done.code, done.err) == (2, "hostfit: option --index: no spec beside it expected, found one\n")
