"""The wrapper tells the gate what the sandbox of a container's pod runs on (DE5, SEC2)."""

from __future__ import annotations

import json
import subprocess

import pytest

from hostfit.core.paths import Paths
from hostfit.runtime import record

from .conftest import WRAPPER

POD = {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "s1"}
SANDBOX = {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": "c1"}


@pytest.mark.parametrize(
    ("notes", "root", "told"),
    [(POD, "/r", "/usr/bin/runsc"), (POD, "/other", ""), (SANDBOX, "/r", ""), ({}, "/r", "")],
    ids=["container", "of another root", "sandbox", "no pod"],
)
def test_record_of_the_sandbox_goes_to_the_gate(place, probe, bundle, notes, root, told):
    paths = Paths(str(place.etc), str(place.run), str(place.var))
    record.save(paths, "/r", "s1", record.Record("/usr/bin/runsc", str(bundle), 1, 1))
    tree = json.loads((bundle / "config.json").read_text())
    (bundle / "config.json").write_text(json.dumps(tree | {"annotations": notes}))
    seen = place.top / "sandbox"
    launcher = place.launcher(WRAPPER, runtime=probe.path, extra=f"open({str(seen)!r}, 'w').write(request.sandbox)")
    done = subprocess.run([launcher, "--root", root, "create", "-b", bundle, "c1"], capture_output=True, check=False)

    assert (done.returncode, seen.read_text()) == (37, told)


def test_pod_on_the_host_s_kernel_stays_there_and_one_of_another_kind_too(place, tmp_path):
    """With the gate itself: two kinds of runtime that write down who was called."""
    log = tmp_path / "calls"
    for name in ("one", "two"):
        (place.top / name).write_text(f"#!/bin/sh\necho {name} >>{log}\n")
        (place.top / name).chmod(0o755)
    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text(
        '[policy]\ndefault = "one"\n'
        f'[runtime.one]\nbinary = "{place.top}/one"\n'
        f'[runtime.two]\nbinary = "{place.top}/two"\nkernel = "own"\nisolation = 2\n'
    )
    launcher = place.launcher(WRAPPER, gate=False)

    def create(container, **notes):
        made = tmp_path / container
        made.mkdir()
        tree = {"ociVersion": "1.0.2", "process": {"args": ["x"]}, "root": {"path": "rootfs"}, "annotations": notes}
        (made / "config.json").write_text(json.dumps(tree))
        words = [launcher, "--root", "/r", "create", "-b", made, container]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def member(sandbox):
        return {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": sandbox}

    asked = {"io.hostfit.runtime": "two"}
    sandbox = {"io.kubernetes.cri.container-type": "sandbox"}
    assert create("s1", **sandbox).returncode == 0
    assert create("s2", **sandbox, **asked).returncode == 0
    assert create("a", **member("s1")).returncode == 0
    assert create("b", **member("s2")).returncode == 0
    refused = create("c", **member("s1"), **asked)

    assert log.read_text().split() == ["one", "two", "one", "two"]
    assert "runtime two: the pod's sandbox is of kind host, and its containers are too" in refused.stderr
