"""Fixtures of the tests on booted Debian releases: their own kernelless machine, systemd, journald and engines."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

BED = str(Path(__file__).resolve().parents[1] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed import packages  # noqa: E402 - the bed lies beside the tests, not on the path
from hostfit_bed.booted import UNIFIED, Booted  # noqa: E402 - see above
from hostfit_bed.catalogue import FITS, MODULE, REQUIRE  # noqa: E402 - see above
from hostfit_bed.command import need  # noqa: E402 - see above
from hostfit_bed.engines import furnish_podman  # noqa: E402 - see above
from hostfit_bed.images import Images  # noqa: E402 - see above

RELEASES = ["bookworm", "trixie", "sid"]


def pytest_collection_modifyitems(config, items):
    """Podman on a release without controllers runs containers by crun alone, so the tests by runc are not for it."""
    left_out = [
        item for item in items
        if getattr(getattr(item, "cls", None), "__name__", "") == "TestPodman" and hasattr(item, "callspec")
        and item.callspec.params.get("booted") in UNIFIED and item.callspec.params.get("runtime") == "runc"
    ]  # fmt: skip
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    need("umoci", "skopeo", "busybox")
    images = Images(tmp_path_factory.mktemp("images"))
    images.add("fits", annotations={REQUIRE: FITS})
    images.add("module", annotations={REQUIRE: MODULE})
    images.add("sleeps", annotations={REQUIRE: FITS}, command=["/bin/sleep", "3600"])
    return images


@pytest.fixture(scope="session")
def deb(tmp_path_factory):
    """Give the package built and linted with the tools of a release, once for each."""
    built = {}

    def deb(release):
        if release not in built:
            built[release] = packages.build_in(release, tmp_path_factory.mktemp(f"deb-{release}") / "build")
        return built[release]

    return deb


@pytest.fixture(scope="session")
def previous_deb(tmp_path_factory):
    """The same package as one of a version before."""
    work = tmp_path_factory.mktemp("previous")
    return packages.build("deb", work / "built", tree=packages.tree_of("0.0.9", work / "tree"), checked=False)


def boot(release, images):
    """A release with its engines at work, the images in their stores, and without hostfit."""
    booted = Booted(release)
    try:
        furnish_podman(booted)
        (booted.files / "root").mkdir(mode=0o700, exist_ok=True)
        for image in images.built.values():
            (booted.files / "root" / image.oci.name).write_bytes(image.oci.read_bytes())
        booted.start()
        for image in images.built.values():
            booted.load(image)
    except BaseException:
        booted.stop()
        raise
    return booted


def crun_alone(booted):
    """Make crun the policy's default where runc cannot serve Podman."""
    if booted.limits:
        text = """printf '[policy]\\ndefault = "crun"\\n' >/etc/hostfit/conf.d/crun.toml"""
        booted.run(["sh", "-c", text], check=True)


@pytest.fixture(scope="session", params=RELEASES)
def booted(request, images, deb):
    """One release after the other, with hostfit installed from its package by apt."""
    package = deb(request.param)
    booted = boot(request.param, images)
    try:
        shutil.copy(package, booted.shared)
        booted.apt("install", f"/srv/{package.name}")
        crun_alone(booted)
        booted.run(["ln", "-s", "hostfit-runtime", "/usr/bin/hostfit-runtime-crun"], check=True)
        yield booted
    finally:
        booted.stop()


@pytest.fixture(params=RELEASES)
def clean(request, images, deb, previous_deb):
    """A release that has never seen hostfit; the packages lie in /srv."""
    package = deb(request.param)
    booted = boot(request.param, images)
    try:
        for one in (package, previous_deb):
            shutil.copy(one, booted.shared)
        booted.packages = {"previous": f"/srv/{previous_deb.name}", "this": f"/srv/{package.name}"}
        yield booted
    finally:
        booted.stop()
