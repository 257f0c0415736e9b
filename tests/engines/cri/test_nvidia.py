"""engine, hostfit-runtime, nvidia-container-runtime, runc: every one becomes the next, and none comes twice."""

from __future__ import annotations

import pytest
from hostfit_bed import product
from hostfit_bed.command import wait_for
from hostfit_bed.host import Host

pytestmark = pytest.mark.engines

CONFIGURATION = """\
[nvidia-container-runtime]
debug = "/run/nvidia-container-runtime.log"
log-level = "debug"
runtimes = ["{}"]
"""
POLICY = """\
[policy]
default = "toolkit"
[runtime.toolkit]
binary = "/usr/bin/nvidia-container-runtime"
"""
"""The definition that is shipped asks for a driver; without a GPU the toolkit passes on all the same."""


@pytest.fixture
def cri(engine_of):
    return engine_of("1.6")


@pytest.fixture
def toolkit(cri):
    """Says which runtime the toolkit has beneath it; `log` is what it says about each create."""

    class Toolkit:
        log = cri.room.run_dir / "nvidia-container-runtime.log"

        def over(self, runtime):
            write = 'mkdir -p "${1%/*}" && cat >"$1"'
            path = "/etc/nvidia-container-runtime/config.toml"
            cri.room.run(["sh", "-c", write, "sh", path], stdin=CONFIGURATION.format(runtime), check=True)

    host = Host(cri.room)
    host.reset()
    host.policy(POLICY)
    Toolkit.log.unlink(missing_ok=True)
    yield Toolkit()
    host.reset()


def test_a_pod_runs_through_the_whole_chain(cri, toolkit, pod_images):
    toolkit.over("/usr/bin/runc")
    pod = cri.pod("hostfit")
    fits = pod.create(pod_images.built["tools"], "/bin/sh", "-c", "echo started; exec sleep 1000")
    misfits = pod.create(pod_images.built["module"])
    started, refused = pod.start(fits), pod.start(misfits)

    assert started.code == 0, repr(started)
    wait_for(lambda: "started" in pod.log(fits), "the container's first line", 60)
    assert cri("exec", "-s", fits, "/bin/busybox", "echo", "inside", check=True).out.split() == ["inside"]
    said = toolkit.log.read_text()
    assert [f"k8s.io/{one}" in said for one in (pod.id, fits, misfits)] == [True, True, False]
    assert "Forwarding command to runtime /usr/bin/runc" in said
    assert "required present, found absent" in refused.err
    why = cri.room.run([product.SYSTEM_HOSTFIT, "why", fits[:12]], check=True).out
    assert "runtime:      toolkit /usr/bin/nvidia-container-runtime\n" in why
    pod.remove()
    assert cri.left() == []


def test_a_configuration_that_leads_back_is_refused_and_leaves_nothing(cri, toolkit, pod_images):
    """The engine deletes what did not start, by a call that has no record and comes to an end all the same."""
    toolkit.over("/usr/bin/hostfit-runtime")
    refused = cri.refused_pod("hostfit", annotations={})

    said = "runtime /usr/bin/nvidia-container-runtime: called hostfit-runtime again"
    assert refused.code == 1
    assert said in refused.err
    assert cri.left() == []
    asked = cri.room.run(["/usr/bin/hostfit-runtime", "state", "absent"])
    assert (asked.code, asked.err.partition("level=")[2]) == (1, 'error msg="container does not exist"\n'), "runc's own"

    toolkit.over("/usr/bin/runc")
    cri.pod("hostfit").remove()
    assert cri.left() == []
