"""Fixtures of the tests on booted Debian releases: their own kernelless machine, systemd, journald and engines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BED = str(Path(__file__).resolve().parents[1] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed import product  # noqa: E402 - the bed lies beside the tests, not on the path
from hostfit_bed.booted import Booted  # noqa: E402 - see above
from hostfit_bed.catalogue import FITS, MODULE, REQUIRE  # noqa: E402 - see above
from hostfit_bed.command import need  # noqa: E402 - see above
from hostfit_bed.engines import furnish_podman  # noqa: E402 - see above
from hostfit_bed.images import Images  # noqa: E402 - see above


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    need("umoci", "skopeo", "busybox")
    images = Images(tmp_path_factory.mktemp("images"))
    images.add("fits", annotations={REQUIRE: FITS})
    images.add("module", annotations={REQUIRE: MODULE})
    return images


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def booted(request, images):
    """One release after the other, with hostfit at its system places and the images in both stores."""
    booted = Booted(request.param)
    try:
        product.system_install(booted.files)
        furnish_podman(booted)
        (booted.files / "root").mkdir(mode=0o700, exist_ok=True)
        for image in images.built.values():
            (booted.files / "root" / image.oci.name).write_bytes(image.oci.read_bytes())
        booted.start()
        for image in images.built.values():
            booted.load(image)
        yield booted
    finally:
        booted.stop()
