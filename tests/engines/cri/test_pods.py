"""Pods as a kubelet starts them: a container that does not fit is refused, everything else of its pod is left alone."""

from __future__ import annotations

import json

import pytest
from hostfit_bed import product
from hostfit_bed.catalogue import MODULE, REQUIRE
from hostfit_bed.command import wait_for
from hostfit_bed.cri import RUNSC
from hostfit_bed.host import Host
from hostfit_bed.images import STARTED

pytestmark = pytest.mark.engines

LINE = "hostfit: {} does not fit this host: kernel.loadedmodule gtp5g: required present, found absent (hostfit why {})"
SHOWN = "failed to create containerd task: failed to create shim task: OCI runtime create failed: {}"
"""What CRI makes of a refusal; containerd before 2.0 adds its word for the kind of error."""


@pytest.fixture
def host(cri):
    """The administrator's side of the room of each release."""
    host = Host(cri.room)
    host.reset()
    yield host
    host.reset()


# Debian's crun does not know the version of the runtime-spec that containerd 2.2 writes.
@pytest.fixture(params=[("1.6", "hostfit"), ("1.6", "hostfit-crun"), ("2.2", "hostfit")], ids="-".join)
def way(request, engine_of):
    """An engine and a runtime handler of it."""
    release, handler = request.param
    return engine_of(release), handler


def test_one_container_of_a_pod_is_refused_and_the_other_runs(way, pod_images):
    cri, handler = way
    pod = cri.pod(handler)
    fits = pod.create(pod_images.built["tools"], "/bin/sh", "-c", "echo started; exec sleep 1000")
    misfits = pod.create(pod_images.built["module"])
    assert pod.start(fits).code == 0
    refused = pod.start(misfits)

    line = LINE.format(pod_images.built["module"].name, misfits[:12])
    assert refused.code == 1
    assert SHOWN.format(line) in refused.err
    status = pod.status(misfits)
    assert (status["state"], status["reason"], status["exitCode"]) == ("CONTAINER_EXITED", "StartError", 128)
    assert status["message"].removesuffix(": unknown") == SHOWN.format(line)
    assert cri.room.run([product.SYSTEM_HOSTFIT, "why", misfits[:12]], check=True).out.startswith(line)

    wait_for(lambda: "started" in pod.log(fits), "the other container's first line", 60)
    assert cri("exec", "-s", fits, "/bin/busybox", "echo", "inside", check=True).out.split() == ["inside"]
    assert pod.status(fits)["state"] == "CONTAINER_RUNNING"
    pod.remove()
    assert cri.left() == []


def test_what_the_deployer_says_of_a_pod_holds_for_its_sandbox(way):
    cri, handler = way
    refused = cri.refused_pod(handler, annotations={REQUIRE: MODULE})

    assert refused.code == 1
    assert "does not fit this host: kernel.loadedmodule gtp5g: required present, found absent" in refused.err
    assert cri.left() == []


@pytest.mark.parametrize("handler", ["runc", "hostfit"])
def test_a_pod_whose_shim_was_killed_is_removed_as_with_plain_runc(cri, handler, pod_images):
    """containerd 2.2 forgets the stopped container of such a pod below runc's root; hostfit adds nothing to that."""
    before = _states(cri)
    pod = cri.pod(handler)
    container = pod.create(pod_images.built["tools"], "/bin/sh", "-c", "exec sleep 1000")
    assert pod.start(container).code == 0
    cri.room.run(["kill", "-KILL", str(pod.shim())], check=True)
    wait_for(lambda: pod.status(container)["state"] == "CONTAINER_EXITED", "the end of the container", 60)

    pod.remove()
    assert cri.left() == []
    forgotten = {"1.6": {}, "2.2": {container: "stopped"}}[cri.release]
    # The engine cleans up behind a shim on its own time.
    wait_for(lambda: _states(cri) == before | forgotten, "what plain runc leaves too", 60)


def _states(cri):
    listed = cri.room.run(["runc", "--root", "/run/containerd/runc/k8s.io", "list", "--format", "json"], check=True).out
    return {one["id"]: one["status"] for one in json.loads(listed) or []}


def test_a_container_on_gvisor_has_the_hosts_processors_and_not_its_modules(cri, host, pod_images):
    """No pod: runc's shim, which is the one there is here, loses sight of a sandbox of runsc."""
    host.policy(f'[runtime.runsc]\nbinary = "{RUNSC}"\nisolation = 2\nkernel = "own"\n')
    runsc = "/usr/bin/hostfit-runtime-runsc"
    started = cri.run(pod_images.built["tools"], "gvisor-1", "/bin/busybox", "uname", "-r", binary=runsc)
    warned = cri.run(pod_images.built["module"], "gvisor-2", binary=runsc)
    refused = cri.run(pod_images.built["cpus"], "gvisor-3", binary=runsc)

    assert (started.code, started.out) == (0, "4.4.0\n")
    assert (warned.code, warned.out) == (7, f"{STARTED}\n")
    assert cri.room.run([product.SYSTEM_HOSTFIT, "why", "gvisor-2"], check=True).out.count("verdict:      unknown") == 1
    assert refused.code == 1
    assert f"hostfit: {pod_images.built['cpus'].name} does not fit this host: cpu.count online" in refused.err
    assert cri.left() == []
