"""The life of the Debian package on whole releases: from installation to purge, with containers running."""

from __future__ import annotations

import itertools
import json
import re
import shutil

import pytest
from hostfit_bed import packages
from hostfit_bed.command import wait_for
from hostfit_bed.images import STARTED

from .conftest import crun_alone

pytestmark = pytest.mark.engines

REFUSED = "does not fit this host: kernel.loadedmodule gtp5g: required present, found absent"
ANNOTATION = {"fits": "kernel.version.full >=4.0", "module": "kernel.loadedmodule.gtp5g exists"}
STORM = """\
n=0
while [ ! -e /srv/calm ]; do
    n=$((n + 1))
    for kind in fits module; do
        said=$(hostfit-runtime run --bundle "/srv/$kind" "storm-$1-$n-$kind" 2>&1 </dev/null)
        echo "$kind $? $(echo "$said" | tr '\\n' ' ')" >>"/srv/storm.$1"
    done
done
"""
COUNT = itertools.count(1)


class Life:
    """One release on which the package lives, and the containers of its engines."""

    def __init__(self, booted, images):
        self.booted = booted
        self.images = images.built
        self.rootfs = images.rootfs

    def podman(self, tag, *options, runtime=""):
        """`podman run` as a user types it; gives what is shown and the container's name."""
        name = f"hf-life-{next(COUNT)}"
        chosen = ["--runtime", runtime] if runtime else []
        words = [*chosen, "run", *self.booted.limits, *options, "--name", name, self.images[tag].name]
        return self.booted.podman(*words), name

    def ctr(self, tag, *options):
        """`ctr run`; gives what is shown and the container's id."""
        name = f"hf-life-{next(COUNT)}"
        words = ["ctr", "run", "--cpu-shares", "0", "--snapshotter", "native", *options, self.images[tag].name, name]
        return self.booted.run(words), name

    def version(self):
        return self.booted.run(["hostfit", "--version"], check=True).out.split()[1]

    def running(self):
        """Names of the containers that run, by their engines."""
        podman = self.booted.podman("ps", "--format", "{{.Names}}", check=True).out.split()
        tasks = self.booted.run(["ctr", "tasks", "ls"], check=True).out.splitlines()
        return {*podman, *[line.split()[0] for line in tasks if "RUNNING" in line]}

    def left(self):
        """What of hostfit is on the release's own disk and in /run, the tests' own images and packages aside."""
        find = ["find", "/etc", "/usr", "/var/lib", "/run", "-xdev", "-name", "*hostfit*"]
        found = self.booted.run([*find, "-not", "-path", "/var/lib/containers/*"], check=True).out.split()
        run = self.booted.run(["find", "/run", "-name", "*hostfit*"], check=True).out.split()
        return {*found, *run}


class Storm:
    """Containers that are started without a pause, two at a time, half of which do not fit."""

    def __init__(self, life):
        self.booted = life.booted
        self.logs = [self.booted.shared / f"storm.{number}" for number in (1, 2)]
        shutil.copytree(life.rootfs, self.booted.shared / "rootfs", symlinks=True)
        for kind, clause in ANNOTATION.items():
            self.booted.run(["sh", "-c", f"mkdir /srv/{kind} && cd /srv/{kind} && runc spec"], check=True)
            path = self.booted.shared / kind / "config.json"
            config = json.loads(path.read_text())
            config["process"] |= {"terminal": False, "args": ["/bin/sh", "-c", f"echo {STARTED}; exit 7"]}
            config["process"].pop("rlimits", None)
            config["root"] = {"path": "/srv/rootfs", "readonly": True}
            config["annotations"] = {"io.hostfit.require": clause}
            path.write_text(json.dumps(config))
        (self.booted.shared / "storm").write_text(STORM)

    def __enter__(self):
        self.processes = [self.booted.spawn(["sh", "/srv/storm", str(number)]) for number in (1, 2)]
        return self

    def lines(self):
        """Of each start so far: kind, exit status, what was shown."""
        return [line for log in self.logs if log.exists() for line in log.read_text().splitlines()]

    def wait(self):
        """Wait until ten more containers were started."""
        many = len(self.lines()) + 10
        wait_for(lambda: len(self.lines()) >= many, "the storm", 120)

    def __exit__(self, *exc):
        (self.booted.shared / "calm").touch()
        for process in self.processes:
            process.wait(timeout=60)


def test_life_of_the_package(clean, images):
    """One story, for each chapter needs the one before: a release is upgraded, downgraded and cleaned in an order."""
    life, run = Life(clean, images), clean.run
    before = life.left()
    plain = "crun" if clean.limits else "runc"

    # Installed, it is ready and changes nothing.
    clean.apt("install", clean.packages["previous"])
    assert life.version() == "0.0.9"
    assert run(["systemctl", "is-active", "hostfitd"]).out == "active\n"
    assert life.podman("module", runtime=plain)[0].code == 7
    assert life.ctr("module", "--rm")[0].code == 7

    # Set up, Podman's containers go through it without a word on the command line, and containerd's by its shim.
    run(["hostfit", "setup", "podman", "--default"], check=True)
    run(["hostfit", "setup", "containerd", "--default"], check=True)
    run(["systemctl", "restart", "containerd"], check=True)
    wait_for(lambda: run(["ctr", "version"]).code == 0, "containerd", 60)
    crun_alone(clean)
    assert life.podman("fits")[0].code == 7
    refused, name = life.podman("module")
    assert (refused.code, REFUSED in refused.err) == (126, True), refused
    container = clean.podman("inspect", "--format", "{{.Id}}", name, check=True).out.strip()
    (entry,) = [one for one in clean.journal(f"HOSTFIT_CONTAINER_ID={container}") if one["HOSTFIT_ENTRY"] == "runtime"]
    assert (entry["HOSTFIT_VERDICT"], entry["HOSTFIT_ACTION"]) == ("misfit", "deny")
    started = {life.podman("sleeps", "--detach")[1]}
    run(["rm", "--force", "/etc/hostfit/conf.d/crun.toml"], check=True)
    for way in (["--runc-binary", "/usr/bin/hostfit-runtime"], ["--runtime", "io.containerd.hostfit.v2"]):
        assert life.ctr("fits", "--rm", *way)[0].code == 7, way
        refused, name = life.ctr("module", "--rm", *way)
        assert (refused.code, REFUSED in refused.err) == (1, True), refused
        assert clean.journal(f"HOSTFIT_CONTAINER_ID={name}", "HOSTFIT_VERDICT=misfit")

    # Upgraded while containers run and others start, with the service going and coming, every start is decided rightly.
    detached, name = life.ctr("sleeps", "--detach", *way)
    assert detached.code == 0, detached
    started.add(name)
    wait_for(lambda: life.running() == started, "the containers", 60)
    with Storm(life) as storm:
        storm.wait()
        for _ in range(3):
            run(["systemctl", "restart", "hostfitd"], check=True)
        storm.wait()
        clean.apt("install", clean.packages["this"])
        storm.wait()
        assert life.version() == packages.VERSION
        clean.apt("install", clean.packages["previous"])
        storm.wait()
    wrong = [
        line for line in storm.lines()
        if not line.startswith(f"fits 7 {STARTED}") and not (line.startswith("module 1 ") and REFUSED in line)
    ]  # fmt: skip
    assert wrong == []
    assert run(["systemctl", "is-active", "hostfitd"]).out == "active\n"
    assert life.version() == "0.0.9"
    assert life.running() == started

    # It does not leave engines and containers behind that need it, and says which they are.
    held = clean.apt("remove", "hostfit", check=False)
    assert held.code != 0
    said = held.out + held.err
    assert "hostfit setup containerd --remove" in said
    assert "hostfit setup podman --remove" in said
    assert "containers can be deleted only through it" in said
    assert life.version() == "0.0.9"
    assert run(["systemctl", "is-active", "hostfitd"]).out == "active\n"

    # Once nothing needs it any more it goes, and the engines are as they were.
    clean.podman("rm", "--all", "--force", "--time", "0", check=True)
    for task in run(["ctr", "tasks", "ls", "-q"], check=True).out.split():
        run(["ctr", "tasks", "rm", "--force", task], check=True)
        run(["ctr", "containers", "rm", task], check=True)
    run(["sh", "-c", "rm -r /srv/fits /srv/module"], check=True)
    run(["hostfit", "setup", "podman", "--remove"], check=True)
    run(["hostfit", "setup", "containerd", "--remove"], check=True)
    run(["systemctl", "restart", "containerd"], check=True)
    wait_for(lambda: run(["ctr", "version"]).code == 0, "containerd", 60)
    clean.apt("remove", "hostfit")
    assert life.podman("module", runtime=plain)[0].code == 7
    assert life.ctr("module", "--rm")[0].code == 7
    assert run(["test", "-e", "/etc/hostfit/hostfit.toml"]).code == 0

    # A purge leaves nothing.
    clean.apt("purge", "hostfit")
    assert life.left() == before
    assert "hostfit" not in run(["getent", "passwd"], check=True).out


class TestInstalled:
    @pytest.mark.parametrize(
        ("service", "most"), [("hostfitd", 1.8), ("hostfit-sync", 1.9), ("hostfit-sync-missing", 1.9)]
    )
    def test_service_is_hardened(self, booted, service, most):
        """What fetches is root with a network, which alone is more than all that hostfitd has."""
        shown = booted.run(["systemd-analyze", "security", "--no-pager", f"{service}.service"], check=True).out

        assert float(re.search(rf"Overall exposure level for {service}.service: ([\d.]+)", shown)[1]) <= most

    def test_units_have_no_mistake(self, booted):
        units = ["hostfitd.service", "hostfit-sync.service", "hostfit-sync.timer", "hostfit-sync-missing.path"]

        assert booted.run(["systemd-analyze", "verify", "--man=no", *units]).err == ""

    def test_what_asks_registries_is_off(self, booted):
        units = ["hostfitd.service", "hostfit-sync.timer", "hostfit-sync-missing.path"]

        assert booted.run(["systemctl", "is-enabled", *units]).out.split() == ["enabled", "disabled", "disabled"]

    def test_preset_says_what_is_so(self, booted):
        units = ["hostfit-sync.timer", "hostfit-sync-missing.path", "hostfitd.service"]
        before = booted.run(["systemctl", "is-enabled", *units]).out
        booted.run(["systemctl", "preset", *units], check=True)

        assert booted.run(["systemctl", "is-enabled", *units]).out == before

    def test_specs_are_looked_up_when_an_image_comes(self, booted, images):
        """The path unit sees what Podman stores, however often that is, and the look-up knows the image."""
        booted.run(["systemctl", "start", "hostfit-sync-missing.path"], check=True)
        ended = ["systemctl", "show", "--value", "--property=ExecMainExitTimestampMonotonic", "hostfit-sync-missing"]
        before = ["", "0"]
        for number in range(7):
            # More starts in a few seconds than systemd lets a service have by itself.
            booted.podman("tag", images.built["fits"].name, f"localhost/hostfit/tagged:{number}", check=True)
            booted.podman("load", "-q", "-i", f"/root/{images.built['sleeps'].oci.name}", check=True)
            wait_for(lambda: booted.run(ended).out.strip() not in before, "the end of the look-up", 60)
            before.append(booted.run(ended).out.strip())
        assert booted.run(["systemctl", "is-failed", "hostfit-sync-missing.path"]).out != "failed\n"
        booted.run(["systemctl", "stop", "hostfit-sync-missing.path"], check=True)
        told = booted.run(["journalctl", "-u", "hostfit-sync-missing", "-o", "cat", "--no-pager"], check=True).out
        assert re.search(r"^[1-9][0-9]* images?: [1-9][0-9]* without$", told, re.MULTILINE)
        assert booted.run(["hostfit", "sync", "--missing"], check=True).out == "0 images: nothing to look up\n"
        assert booted.run(["systemctl", "is-failed", "hostfit-sync-missing.service"]).out == "inactive\n"

    def test_files_are_compiled_for_the_release_s_python(self, booted):
        made = booted.run(["sh", "-c", "ls /usr/share/hostfit/hostfit /usr/share/hostfit/hostfit/core/__pycache__"]).out

        assert {"_pass.pyc", "_start.pyc", "_rest.joined"} <= set(made.split())
        assert booted.run(["dpkg", "--verify", "hostfit"], check=True).out == ""
