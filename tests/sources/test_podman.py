"""A container that Podman really ran: what its bundle claims, and whose words those are."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from hostfit.core.document import DEPLOYER, IMAGE, MISSING
from hostfit.oci.bundle import read_bundle
from hostfit.oci.request import Request
from hostfit.sources import collect, resolve

pytestmark = pytest.mark.system
NAME = "localhost/forged:1"
FORGED = {
    "io.hostfit.require": "kernel.version.full >=5",
    "io.hostfit.runtime": "runc",
    "io.container.manager": "cri-o",
    "io.kubernetes.cri.container-name": "other",
}
SCRIPT = """
umount /sys/fs/cgroup/unified 2>/dev/null
exec podman --cgroup-manager=cgroupfs --storage-driver=vfs "$@"
"""
"""Runs in a mount namespace of its own: some runtimes refuse hybrid cgroups."""


@pytest.fixture
def ran(made_storage, layout):
    """Run one container of an image that forges annotations; give its bundle and its store."""
    layout.tag("a", layout.manifest(annotations=FORGED, files={"bin/busybox": Path("/bin/busybox").read_bytes()}))
    with tempfile.TemporaryDirectory(prefix="hf") as directory:  # Podman takes a runroot of 50 characters at most
        store = type(made_storage)(Path(directory))
        store.copy(layout, "a", NAME)
        words = [
            "--root", store.graphroot, "--runroot", store.runroot, "--runtime", "runc", "run", "--network=none",
            "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024",
            "--annotation=io.hostfit.prefer=kernel.version.full >=6", "--cidfile", f"{directory}/id",
            NAME, "/bin/busybox", "true",
        ]  # fmt: skip
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", SCRIPT, "sh", *map(str, words)], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        store.bundle_path = str(store.bundle(Path(directory, "id").read_text()))
        yield store


def test_annotations_that_podman_copied_from_the_image_are_the_image_s(ran, lookup, places):
    """SEC2: forged provenance. Podman 4.3 copies them, newer ones do not; both must end the same."""
    bundle = read_bundle(ran.bundle_path)
    request = Request(entry="hook", verb="", id="c", bundle=bundle)
    resolution = resolve.resolve(request)
    found = collect.documents(request, resolution, lookup=lookup, var=places.var)
    told = {one.provenance.place.split(" of ")[0]: one.provenance.authority for one in found}

    assert bundle.annotations["io.container.manager"] in ("libpod", "cri-o")
    assert bundle.annotations.get("io.hostfit.require") in (None, FORGED["io.hostfit.require"])
    assert (resolution.engine, resolution.image.name) == ("podman", NAME)
    assert told["annotation io.hostfit.prefer"] == DEPLOYER
    assert told["annotation io.hostfit.require"] == IMAGE
    assert [one for one in found if one.provenance.authority == DEPLOYER] == found[:1]

    (ran.images / "images.json").write_text("[]")
    unknown = resolve.resolve(request)
    documents = collect.documents(request, unknown, lookup=lookup, var=places.var)
    assert unknown.unresolved
    assert {one.provenance.authority for one in documents} == {IMAGE}
    assert [one.state for one in documents].count(MISSING) == 1
