"""What a container's start costs in imports: the sources load nothing beyond their list (design: the hot path)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
STANDARD = {
    "_json", "_sha256", "_sha2", "_socket", "_struct", "errno", "os", "posix", "stat", "sys", "time", "__future__",
    "binascii",
}  # fmt: skip
"""Modules of the standard library that the sources may load, besides what the interpreter has at its start."""
COLD = ("local", "layout", "storageconf")

PROGRAM = """
import os, sys
sys.path.insert(0, {source!r})
before = set(sys.modules)
{lines}
print(*sorted(set(sys.modules) - before))
"""


def loaded(*lines):
    program = PROGRAM.format(source=str(SOURCE), lines="\n".join(lines))
    words = [sys.executable, "-I", "-S", "-c", program]
    return set(subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout.split())


@pytest.mark.parametrize(
    "modules",
    ["resolve, collect", "resolve, collect, containerimage", "resolve, collect, docker"],
    ids=["containers-storage", "containerd", "Docker"],
)
def test_importing_the_sources_loads_no_slow_module(modules):
    new = loaded(f"from hostfit.sources import {modules}")

    assert {name for name in new if not name.startswith("hostfit")} <= STANDARD
    assert not {name for name in new if name.removeprefix("hostfit.sources.") in COLD}


def test_a_plain_bundle_loads_no_store():
    new = loaded(
        "from hostfit.oci.request import Bundle, Request",
        "from hostfit.sources import collect, resolve",
        "bundle = Bundle('/b', annotations={'io.hostfit.require': 'a.b exists'})",
        "request = Request(entry='hook', verb='', id='a', bundle=bundle)",
        "assert collect.documents(request, resolve.resolve(request), lookup=lambda name: None, var='/none')[0].spec",
    )

    assert {name for name in new if not name.startswith("hostfit")} <= STANDARD
    assert not new & {f"hostfit.sources.{name}" for name in ("containerd", "grpc", "docker")}
