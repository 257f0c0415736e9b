"""runtime.available: the runtimes that a host has, told from files alone (DE5)."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from hostfit.core.facts import Unknown, Wanted
from hostfit.facts.host import Host

STATUS = """\
Package: other
Version: 9

Package: runc
Status: install ok installed
Version: 1:1.1.5+ds1-1+deb12u1

Package: runsc
Version: 0.0~20221219.0-2+b3
"""


@pytest.fixture
def tree(tmp_path):
    def program(path, data=b"#!/bin/sh\n", mode=0o755):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(mode)

    program.top = tmp_path
    return program


def available(top):
    feature = Host(str(top)).read(Wanted({"runtime.available": None}))["runtime.available"]
    return {one["path"]: one for one in feature.instances}, feature.unknown


def test_programs_are_found_at_every_place(tree):
    tree("usr/sbin/runc")
    tree("usr/local/bin/containerd-shim-wasmtime-v1")
    tree("opt/kata/bin/containerd-shim-kata-v2")
    tree("opt/kata/VERSION", b"3.2.0\n", 0o644)
    found, unknown = available(tree.top)

    assert unknown is None
    assert {path: (one["name"], one["type"], one["features"]) for path, one in found.items()} == {
        "/usr/sbin/runc": ("runc", "oci", "oci"),
        "/usr/local/bin/containerd-shim-wasmtime-v1": ("wasmtime", "shim", "shim,wasm"),
        "/opt/kata/bin/containerd-shim-kata-v2": ("kata", "shim", "own-kernel,shim,vm"),
    }
    assert found["/opt/kata/bin/containerd-shim-kata-v2"]["version"] == "3.2.0"


def test_release_is_that_of_the_package_which_owns_the_program(tree):
    tree("usr/sbin/runc")
    tree("usr/bin/runsc")
    tree("usr/local/bin/runc")
    tree("var/lib/dpkg/status", STATUS.encode(), 0o644)
    tree("var/lib/dpkg/info/runc.list", b"/.\n/usr/sbin\n/usr/sbin/runc\n", 0o644)
    tree("var/lib/dpkg/info/runsc.list", b"/usr/bin/runsc\n", 0o644)
    found, _ = available(tree.top)

    assert (found["/usr/sbin/runc"]["version"], found["/usr/bin/runsc"]["version"]) == ("1.1.5", "20221219.0")
    assert found["/usr/local/bin/runc"]["version"] == Unknown("/usr/local/bin/runc: only executing it would tell")


def test_what_cannot_be_executed_is_no_runtime(tree):
    tree("usr/bin/runc", mode=0o644)
    (tree.top / "usr/bin/crun").mkdir()

    assert available(tree.top) == ({}, None)


def test_tree_without_programs_tells_nothing(tree):
    assert available(tree.top)[1] is not None


def test_program_that_is_no_elf_file_may_have_wasm_or_not(tree):
    tree("usr/bin/crun")

    assert isinstance(available(tree.top)[0]["/usr/bin/crun"]["features"], Unknown)


@pytest.mark.parametrize("built", [True, False])
def test_wasm_is_told_from_the_word_that_crun_prints(tree, tmp_path, built):
    """A program with that word among its constants, as the real one has it."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler: install gcc")
    text = "WASM:wasmedge" if built else "SECCOMP"
    source = tmp_path / "crun.c"
    source.write_text(f'#include <stdio.h>\nint main(void) {{ return puts("{text}") < 0; }}\n')
    (tree.top / "usr/bin").mkdir(parents=True)
    subprocess.run(["cc", "-o", tree.top / "usr/bin/crun-wasm", source], check=True)

    assert available(tree.top)[0]["/usr/bin/crun-wasm"]["features"] == ("oci,wasm" if built else "oci")


@pytest.mark.parametrize("name", ["runc", "crun"])
def test_this_host_s_runtimes_say_the_same_of_themselves(name):
    program = shutil.which(name, path="/usr/bin:/usr/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = available("/")[0][program]

    if isinstance(found["version"], str):
        assert said.split()[2].startswith(found["version"])
    if name == "crun":
        assert ("wasm" in found["features"]) == ("+WASM" in said)


def test_request_is_no_fact_of_a_host():
    facts = Host("/").read(Wanted({"request.env": {"A"}, "request.device": None, "runtime.platform": {"wasi/wasm"}}))

    assert all([one.unknown for one in facts.values()])
