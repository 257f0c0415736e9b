"""`hostfit setup containerd` on the containerd of each release: pods go through hostfit, and all comes back (CH8)."""

from __future__ import annotations

import json

import pytest
from hostfit_bed.cri import PAUSE, RELEASES, SETTINGS, Cri, furnish
from hostfit_bed.images import STARTED
from hostfit_bed.room import Room

pytestmark = pytest.mark.engines

MISFIT = "does not fit this host: kernel.loadedmodule gtp5g: required present, found absent"
CONFIG = "/etc/containerd/config.toml"


@pytest.fixture(params=RELEASES)
def machine(request):
    """A room whose containerd knows nothing of hostfit yet and does not run."""
    machine = Room()
    try:
        furnish(machine, request.param)
        machine.place(CONFIG, SETTINGS[request.param].format(pause=PAUSE))
        machine.release = request.param
        yield machine.start()
    finally:
        machine.stop()


def doctor(machine):
    done = machine.run(["hostfit", "doctor", "containerd", "--format", "json"])
    return {one["id"] for one in json.loads(done.out)["findings"] if one["severity"] != "note"}, done.code


def test_pods_are_checked_and_everything_comes_back(machine, pod_images):
    before = machine.run(["cat", CONFIG], check=True).out
    machine.run(["hostfit", "setup", "containerd", "--default"], check=True)
    cri = Cri(machine, machine.release)
    for image in pod_images.built.values():
        cri.load(image)
    assert doctor(machine) == (set(), 0)

    for handler in ("", "hostfit", "runc"):
        pod = cri.pod(handler)
        fits, module = (pod.create(pod_images.built[tag]) for tag in ("fits", "module"))
        started, refused = pod.start(fits), pod.start(module)
        assert (started.code, refused.code, MISFIT in refused.err) == (0, 1, True), (handler, refused)
        if not handler:
            stranded = machine.run(["hostfit", "setup", "containerd", "--remove"])
            assert (stranded.code, "required no container that is on hostfit, found" in stranded.err) == (2, True)
            cri("stop", fits, check=True)
            assert STARTED in pod.log(fits)
        pod.remove()

    machine.run(["hostfit", "setup", "containerd", "--remove"], check=True)
    assert machine.run(["cat", CONFIG], check=True).out == before
    assert machine.run(["find", "/etc/containerd", "-type", "f"], check=True).out.split() == [CONFIG]
    assert doctor(machine) == ({"not-set-up", "restart-needed"}, 1)
