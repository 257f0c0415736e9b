"""Engines and tools that Debian 12 does not have, built with Go from pinned modules into a cache outside the tree."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from hostfit_bed.command import run

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hostfit-tests" / "go"
SECONDS = 1500
"""The largest of them takes some minutes on two busy cores, with nothing in Go's own cache."""


class Tool:
    """Commands of one released module; `test` names a package of tests that is itself the command.

    `change` is a file of the module, a text in it, and what stands there instead. `helper` names a directory of the
    module with a program in C, below src.
    """

    def __init__(self, module, version, *commands, tags="", cgo=False, test="", change=None, helper=""):
        self.module = module
        self.version = version
        self.commands = commands
        self.tags = tags
        self.cgo = cgo
        self.test = test
        self.change = change
        self.helper = helper


TOOLS = {
    "containerd": Tool(
        "github.com/containerd/containerd/v2",
        "v2.2.9",
        "cmd/containerd",
        "cmd/containerd-shim-runc-v2",
        "cmd/ctr",
        tags="no_btrfs,no_devmapper,no_zfs",
    ),
    # Debian's runsc comes without it.
    "containerd-shim-runsc-v1": Tool(
        "gvisor.dev/gvisor",
        "v0.0.0-20250205023644-9414b50a5633",
        "shim",
        # Where the machine has no CAP_SYS_RESOURCE it ends at once; containerd's own shims do not insist.
        change=("pkg/shim/service.go", "(cmd.Process.Pid, oomScoreMaxKillable)", "(cmd.Process.Pid, 0)"),
    ),
    "crio": Tool(
        "github.com/cri-o/cri-o",
        "v1.34.0",
        "cmd/crio",
        tags="containers_image_openpgp,exclude_graphdriver_btrfs,btrfs_noversion,seccomp",
        cgo=True,
        # It keeps the namespaces of pods.
        helper="pinns",
    ),
    "crictl": Tool("sigs.k8s.io/cri-tools", "v1.34.0", "cmd/crictl"),
    "critest": Tool("sigs.k8s.io/cri-tools", "v1.34.0", test="cmd/critest"),
    # It loads NVIDIA's management library at run time, which Go does only through C.
    "nvidia-container-runtime": Tool(
        "github.com/NVIDIA/nvidia-container-toolkit", "v1.20.2", "cmd/nvidia-container-runtime", cgo=True
    ),
}


def built(name):
    """Give the directory of a tool's programs, which is built at the first call on a machine and then found."""
    tool = TOOLS[name]
    target = CACHE / f"{name}-{tool.version}"
    if target.is_dir():
        return target
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed (make test-engines brings it)")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            with tempfile.TemporaryDirectory(prefix=f"{name}.", dir=CACHE) as work:
                fresh = Path(work) / "bin"
                fresh.mkdir()
                _build(tool, go, Path(work), fresh)
                fresh.rename(target)
    return target


def compiled(source):
    """Give the program of a module that lies in this tree, which is built once for each state of its sources."""
    state = hashlib.sha256(b"".join([one.read_bytes() for one in sorted(source.iterdir())])).hexdigest()[:16]
    program = CACHE / f"{source.name}-{state}"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed (make test-engines brings it)")
    CACHE.mkdir(parents=True, exist_ok=True)
    fresh = CACHE / f"{program.name}.{os.getpid()}"
    _go(go, source, os.environ | {"GOWORK": "off"}, "build", "-mod=readonly", "-o", fresh, ".")
    fresh.replace(program)
    return program


def _build(tool, go, work, target):
    flags = ["-trimpath", "-ldflags", "-s -w", *(["-tags", tool.tags] if tool.tags else [])]
    environment = os.environ | {"GOBIN": str(target), "GOFLAGS": "-mod=mod -buildvcs=false", "GOWORK": "off"}
    environment["CGO_ENABLED"] = "1" if tool.cgo else "0"
    if tool.change or tool.helper:
        module = _copied(tool, go, work, environment)
        if tool.change:
            _change(module, *tool.change)
        _go(go, module, environment, "install", *flags, *[f"./{command}" for command in tool.commands])
        if tool.helper:
            sources = sorted((module / tool.helper / "src").glob("*.c"))
            run(["gcc", "-std=c99", "-Os", "-static", "-o", target / tool.helper, *sources], check=True)
    elif tool.test:
        # A module of its own that asks for nothing else takes every dependency at the version of the release.
        _go(go, work, environment, "mod", "init", "hostfit.test/tool")
        _go(go, work, environment, "get", f"{tool.module}/{tool.test}@{tool.version}")
        program = target / Path(tool.test).name
        _go(go, work, environment, "test", "-c", *flags, "-o", program, f"{tool.module}/{tool.test}")
    else:
        wanted = [f"{tool.module}/{command}@{tool.version}" for command in tool.commands]
        _go(go, work, environment, "install", *flags, *wanted)


def _copied(tool, go, work, environment):
    """Copy the module to where it can be written, and give the copy."""
    found = json.loads(_go(go, work, environment, "mod", "download", "-json", f"{tool.module}@{tool.version}"))
    copy = work / "module"
    run(["cp", "-r", "--no-preserve=mode", found["Dir"], copy], check=True)
    return copy


def _change(module, name, old, new):
    source = module / name
    text = source.read_text()
    assert text.count(old) == 1, f"{source} is not what it was"
    source.write_text(text.replace(old, new))


def _go(go, work, environment, *words):
    command = [go, *[str(word) for word in words]]
    done = subprocess.run(
        command, cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-4000:]}"
    return done.stdout
