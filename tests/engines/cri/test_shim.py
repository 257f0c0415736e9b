"""Pods on the runtime that fits them, chosen by containerd-shim-hostfit-v2 under each release of containerd (DE5)."""

from __future__ import annotations

import json

import pytest
from hostfit_bed import product
from hostfit_bed.catalogue import MODULE, REQUIRE
from hostfit_bed.command import wait_for
from hostfit_bed.cri import STAND_IN
from hostfit_bed.host import Host

pytestmark = pytest.mark.engines

RUNTIME = "io.hostfit.runtime"
SHIM = "hostfit-shim"
SLEEPS = ("/bin/sh", "-c", "echo started; exec sleep 1000")
POLICY = f"""\
[policy]
allowed = ["runc", "crun", "runsc", "kata", "stand-in"]
[runtime.stand-in]
shim = "{STAND_IN}"
isolation = 3
"""


@pytest.fixture(autouse=True)
def host(cri):
    """The administrator's side of the room of each release."""
    host = Host(cri.room)
    host.reset()
    host.policy(POLICY)
    yield host
    host.reset()


def record(cri, identity):
    place = cri.room.run_dir / "containerd/io.containerd.runtime.v2.task/k8s.io" / identity / "hostfit.json"
    assert place.stat().st_mode & 0o777 == 0o600
    return json.loads(place.read_text())


def test_two_containers_on_runc_one_of_which_does_not_fit(cri, pod_images):
    pod = cri.pod(SHIM)
    fits = pod.create(pod_images.built["tools"], *SLEEPS)
    misfits = pod.create(pod_images.built["module"])
    assert pod.start(fits).code == 0
    refused = pod.start(misfits)

    assert record(cri, pod.id) == {"runtime": "runc", "shim": "/usr/bin/containerd-shim-runc-v2"}
    assert refused.code == 1
    assert "does not fit this host: kernel.loadedmodule gtp5g: required present, found absent" in refused.err
    wait_for(lambda: "started" in pod.log(fits), "the other container's first line", 60)
    assert pod.status(fits)["state"] == "CONTAINER_RUNNING"
    pod.remove()
    assert cri.left() == []


def test_two_containers_on_gvisor(cri, pod_images):
    """The pod's own kernel is gVisor's for both; one that asks for more processors than there are is refused."""
    pod = cri.pod("hostfit-gvisor")
    first = pod.create(pod_images.built["tools"], "/bin/sh", "-c", "/bin/busybox uname -r; exec sleep 1000")
    second = pod.create(pod_images.built["tools"], "/bin/sh", "-c", "/bin/busybox uname -r; exec sleep 1000")
    misfits = pod.create(pod_images.built["cpus"])
    assert pod.start(first).code == 0
    assert pod.start(second).code == 0

    assert record(cri, pod.id)["shim"] == "/usr/local/bin/containerd-shim-runsc-v1"
    for container in (first, second):
        wait_for(lambda container=container: pod.log(container) == "4.4.0\n", "the kernel's release", 60)
    refused = pod.start(misfits)
    assert refused.code == 1
    assert "cpu.count online" in refused.err
    pod.remove()
    assert cri.left() == []


def test_a_pod_gets_the_runtime_that_its_deployer_asks_for(cri, pod_images):
    """A stand-in for Kata: what is shown is the choice and how its shim is called, not a machine.

    Kata's own shim calls no OCI runtime and leaves options of runc's alone; the stand-in would act on them.
    """
    pod = cri.pod(SHIM if cri.release == "1.6" else "hostfit-plain", annotations={RUNTIME: "stand-in"})
    container = pod.create(pod_images.built["tools"], *SLEEPS)
    assert pod.start(container).code == 0

    assert record(cri, pod.id) == {"runtime": "stand-in", "shim": STAND_IN}
    calls = (cri.room.run_dir / "stand-in.log").read_text().splitlines()
    assert [one for one in calls if one.startswith(pod.id) and one.endswith(f"-id {pod.id} start")]
    why = cri.room.run([product.SYSTEM_HOSTFIT, "why", pod.id[:12]], check=True).out
    assert "the deployer asked for it" in why
    assert "its isolation 1 is below the 3 of stand-in" in " ".join(why.split())
    pod.remove()
    assert cri.left() == []


@pytest.mark.parametrize(
    ("asked", "why"),
    [("nvidia", "the policy does not allow it here"), ("no-such", "no such runtime in the policy")],
)
def test_a_pod_that_asks_for_what_it_cannot_have_does_not_start(cri, asked, why):
    refused = cri.refused_pod(SHIM, annotations={RUNTIME: asked})

    assert refused.code == 1
    shown = "failed to start shim: start failed: hostfit: the deployer asked for runtime"
    assert f"{shown} {asked}: {why}" in refused.err
    assert cri.left() == []


def test_gvisor_on_request_takes_a_handler_without_options_of_runcs(cri, pod_images):
    if cri.release == "1.6":
        pod = cri.pod(SHIM, annotations={RUNTIME: "runsc"})
        container = pod.create(pod_images.built["tools"], "/bin/busybox", "uname", "-r")
        assert pod.start(container).code == 0
        wait_for(lambda: pod.log(container) == "4.4.0\n", "the kernel's release", 60)
        pod.remove()
    else:
        refused = cri.refused_pod(SHIM, annotations={RUNTIME: "runsc"})
        assert "hostfit: runtime runsc: its shim takes no options of runc's; a handler without options" in refused.err
    assert cri.left() == []


def test_kata_is_refused_for_what_the_host_lacks(cri, host):
    """The facts are this host's own: no shim of Kata is here, nor mostly what Kata needs of a processor."""
    host.policy(POLICY + f'[runtime.kata]\nshim = "{STAND_IN}"\n')
    refused = cri.refused_pod(SHIM, annotations={RUNTIME: "kata"})

    if refused.code == 0:
        pytest.skip("this host could run Kata")
    assert "the deployer asked for runtime kata: requires " in refused.err
    assert cri.left() == []


def test_what_the_deployer_says_of_a_pod_holds_before_its_shim_starts(cri):
    refused = cri.refused_pod(SHIM, annotations={REQUIRE: MODULE})

    assert refused.code == 1
    assert "failed to start shim: start failed: hostfit: " in refused.err
    assert "kernel.loadedmodule gtp5g: required present, found absent" in refused.err
    assert cri.left() == []


@pytest.mark.parametrize("handler", [SHIM, "hostfit-gvisor"])
def test_a_pod_whose_shim_was_killed_can_be_removed(cri, handler, host, pod_images):
    """Even with a policy that nobody can read any more: what was recorded is called to clean up."""
    pod = cri.pod(handler)
    container = pod.create(pod_images.built["tools"], *SLEEPS)
    assert pod.start(container).code == 0
    host.policy("[polcy]\n")
    cri.room.run(["kill", "-KILL", *_shims(cri)], check=True)
    wait_for(lambda: pod.status(container)["state"] == "CONTAINER_EXITED", "the end of the container", 60)

    pod.remove()
    assert cri.left() == []


def _shims(cri):
    """Every shim in the room; there is but one pod at a time."""
    listed = cri.room.run(["ps", "-eo", "pid=,args="], check=True).out.splitlines()
    return [line.split()[0] for line in listed if "containerd-shim" in line.split()[1]]
