"""The RPM is installed, upgraded, downgraded and removed by rpm itself, its scriptlets included.

In a room of this machine: /usr and /etc are its own with a layer above, the RPM database and all state are the room's.
Names of dependencies are Fedora's, so that rpm is told not to look for them.
"""

from __future__ import annotations

import json

import pytest
from hostfit_bed import packages
from hostfit_bed.command import need, need_root
from hostfit_bed.engines import Bare
from hostfit_bed.images import Images
from hostfit_bed.room import Room

pytestmark = pytest.mark.system

MODULES = "/usr/share/hostfit/hostfit"
MISSING = "kernel.loadedmodule.no_such_module exists"


@pytest.fixture(scope="module")
def room():
    need_root()
    need("unshare", "nsenter", "ip", "rpm", "runc", "umoci", "busybox")
    with Room() as room:
        yield room


def rpm_in(room, *words, check=True):
    """Run rpm on the room's own database, which Debian's rpm would look for in root's home."""
    return room.run(["rpm", "--dbpath", "/var/lib/rpm", *words], check=check)


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    work = tmp_path_factory.mktemp("newer")
    return packages.build("rpm", work / "built", tree=packages.tree_of("99.0.0", work / "tree"), checked=False)


@pytest.fixture
def bare(room, tmp_path_factory, tmp_path):
    return Bare(room, Images(tmp_path_factory.mktemp("images")), tmp_path / "bundles")


@pytest.fixture
def installed(room, rpm):
    rpm_in(room, "--install", "--nodeps", rpm)
    yield
    if rpm_in(room, "--query", "hostfit", check=False).code == 0:
        rpm_in(room, "--erase", "hostfit")


def files(room):
    """What of hostfit is there, state included."""
    command = ["find", "/usr", "/etc", "/run", "/var/lib", "-xdev", "-path", "*hostfit*", "-not", "-path", "*/rpm/*"]
    # The room itself mounts /etc/hostfit.
    return [path for path in room.run(command, check=True).out.split() if path != "/etc/hostfit"]


def test_commands_work_and_the_hot_path_is_compiled_for_this_python(room, installed):
    assert room.run(["hostfit", "--version"], check=True).out == f"hostfit {packages.VERSION}\n"
    assert room.run(["hostfit-runtime", "--version"]) == room.run(["runc", "--version"])
    for made in ("_pass.pyc", "_start.pyc", "_rest.joined", "__pycache__"):
        assert room.run(["test", "-e", f"{MODULES}/{made}"]).code == 0
    assert rpm_in(room, "--verify", "--nodeps", "hostfit").out == ""


def test_container_that_does_not_fit_is_refused(room, bare, installed):
    bundle = bare.bundle("hf-rpm-refused", annotations={"io.hostfit.require": MISSING})

    done = bare.start("hostfit-runtime", bundle, "hf-rpm-refused")

    assert done.code == 1
    assert "kernel.loadedmodule no_such_module: required present, found absent" in done.err
    why = json.loads(room.run(["hostfit", "why", "hf-rpm-refused", "--format", "json"], check=True).out)
    assert why["verdict"] == "misfit"


def test_it_stays_while_a_container_needs_it_and_goes_afterwards(room, bare, installed, newer, rpm):
    """An upgrade and a downgrade under a running container leave it with its runtime, too."""
    bundle = bare.bundle("hf-rpm-runs", args=["/bin/sleep", "600"])
    create = ["hostfit-runtime", "create", "--bundle", bundle, "hf-rpm-runs"]
    room.run(["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *create], check=True)
    room.run(["hostfit-runtime", "start", "hf-rpm-runs"], check=True)

    refused = rpm_in(room, "--erase", "hostfit", check=False)
    rpm_in(room, "--upgrade", "--nodeps", newer)
    upgraded = room.run(["hostfit", "--version"], check=True).out
    state = json.loads(room.run(["hostfit-runtime", "state", "hf-rpm-runs"], check=True).out)
    rpm_in(room, "--upgrade", "--nodeps", "--oldpackage", rpm)

    assert refused.code != 0
    assert f"can be deleted only through it: 1, by their bundles\n  {bundle}\n" in refused.err
    assert (upgraded, state["status"]) == ("hostfit 99.0.0\n", "running")
    room.run(["hostfit-runtime", "delete", "--force", "hf-rpm-runs"], check=True)
    room.run(["rm", "-r", bundle], check=True)
    rpm_in(room, "--erase", "hostfit")
    assert files(room) == []
