"""Pods of CRI-O by the handler that `hostfit setup crio` writes: what does not fit is refused, the rest runs."""

from __future__ import annotations

import json
import tomllib

import pytest
from hostfit_bed import product
from hostfit_bed.catalogue import MODULE, REQUIRE
from hostfit_bed.command import wait_for
from hostfit_bed.cri import NAMESPACE, TOOLS
from hostfit_bed.crio import CONFIG, RUNC, SITE, STORAGE, Crio, furnish
from hostfit_bed.images import STARTED
from hostfit_bed.room import Room

pytestmark = pytest.mark.engines

MISFIT = "does not fit this host: kernel.loadedmodule gtp5g: required present, found absent"
SHOWN = "container create failed: hostfit: {} " + MISFIT + " (hostfit why {})"
SLEEPS = ("/bin/sh", "-c", "echo started; exec sleep 1000")
ROOT = "/run/runc"
"""Where the drop-in has runc keep its state."""


@pytest.fixture(scope="module")
def opened(pod_images):
    """Open a room with CRI-O set up by hostfit, with the images its pods use; all are closed at the end."""
    rooms = []

    def opened(*options, site=RUNC):
        room = Room()
        rooms.append(room)
        furnish(room, site=site)
        room.start()
        room.run([product.SYSTEM_HOSTFIT, "setup", "crio", *options], check=True)
        crio = Crio(room)
        for tag in ("pause", "fits", "module"):
            crio.load(pod_images.built[tag])
        return crio

    yield opened
    for room in reversed(rooms):
        room.stop()


@pytest.fixture(scope="module")
def started(opened):
    return opened()


@pytest.fixture
def engine(started):
    """CRI-O with a handler for pods that ask for it; what a test left behind is none of the next one's."""
    yield started
    if started.left():
        started("rmp", "-a", "-f")


@pytest.fixture
def scope(engine):
    """Write a scope into the policy."""
    drop_in = engine.room.policy / "conf.d" / "scope.toml"
    drop_in.parent.mkdir(exist_ok=True)
    yield drop_in.write_text
    drop_in.unlink()


def why(engine, container):
    return engine.room.run([product.SYSTEM_HOSTFIT, "why", container], check=True).out


def end(engine, pod, container):
    """Remove a pod whose container would take all the time there is to stop."""
    engine("stop", container, check=True)
    pod.remove()


def states(engine):
    """What runc keeps."""
    listed = engine.room.run(["runc", "--root", ROOT, "list", "--format", "json"], check=True).out
    return {one["id"]: one["status"] for one in json.loads(listed) or []}


def annotations(engine, container):
    """Those of a container's bundle that are CRI-O's own."""
    config = engine.room.run(["cat", f"{STORAGE}/vfs-containers/{container}/userdata/config.json"], check=True).out
    prefix = "io.kubernetes.cri-o."
    found = json.loads(config)["annotations"]
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}


def config_of(pod_images, tag):
    """The ID of an image, which is the digest of its config."""
    return pod_images.read(pod_images.built[tag].digest)["config"]["digest"].removeprefix("sha256:")


def test_a_container_that_fits_lives_and_its_image_is_known(engine, pod_images):
    image = pod_images.built["fits"]
    pod = engine.pod("hostfit")
    container = pod.create(image, *SLEEPS)
    assert pod.start(container).code == 0
    wait_for(lambda: "started" in pod.log(container), "the container's first line", 60)

    assert engine("exec", "-s", container, "/bin/busybox", "echo", "inside", check=True).out.split() == ["inside"]
    said = why(engine, container[:12])
    for line in ("engine:       cri-o", f"image:        {image.name}", f"digest:       {image.digest}"):
        assert line in said.splitlines()
    assert states(engine) == {container: "running"}
    engine("stop", container, check=True)
    wait_for(lambda: pod.status(container)["state"] == "CONTAINER_EXITED", "the end of the container", 60)
    engine("rm", container, check=True)
    pod.remove()
    assert (engine.left(), states(engine)) == ([], {})


def test_one_container_of_a_pod_is_refused_and_the_other_runs(engine, pod_images):
    pod = engine.pod("hostfit")
    fits = pod.create(pod_images.built["fits"], *SLEEPS)
    assert pod.start(fits).code == 0
    refused = pod.ask(pod_images.built["module"])

    assert refused.code == 1
    name = pod_images.built["module"].name
    container = refused.err.partition("(hostfit why ")[2].partition(")")[0]
    assert SHOWN.format(name, container) in refused.err
    assert f"hostfit: {name} {MISFIT}" in why(engine, container)
    assert engine("ps", "-a", "-q", check=True).out.split() == [fits]
    assert states(engine) == {fits: "running"}
    end(engine, pod, fits)
    assert (engine.left(), states(engine)) == ([], {})


def test_what_the_deployer_says_of_a_pod_holds_for_its_containers(engine, pod_images):
    """And for its sandbox, where CRI-O starts a process for one."""
    refused_pod = engine.refused_pod("hostfit", annotations={REQUIRE: MODULE})
    pod = engine.pod("hostfit", annotations={REQUIRE: MODULE})
    refused = pod.ask(pod_images.built["fits"])

    for one, tag in ((refused_pod, "pause"), (refused, "fits")):
        assert one.code == 1
        assert f"container create failed: hostfit: {pod_images.built[tag].name} {MISFIT}" in one.err
    pod.remove()
    assert engine.left() == []


def test_an_image_is_known_by_its_id_where_the_store_does_not_list_the_container(engine, pod_images):
    """By the real bundle, with the list of containers hidden."""
    image = pod_images.built["fits"]
    pod = engine.pod("hostfit")
    container = pod.create(image, *SLEEPS)
    hide = ': >/run/empty && mount --bind /run/empty "$0" && exec "$@"'
    said = engine.room.run(
        ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", hide,
         "/var/lib/containers/storage/vfs-containers/volatile-containers.json",
         product.SYSTEM_HOSTFIT, "check", "--bundle", f"{STORAGE}/vfs-containers/{container}/userdata"],
        check=True,
    ).out  # fmt: skip

    assert annotations(engine, container)["ImageRef"] == config_of(pod_images, "fits")
    for line in ("engine:       cri-o", f"image:        {image.name}", f"digest:       {image.digest}"):
        assert line in said.splitlines()
    end(engine, pod, container)


def test_a_pod_cannot_pass_one_image_off_as_another(engine, pod_images):
    """CRI-O writes what it knows over what a pod says of it."""
    said = {"ImageRef": config_of(pod_images, "fits"), "ImageName": pod_images.built["fits"].name, "Labels": "{}"}
    pod = engine.pod("hostfit", annotations={f"io.kubernetes.cri-o.{key}": value for key, value in said.items()})
    plain = engine.pod("runc", annotations={f"io.kubernetes.cri-o.{key}": value for key, value in said.items()})
    refused, unchecked = pod.ask(pod_images.built["module"]), plain.create(pod_images.built["module"])

    assert refused.code == 1
    assert f"{pod_images.built['module'].name} {MISFIT}" in refused.err
    known = annotations(engine, unchecked)
    assert known["ImageRef"] == config_of(pod_images, "module")
    assert known["ImageName"] == pod_images.built["module"].name
    assert json.loads(known["Labels"])["io.kubernetes.pod.namespace"] == NAMESPACE
    pod.remove()
    end(engine, plain, unchecked)


def test_a_scope_of_a_namespace_counts(engine, scope, pod_images):
    scope('[[scope]]\nnamespace = "prod"\non_misfit = "warn"\n')
    pod = engine.pod("hostfit")
    warned = pod.create(pod_images.built["module"], *SLEEPS)

    assert pod.start(warned).code == 0
    assert "verdict:      misfit" in why(engine, warned[:12])
    scope('[[scope]]\nnamespace = "test"\non_misfit = "warn"\n')
    assert MISFIT in pod.ask(pod_images.built["module"]).err
    end(engine, pod, warned)


def test_setup_by_default_holds_for_every_pod_and_everything_comes_back(opened, pod_images):
    crio = opened("--default")
    room = crio.room
    before = room.run(["cat", CONFIG, SITE], check=True).out
    assert doctor(room) == (set(), 0)

    for handler in ("", "hostfit", "runc"):
        pod = crio.pod(handler)
        fits = pod.create(pod_images.built["fits"])
        started, refused = pod.start(fits), pod.ask(pod_images.built["module"])
        assert (started.code, refused.code, MISFIT in refused.err) == (0, 1, True), (handler, started, refused)
        if not handler:
            stranded = room.run(["hostfit", "setup", "crio", "--remove"])
            assert (stranded.code, "required no container that is on hostfit, found" in stranded.err) == (2, True)
            wait_for(lambda: STARTED in pod.log(fits), "what the container says", 60)  # noqa: B023 - called at once
        pod.remove()

    room.run(["hostfit", "setup", "crio", "--remove"], check=True)
    assert room.run(["cat", CONFIG, SITE], check=True).out == before
    assert sorted(room.run(["find", "/etc/crio", "-type", "f"], check=True).out.split()) == [CONFIG, SITE]
    assert doctor(room) == ({"not-set-up"}, 1)


def test_the_handler_that_cri_o_has_of_itself_is_known(opened, pod_images):
    """Nothing runs on it here: Debian's crun refuses the bundles of this CRI-O."""
    crio = opened("--default", site="")
    handlers = tomllib.loads(crio.room.run([f"{TOOLS}/crio", "config"], check=True).out)["crio"]["runtime"]["runtimes"]
    offered = {one.get("name", "") for one in json.loads(crio("info", check=True).out)["runtimeHandlers"]}

    assert (set(handlers), offered) == ({"crun", "hostfit"}, {"", "crun", "hostfit"})
    assert handlers["hostfit"]["runtime_path"] == "/usr/bin/hostfit-runtime-crun"
    for key in ("runtime_type", "allowed_annotations", "monitor_env", "monitor_cgroup"):
        assert handlers["hostfit"][key] == handlers["crun"][key]
    assert found(crio.room) == [("crun-silent", "handler crun")]
    pod = crio.pod("")
    assert MISFIT in pod.ask(pod_images.built["module"]).err
    pod.remove()


def doctor(room):
    """What it finds beside notes, and its exit code."""
    done = room.run(["hostfit", "doctor", "crio", "--format", "json"])
    return {one["id"] for one in json.loads(done.out)["findings"] if one["severity"] != "note"}, done.code


def found(room):
    """What it finds about CRI-O, notes too."""
    done = room.run(["hostfit", "doctor", "crio", "--format", "json"])
    return [(one["id"], one["subject"]) for one in json.loads(done.out)["findings"] if one["engine"] == "crio"]
