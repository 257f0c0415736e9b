"""`make demo` shows what it promises, through Podman and through containerd, and leaves nothing on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostfit_bed.command import need_root, run
from hostfit_bed.product import network
from hostfit_bed.room import TREE

COMPLAINT = "hostfit: localhost/router:1 does not fit this host: kernel.sysctl net.ipv4.ip_forward: required 1, found 0"
LEFT = ("/tmp/hostfit-demo.*", "/run/hostfit", "/etc/hostfit", "/var/lib/hostfit", "/opt/hostfit")


@pytest.fixture(scope="module")
def shown():
    """What the demo prints, and what it left: paths that were not there before."""
    need_root()
    before = left()
    merged = ["sh", "-c", 'exec "$0" 2>&1', TREE / "packaging" / "demo" / "demo"]
    done = run(merged, env=network(), timeout=600)
    return done, left() - before


def left():
    """Places that the demo might leave something at; engines of somebody else may come and go meanwhile."""
    groups = [f"/sys/fs/cgroup/{deep}{name}" for deep in ("", "*/") for name in ("default", "libpod_parent")]
    return {str(path) for pattern in (*LEFT, *groups) for path in Path("/").glob(pattern.lstrip("/"))}


def test_demo_ends_well(shown):
    done, _ = shown

    assert done.code == 0, done
    assert done.out.endswith("== Everything came as announced.\n")


def test_one_image_starts_and_one_is_refused_by_each_engine(shown):
    done, _ = shown

    assert done.out.count("The container runs.\n(exit code 0)") == 4
    assert f"OCI runtime error: hostfit: {COMPLAINT}" in done.out
    assert f"ctr: failed to create shim task: OCI runtime create failed: {COMPLAINT}" in done.out


def test_why_and_the_repair_are_shown(shown):
    done, _ = shown

    assert done.out.count("$ hostfit why ") == 2
    assert done.out.count("$ sysctl -w net.ipv4.ip_forward=1") == 2
    assert done.out.count("NO kernel.sysctl net.ipv4.ip_forward: required 1, found 0") == 3


def test_readme_shows_what_the_demo_shows(shown, tmp_path):
    """`make demo 2>&1 | packaging/demo/capture README.md` renews it."""
    done, _ = shown
    readme = tmp_path / "README.md"
    readme.write_text((TREE / "README.md").read_text())

    run([TREE / "packaging" / "demo" / "capture", readme], stdin=done.out, check=True)

    assert readme.read_text() == (TREE / "README.md").read_text()


def test_nothing_stays_on_the_machine(shown):
    _, stayed = shown

    assert stayed == set()
