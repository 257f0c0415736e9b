"""IS sandbox: hostfitd under its own unit on whole Debian releases, as the package installs it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.engines

PATIENCE = 60.0
CLIENT = """
import array, os, socket, sys, time
sys.path.insert(0, "/usr/share/hostfit")
from hostfit.service import wire
bundle, container = sys.argv[1:]
end = time.monotonic() + 60
while True:
    fd = os.open(bundle + "/config.json", os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(60)
        one.connect("/run/hostfit/" + wire.SOCKET)
        asked = wire.Question(entry="runtime", verb="create", id=container, bundle=bundle)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        one.sendmsg([wire.encode_question(asked)], rights)
        os.close(fd)
        found = wire.decode_answer(one.recv(4096)[4:])
    if found.action != wire.YOURSELF or time.monotonic() > end:
        print(found.action, found.runtime, found.line)
        break
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def served(booted):
    """The release with the service that its package installed."""
    done = booted.run(["systemctl", "start", "hostfitd"])
    assert done.code == 0, booted.run(["journalctl", "-u", "hostfitd", "--no-pager"]).out
    Path(f"/proc/{booted.pid}/root/root/client.py").write_text(CLIENT)
    return booted


def ask(served, name, **notes):
    root = Path(f"/proc/{served.pid}/root")
    bundle = root / "tmp/bundles" / name
    bundle.mkdir(parents=True, exist_ok=True)
    tree = {
        "ociVersion": "1.0.2",
        "process": {"args": ["/upf"]},
        "root": {"path": "rootfs"},
        "annotations": {f"io.hostfit.{key}": value for key, value in notes.items()},
    }
    (bundle / "config.json").write_text(json.dumps(tree))
    done = served.run(["/usr/bin/python3", "/root/client.py", f"/tmp/bundles/{name}", name], check=True)
    return done.out.strip()


def show(served, name):
    return served.run(["systemctl", "show", "-P", name, "hostfitd"], check=True).out.strip()


def test_it_runs_as_nobody_in_particular_with_two_capabilities(served):
    status = served.run(["cat", f"/proc/{show(served, 'MainPID')}/status"], check=True).out
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert fields["Uid"].split()[0] != "0"
    # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
    assert {fields[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0000000000000006"}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_it_decides_and_its_report_and_entry_are_there(served):
    found = ask(served, "fits", require="kernel.version.full >=3.0; system.osrelease.ID =debian")
    refused = ask(served, "misfit", require="kernel.loadedmodule.gtp5g exists; os.glibc.version >=2.0")

    assert found == f"start {'crun' if served.limits else 'runc'}"  # the policy's default on such a release
    assert "hostfit: container misfit does not fit this host: kernel.loadedmodule gtp5g" in refused
    why = served.run(["hostfit", "why", "misfit", "--format", "json"], check=True)
    assert json.loads(why.out)["verdict"] == "misfit"
    (entry,) = served.journal("HOSTFIT_CONTAINER_ID=misfit")
    assert entry["HOSTFIT_VERDICT"] == "misfit"


def test_every_fact_that_root_sees_it_sees(served):
    """Its own recording against root's: a fact that only root can read would be handed back at each start."""
    root = Path(f"/proc/{served.pid}/root")
    path = root / "run/hostfit/service/facts.json"
    end = time.monotonic() + PATIENCE
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.2)
    its = json.loads(path.read_text())
    roots = json.loads(served.run(["hostfit", "facts", "--format", "json"], check=True).out)

    hidden = {name for name, why in its.get("unknown", {}).items() if "EACCES" in str(why) or "EPERM" in str(why)}
    assert hidden - set(roots.get("unknown", {})) <= {"kernel.sysctl"}
    for kind in ("flags", "attributes", "instances"):
        assert set(its[kind]) == set(roots[kind])
    # Sysctls that the kernel shows only to a root with CAP_SYS_ADMIN.
    assert len(its["unknown"].get("kernel.sysctl", {}).get("elements", {})) < 60


def test_a_watchdog_ends_a_service_that_hangs(served):
    before = show(served, "MainPID")
    served.run(["kill", "-STOP", before], check=True)
    end = time.monotonic() + PATIENCE
    while show(served, "MainPID") in (before, "0") or show(served, "ActiveState") != "active":
        assert time.monotonic() < end, served.run(["journalctl", "-u", "hostfitd", "--no-pager"]).out
        time.sleep(0.3)

    assert ask(served, "after", require="kernel.version.full >=3.0").startswith("start")


def test_a_program_of_facts_d_has_none_of_its_capabilities(served):
    """The first run comes within a second; a feature that the site does not declare is local.fact."""
    root = Path(f"/proc/{served.pid}/root")
    program = root / "etc/hostfit/facts.d/own"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\nawk '/^CapEff/ {print \"caps=\" $2}' /proc/self/status\necho user=$(id -un)\n")
    program.chmod(0o755)
    required = "local.fact.caps =0000000000000000; local.fact.user =hostfit"
    try:
        end = time.monotonic() + PATIENCE
        ask(served, "program", require=required)
        report = served.run(["hostfit", "why", "program", "--format", "json"], check=True)
        while json.loads(report.out)["verdict"] != "fit":
            assert time.monotonic() < end, report.out
            time.sleep(0.5)
            ask(served, "program", require=required)
            report = served.run(["hostfit", "why", "program", "--format", "json"], check=True)
    finally:
        program.unlink()


def test_it_has_no_network_and_writes_nowhere_else(served):
    pid = show(served, "MainPID")
    mounts = served.run(["cat", f"/proc/{pid}/mountinfo"], check=True).out

    assert sorted(show(served, "IPAddressDeny").split()) == ["0.0.0.0/0", "::/0"]
    assert sorted(show(served, "RestrictAddressFamilies").split()) == ["AF_NETLINK", "AF_UNIX"]
    root = next(line for line in mounts.splitlines() if line.split()[4] == "/")
    assert "ro" in root.split()[5].split(",")
