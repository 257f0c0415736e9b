"""What a container already running needs of its runtime keeps working, whatever became of hostfit's configuration."""

from __future__ import annotations

import itertools
import json

import pytest
from hostfit_bed.command import wait_for
from hostfit_bed.ways import WRAPPERS

BROKEN = '[policy]\non_misfit = "sometimes"\n'
LONG = ("/bin/sleep", "1000")


@pytest.fixture(params=["runc", "crun"])
def runtime(request):
    return request.param


@pytest.fixture
def running(bare, host, runtime):
    """A container that was created and started through the wrapper; gives a function that calls the wrapper on it."""
    container = f"hf-verbs-{runtime}-{next(COUNT)}"
    bundle = bare.bundle(container, args=list(LONG))

    def call(*words, binary=WRAPPERS[runtime]):
        return bare.room.run([binary, *words])

    # The container keeps the caller's stdout, so it goes elsewhere; an engine gives it a pipe of its own.
    created = bare.room.run(
        ["sh", "-c", '"$@" >/dev/null 2>&1 </dev/null', "sh", WRAPPERS[runtime],
         "create", "--bundle", bundle, container]
    )  # fmt: skip
    assert created.code == 0
    assert call("start", container).code == 0
    yield container, call
    call("delete", "--force", container, binary=runtime)


COUNT = itertools.count(1)


def status(call, container, **options):
    return json.loads(call("state", container, **options).out)["status"]


def test_state_kill_and_delete_work_with_a_policy_that_cannot_be_read(running, host, runtime):
    container, call = running
    host.policy(BROKEN)

    assert status(call, container) == "running"
    killed = call("kill", container, "KILL")
    assert (killed.code, killed.out, killed.err) == (0, "", "")
    wait_for(lambda: status(call, container) == "stopped", "the end of the container")
    deleted = call("delete", container)
    assert (deleted.code, deleted.out, deleted.err) == (0, "", "")
    assert call("state", container, binary=runtime).code == 1


def test_state_is_what_the_runtime_itself_says(running, runtime):
    container, call = running

    assert call("state", container) == call("state", container, binary=runtime)


def test_exec_reaches_the_container(running):
    container, call = running

    done = call("exec", container, "/bin/sh", "-c", "echo inside; exit 9")

    assert (done.code, done.out) == (9, "inside\n")


def test_verbs_reach_the_runtime_that_created_the_container_by_either_name(running, runtime):
    """An engine may call the plain wrapper for a container that its other name created: the record knows."""
    container, call = running
    other = WRAPPERS["crun" if runtime == "runc" else "runc"]

    assert status(call, container, binary=other) == "running"
    assert call("delete", "--force", container, binary=other).code == 0
    assert call("state", container, binary=runtime).code == 1


def test_container_that_nobody_knows_gives_the_runtime_s_own_error(bare, host, runtime):
    verbs = [("state", "hf-nobody"), ("kill", "hf-nobody", "KILL"), ("delete", "hf-nobody")]

    for verb in verbs:
        assert bare.room.run([WRAPPERS[runtime], *verb]).code == bare.room.run([runtime, *verb]).code != 0


def test_version_and_features_are_the_runtime_s_own(bare, host, runtime):
    for word in ("--version", "features"):
        assert bare.room.run([WRAPPERS[runtime], word]) == bare.room.run([runtime, word])


def test_policy_that_cannot_be_read_stops_a_new_container(way, host, journal):
    host.policy(BROKEN)
    container = way.new()

    done = way.start("fits", container)

    assert done.code != 0
    assert "hostfit: policy cannot be used" in done.err
    assert "on_misfit" in done.err
    assert way.left(container) == []
    (entry,) = journal.entries
    assert "policy cannot be used" in entry["MESSAGE"]


def test_podman_stops_and_removes_a_container_with_a_policy_that_cannot_be_read(podman, images, host, runtime):
    name = f"hf-stop-{runtime}"
    started = podman.start(images.built["fits"], *LONG, runtime=WRAPPERS[runtime], options=("-d", "--name", name))
    assert started.code == 0, started
    host.policy(BROKEN)

    inside = podman("exec", name, "/bin/sh", "-c", "echo inside")
    stopped = podman("stop", "-t", "0", name)
    removed = podman("rm", name)

    assert (inside.code, inside.out) == (0, "inside\n")
    assert (stopped.code, removed.code) == (0, 0)
    assert podman.names() == []


def test_ctr_kills_and_deletes_a_container_with_a_policy_that_cannot_be_read(containerd, images, host, runtime):
    container = f"hf-task-{runtime}"
    started = containerd(
        "run", "-d", "--runc-binary", WRAPPERS[runtime], images.built["fits"].name, container, *LONG
    )  # fmt: skip
    assert started.code == 0, started
    host.policy(BROKEN)

    killed = containerd("tasks", "kill", "--signal", "KILL", container)
    wait_for(lambda: "STOPPED" in containerd("tasks", "ls").out, "the end of the task")
    deleted = containerd("tasks", "delete", container)
    removed = containerd("containers", "delete", container)

    assert killed.code == 0
    assert "code 137" in deleted.err
    assert removed.code == 0
    assert containerd.left() == []
