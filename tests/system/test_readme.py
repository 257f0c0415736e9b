"""The commands of README.md that need an engine or an installation, as they stand there."""

from __future__ import annotations

import pytest
from hostfit_bed import product
from hostfit_bed.command import run, wait_for
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
    shown, setup, doctor, remove = readme.commands("setup")
    look = ["sh", "-c", "find /etc/containers -type f -exec sha256sum {} + | sort -k2"]
    before = room.run(look, check=True).out
    try:
        difference = shell(room, shown, check=True).out
        unchanged = room.run(look, check=True).out
        shell(room, setup, check=True)
        refused = shell(room, f"podman run --rm {images.built['module'].name}")
        found = shell(room, doctor)
    finally:
        shell(room, remove, check=True)

    assert '+hostfit = ["/opt/hostfit/bin/hostfit-runtime"]\n' in difference
    assert unchanged == before
    assert refused.code == 126
    assert "does not fit this host: kernel.loadedmodule gtp5g" in refused.err
    assert (found.code, found.out.splitlines()[-1]) == (
        0, "podman: containers go through hostfit unless they name another runtime",
    )  # fmt: skip
    assert room.run(look, check=True).out == before


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


def test_disabled_lifts_and_says_so(room, podman, images, host, journal):
    host.write("disabled", "")

    done = shell(room, f"podman --runtime /opt/hostfit/bin/hostfit-runtime run --rm {images.built['module'].name}")

    assert (done.code, done.out) == (7, f"{STARTED}\n")
    lifted = wait_for(lambda: [one for one in journal.entries if "break-glass" in one.get("MESSAGE", "")], "the entry")
    assert lifted
