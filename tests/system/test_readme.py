"""The commands of README.md that need an engine or an installation, as they stand there."""

from __future__ import annotations

import json
import subprocess

import pytest
from hostfit_bed import product
from hostfit_bed.command import ENVIRONMENT, run, wait_for
from hostfit_bed.readme import Readme

STARTED = "started in the container"


@pytest.fixture(scope="module")
def readme():
    return Readme()


def shell(room, command, **options):
    """Run a line of the README in the room, with the installed commands on the path as the README says."""
    return room.run(["env", "PATH=/opt/hostfit/bin:/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", command], **options)


def test_installation_gives_every_command(readme, tmp_path):
    tree = product.copy_tree(tmp_path / "tree")
    (tmp_path / "opt").mkdir()
    look = "for name in hostfit hostfit-runtime hostfit-hook; do command -v $name; done; hostfit --version"
    script = f'set -e\nmount --bind "$1" /opt\ncd "$2"\n{readme.block("install")}\n{look}\n'
    inside = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script, "sh", tmp_path / "opt", tree]

    done = run(inside, check=True, timeout=600, env=product.network() | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})

    assert [f"/opt/hostfit/bin/{name}" for name in ("hostfit", "hostfit-runtime", "hostfit-hook")] == [
        line for line in done.out.splitlines() if line.startswith("/opt")
    ]
    assert done.out.splitlines()[-1].startswith("hostfit 0.")


def test_the_commands_run_as_installed(readme, room, host):
    directory = room.run_dir / "readme"
    directory.mkdir()
    readme.write(directory)
    commands = readme.commands("run")

    codes = [shell(room, f"cd /run/readme && {command}").code for command in commands]

    assert codes[:-1] == [0] * (len(commands) - 1)
    assert codes[-1] in (0, 1, 3)


def test_podman_for_one_container(readme, room, podman, images, host):
    (command,) = readme.commands("podman")

    fits = shell(room, command.replace("IMAGE", f"--rm {images.built['fits'].name}"))
    refused = shell(room, command.replace("IMAGE", f"--rm {images.built['module'].name}"))

    assert (fits.code, fits.out) == (7, f"{STARTED}\n")
    assert refused.code == 126
    assert f"hostfit: {images.built['module'].name} does not fit this host: kernel.loadedmodule gtp5g" in refused.err


def test_podman_for_all_containers(readme, room, podman, images, host):
    place = room.directory / "etc" / "containers" / "containers.conf.d"
    try:
        room.run(["mkdir", "-p", "/etc/containers/containers.conf.d"], check=True)
        text = readme.files()["hostfit.conf"]
        room.run(["tee", "/etc/containers/containers.conf.d/hostfit.conf"], stdin=text, check=True)
        refused = shell(room, f"podman run --rm {images.built['module'].name}")
    finally:
        room.run(["rm", "-r", "/etc/containers/containers.conf.d"], check=True)

    assert not place.exists()
    assert refused.code == 126
    assert "does not fit this host: kernel.loadedmodule gtp5g" in refused.err


def test_why_and_the_journal_tell_the_rest(readme, room, podman, images, journal):
    command = "podman --runtime /opt/hostfit/bin/hostfit-runtime run --cidfile /run/readme.cid"
    refused = shell(room, f"{command} {images.built['module'].name}")
    container = (room.run_dir / "readme.cid").read_text()
    why, look = readme.commands("why")
    shell(room, f"podman rm {container}")

    assert refused.code == 126
    told = shell(room, why.replace("3f2a1b", container[:6]), check=True).out
    assert "what can be done:" in told
    assert look == "journalctl -t hostfit"
    (entry,) = wait_for(lambda: journal.of(container), "the journal's entry")
    assert entry["SYSLOG_IDENTIFIER"] == "hostfit"


def test_ctr(readme, room, containerd, images, host):
    (command,) = readme.commands("ctr")

    fits = shell(room, command.replace("IMAGE", images.built["fits"].name).replace(" ID", " readme-1"))
    refused = shell(room, command.replace("IMAGE", images.built["module"].name).replace(" ID", " readme-2"))

    assert (fits.code, fits.out) == (7, f"{STARTED}\n")
    assert refused.code == 1
    assert "does not fit this host: kernel.loadedmodule gtp5g" in refused.err


def test_containerd_understands_the_configuration(readme, room):
    readme.write(room.run_dir, "config.toml")

    dump = room.run(["containerd", "--config", "/run/config.toml", "config", "dump"], check=True).out

    options = dump.partition('cri".containerd.runtimes.runc.options]')[2]
    assert options.lstrip().startswith('BinaryName = "/opt/hostfit/bin/hostfit-runtime"')


def test_docker_takes_the_runtime(readme, room, docker):
    """A second dockerd with the file as it stands; what starts a container through it is in test_start."""
    readme.write(room.run_dir, "daemon.json")
    words = ["--config-file=/run/daemon.json", "--data-root=/run/d2", "--exec-root=/run/e2", "--pidfile=/run/d2.pid"]
    words += ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]
    words += ["--host=unix:///run/d2.sock", "--containerd=/run/containerd/containerd.sock"]
    daemon = subprocess.Popen(
        room.enter(["dockerd", *words]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )  # fmt: skip
    ask = ["/usr/bin/docker", "--host=unix:///run/d2.sock", "info", "--format", "{{json .Runtimes}}"]
    try:
        answer = wait_for(lambda: [done for done in [room.run(ask)] if done.code == 0], "dockerd", 40)[0]
    finally:
        room.run(["sh", "-c", "kill $(cat /run/d2.pid)"])
        daemon.wait(timeout=30)

    assert json.loads(answer.out)["hostfit"] == {"path": "/opt/hostfit/bin/hostfit-runtime"}


def test_disabled_lifts_and_says_so(room, podman, images, host, journal):
    host.write("disabled", "")

    done = shell(room, f"podman --runtime /opt/hostfit/bin/hostfit-runtime run --rm {images.built['module'].name}")

    assert (done.code, done.out) == (7, f"{STARTED}\n")
    lifted = wait_for(lambda: [one for one in journal.entries if "break-glass" in one.get("MESSAGE", "")], "the entry")
    assert lifted
