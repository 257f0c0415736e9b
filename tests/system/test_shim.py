"""Single containers of containerd through containerd-shim-hostfit-v2: no pod, so each is decided for itself."""

from __future__ import annotations

import pytest
from hostfit_bed.catalogue import MODULE, REQUIRE
from hostfit_bed.images import STARTED
from hostfit_bed.product import BIN, SHIM

PLACE = BIN / SHIM
LINE = "kernel.loadedmodule gtp5g: required present, found absent"


def run(containerd, image, container, *options):
    return containerd.start(image, container, options=("--runtime", PLACE, *options))


def test_a_container_that_fits_runs(containerd, host, images):
    done = run(containerd, images.built["fits"], "shim-fits")

    assert (done.code, done.out) == (7, f"{STARTED}\n")
    assert containerd.left() == []


def test_a_container_that_does_not_fit_never_gets_a_shim(containerd, host, images):
    done = run(containerd, images.built["module"], "shim-module")

    assert done.code == 1
    assert "failed to start shim: start failed: hostfit: " in done.err
    assert LINE in done.err
    assert containerd.left() == []


def test_what_the_deployer_says_counts_too(containerd, host, images):
    done = run(containerd, images.built["fits"], "shim-label", "--label", f"{REQUIRE}={MODULE}")

    assert (done.code, LINE in done.err) == (1, True)


@pytest.mark.parametrize("asked", ["no-such", "kata"])
def test_a_runtime_that_cannot_be_had_stops_the_start(containerd, host, images, asked):
    done = run(containerd, images.built["fits"], "shim-asked", "--label", f"io.hostfit.runtime={asked}")

    assert done.code == 1
    assert f"the deployer asked for runtime {asked}: " in done.err
    assert containerd.left() == []
