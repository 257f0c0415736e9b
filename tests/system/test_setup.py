"""`hostfit setup` on the real engines: a container then goes through hostfit, and `--remove` leaves no trace (CH8)."""

from __future__ import annotations

import json

import pytest
from hostfit_bed import product
from hostfit_bed.command import run, wait_for
from hostfit_bed.engines import CONTAINERS, Podman, furnish_podman
from hostfit_bed.images import STARTED
from hostfit_bed.room import Room

MISFIT = "does not fit this host: kernel.loadedmodule gtp5g: required present, found absent"
KILL = "kill -KILL $(pidof containerd)"
"""The room has process ids of its own."""
CRI = """\
version = 2
# kept by setup
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.example/pause:1"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


@pytest.fixture(scope="module")
def machine(room, images):
    """A second room with the same installation, in which engines are configured by `hostfit setup` alone."""
    machine = Room()
    try:
        furnish_podman(machine)
        # Users of this machine, whose own settings doctor would tell of, are none of the test's.
        machine.place("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        # The room's own containers.conf names no default runtime here: that is what setup is to do.
        conf = "\n".join([line for line in CONTAINERS.splitlines() if not line.startswith("runtime")])
        machine.place("/etc/containers/containers.conf", conf + "\n")
        run(["cp", "-a", room.opt / "hostfit", machine.opt], check=True)
        machine.start()
        yield machine
    finally:
        machine.stop()


def hostfit(machine, *words, **options):
    return machine.run([product.HOSTFIT, *words], **options)


def found(machine, *engines):
    """What `hostfit doctor` finds, as ids, and its exit code."""
    done = hostfit(machine, "doctor", *engines, "--format", "json")
    return {one["id"] for one in json.loads(done.out)["findings"]} - {
        "store-unsynced",
        "no-journal",
        "runtime-changes",
    }, done.code


def configuration(machine):
    """Every file below the directories that setup writes to, with its content, as one text."""
    find = "find /etc/containers /etc/containerd /etc/docker -type f -exec sha256sum {} + 2>/dev/null | sort -k2; true"
    return machine.run(["sh", "-c", find], check=True).out


class TestPodman:
    @pytest.fixture
    def podman(self, machine, images):
        podman = Podman(machine)
        for tag in ("fits", "module"):
            podman.load(images.built[tag])
        return podman

    def test_every_container_goes_through_hostfit_until_it_is_removed(self, machine, podman, images):
        fits, module = images.built["fits"].name, images.built["module"].name
        before = configuration(machine)
        hostfit(machine, "setup", "podman", "--default", check=True)
        assert hostfit(machine, "setup", "podman", "--default", check=True).out == "podman: nothing to change\n"

        assert found(machine, "podman") == (set(), 0)

        started = podman("run", "--name", "kept", fits)
        refused = podman("run", "--rm", module)
        around = podman("--runtime", "runc", "run", "--rm", module)

        assert (started.code, started.out) == (7, f"{STARTED}\n")
        assert (refused.code, MISFIT in refused.err) == (126, True)
        assert (around.code, MISFIT in around.err) == (126, True), "the hook sees what goes to another runtime"

        stranded = hostfit(machine, "setup", "podman", "--remove")
        assert (stranded.code, "required no container that is on hostfit, found 1: kept" in stranded.err) == (2, True)
        podman("rm", "kept", check=True)
        hostfit(machine, "setup", "podman", "--remove", check=True)

        assert configuration(machine) == before
        assert found(machine, "podman") == ({"not-set-up"}, 1)
        assert podman("run", "--rm", module).out == f"{STARTED}\n"

    def test_a_hook_whose_program_is_gone_is_dropped_without_a_word(self, machine, podman, images):
        """What doctor says of a definition without its program, on the real engine."""
        hostfit(machine, "setup", "podman", "--default", check=True)
        machine.run(["mv", product.HOOK, f"{product.HOOK}.away"], check=True)
        try:
            around = podman("--runtime", "runc", "run", "--rm", images.built["module"].name)
            seen = found(machine, "podman")
        finally:
            machine.run(["mv", f"{product.HOOK}.away", product.HOOK], check=True)
            hostfit(machine, "setup", "podman", "--remove", check=True)

        assert (around.code, around.out, around.err) == (7, f"{STARTED}\n", "")
        assert seen == ({"hook-dropped", "setup-outdated"}, 1)

    def test_what_podman_offers_on_crun_alone_it_offers_still(self, machine, podman, images):
        """CH9: a container without cgroups, for which Podman has a list of runtimes by name."""
        ask = ("run", "--rm", "--cgroups=disabled", images.built["fits"].name)
        plain = podman("--runtime", "crun", *ask)
        machine.policy.joinpath("hostfit.toml").write_text('[policy]\ndefault = "crun"\n')
        hostfit(machine, "setup", "podman", "--default", check=True)
        try:
            checked = podman(*ask)
        finally:
            hostfit(machine, "setup", "podman", "--remove", check=True)
            machine.policy.joinpath("hostfit.toml").unlink()

        assert (plain.code, plain.out) == (7, f"{STARTED}\n")
        assert (checked.code, checked.out) == (7, f"{STARTED}\n"), checked

    def test_a_host_whose_usr_is_read_only_is_set_up_alike(self, machine, podman):
        before = configuration(machine)
        frozen = "mount --bind /usr /usr && mount -o remount,bind,ro /usr && ! touch /usr/x 2>/dev/null && "
        for words in ("setup podman --default", "setup podman --remove"):
            machine.run(["unshare", "--mount", "sh", "-c", f"{frozen}{product.HOSTFIT} {words}"], check=True)

        assert configuration(machine) == before

    def test_doctor_looks_at_the_host_that_it_runs_on(self, machine):
        sockets = ["test", "-e", "/run/systemd/journal/socket", "-o", "-e", "/dev/log"]
        listed = hostfit(machine, "doctor", "podman").out
        assert ("no-journal" in listed) == (machine.run(sockets).code != 0)

        machine.policy.joinpath("hostfit.toml").write_text("[policy]\n")
        try:
            assert found(machine, "podman") == ({"policy-not-compiled", "not-set-up"}, 1)
            hostfit(machine, "lint", check=True)
            assert found(machine, "podman") == ({"not-set-up"}, 1)
        finally:
            machine.policy.joinpath("hostfit.toml").unlink()


class TestContainerd:
    def test_containerd_reads_what_is_written_and_loses_nothing(self, machine):
        """The effective configuration of Debian's containerd 1.6, where an import replaces the CRI plugin's table."""
        machine.run(["sh", "-c", "mkdir -p /etc/containerd && cat >/etc/containerd/config.toml"], stdin=CRI, check=True)
        before = configuration(machine)

        hostfit(machine, "setup", "containerd", "--default", check=True)
        dump = machine.run(["containerd", "config", "dump"], check=True).out
        hostfit(machine, "setup", "containerd", "--remove", check=True)

        assert 'sandbox_image = "registry.example/pause:1"' in dump
        assert 'default_runtime_name = "hostfit"' in dump
        section = dump.partition('cri".containerd.runtimes.hostfit]')[2].partition("cni]")[0]
        assert 'runtime_type = "io.containerd.runc.v2"' in section
        assert f'BinaryName = "{product.RUNTIME}"' in section
        assert configuration(machine) == before

    def test_a_daemon_that_did_not_read_it_yet_is_found(self, machine):
        machine.run(["sh", "-c", "mkdir -p /etc/containerd && cat >/etc/containerd/config.toml"], stdin=CRI, check=True)
        machine.spawn(["containerd"], "containerd-restart.log")
        wait_for(lambda: machine.run(["ctr", "version"]).code == 0, "containerd", 60)
        hostfit(machine, "setup", "containerd", "--default", check=True)

        assert "restart-needed" in found(machine, "containerd")[0]

        machine.run(["sh", "-c", KILL], check=True)
        wait_for(lambda: machine.run(["ctr", "version"]).code != 0, "the end of containerd", 60)
        machine.spawn(["containerd"], "containerd-restarted.log")
        wait_for(lambda: machine.run(["ctr", "version"]).code == 0, "containerd", 60)
        assert found(machine, "containerd") == (set(), 0)
        machine.run(["sh", "-c", KILL], check=True)
        wait_for(lambda: machine.run(["ctr", "version"]).code != 0, "the end of containerd", 60)
        machine.spawn(["containerd", "--config", "/dev/null"], "containerd-other.log")
        wait_for(lambda: machine.run(["ctr", "version"]).code == 0, "containerd", 60)
        assert found(machine, "containerd") == ({"other-config"}, 3)
        hostfit(machine, "setup", "containerd", "--remove", check=True)


class TestDocker:
    def test_a_daemon_takes_the_runtime_on_reload_and_gives_it_back(self, machine, images):
        machine.run(["mkdir", "-p", "/etc/docker"], check=True)
        site = '{\n    "log-level": "warn"\n}\n'
        machine.run(["tee", "/etc/docker/daemon.json"], stdin=site, check=True)
        if machine.run(["ctr", "version"]).code != 0:
            machine.spawn(["containerd", "--config", "/dev/null"], "docker-containerd.log")
            wait_for(lambda: machine.run(["ctr", "version"]).code == 0, "containerd", 60)
        flags = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]
        log = machine.directory / "dockerd.log"
        daemon = machine.spawn(["dockerd", *flags, "--containerd", "/run/containerd/containerd.sock"], log.name)
        ask = ["/usr/bin/docker", "info", "--format", "{{json .DefaultRuntime}} {{json .Runtimes}}"]

        def answer():
            assert daemon.poll() is None, log.read_text()[-2000:]
            done = machine.run(ask)
            return done.out if done.code == 0 else ""

        wait_for(answer, "dockerd", 60)
        fits, module = images.built["labelled-fits"], images.built["labelled-module"]
        for image in (fits, module):
            machine.run(["/usr/bin/docker", "load", "-q", "-i", image.docker], check=True)
        run_ = ["/usr/bin/docker", "run", "--network=none"]

        told = hostfit(machine, "setup", "docker", "--default", check=True).out
        assert "to make it count: systemctl reload docker\n" in told
        assert found(machine, "docker") == ({"runtime-choice", "restart-needed"}, 3)
        machine.run(["sh", "-c", "kill -HUP $(cat /run/docker.pid)"], check=True)
        wait_for(lambda: answer().startswith('"hostfit"'), "the new default", 60)
        started = machine.run([*run_, "--name", "kept", fits.name])
        refused = machine.run([*run_, "--rm", module.name])

        assert (started.code, started.out) == (7, f"{STARTED}\n")
        assert (refused.code, MISFIT in refused.err) == (125, True)
        stranded = hostfit(machine, "setup", "docker", "--remove")
        assert (stranded.code, "found 1: kept" in stranded.err) == (2, True)
        assert found(machine, "docker") == ({"runtime-choice"}, 0)
        machine.run(["/usr/bin/docker", "rm", "kept"], check=True)
        machine.run(["/usr/bin/docker", "container", "prune", "--force"], check=True)

        told = hostfit(machine, "setup", "docker", "--remove", check=True).out

        assert "to make it count: systemctl restart docker\n" in told
        assert machine.run(["cat", "/etc/docker/daemon.json"], check=True).out == site
