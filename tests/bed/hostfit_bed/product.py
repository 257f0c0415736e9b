"""hostfit as a user installs it: built from a copy of this tree, in a virtual environment or the system's places."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from hostfit_bed.command import ENVIRONMENT, run
from hostfit_bed.room import TREE

PARTS = ("pyproject.toml", "README.md", "LICENSE", "src", "hooks", "systemd", "packaging")
PASSED = ("PIP_", "SSL_", "REQUESTS_", "CURL_", "XDG_", "http_", "https_", "no_", "HTTP_", "HTTPS_", "NO_", "ALL_")
"""Beginnings of the variables that tell pip how this machine reaches its packages."""
BIN = Path("/opt/hostfit/bin")
HOSTFIT = BIN / "hostfit"
RUNTIME = BIN / "hostfit-runtime"
RUNTIME_CRUN = BIN / "hostfit-runtime-crun"
HOOK = BIN / "hostfit-hook"
HOOKS_DIR = Path("/etc/containers/oci/hooks.d")
COMMANDS = (HOSTFIT, RUNTIME, HOOK)


def network():
    """The bed's environment with the machine's own settings for pip and its network."""
    return ENVIRONMENT | {"HOME": os.environ.get("HOME", "/root")} | {
        name: value for name, value in os.environ.items() if name.startswith(PASSED)
    }  # fmt: skip


def copy_tree(target):
    """Copy what a source release holds, so that no build leaves anything in the tree."""
    target.mkdir(parents=True)
    for part in PARTS:
        source = TREE / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
        elif source.exists():
            shutil.copy2(source, target / part)
    return target


def pip_install(opt, work):
    """`pip install .` into a fresh virtual environment that will lie at /opt/hostfit, with `opt` as /opt."""
    tree = copy_tree(work / "tree")
    script = (
        'mount --bind "$1" /opt && /usr/bin/python3 -m venv /opt/hostfit && cd "$2" && '
        "/opt/hostfit/bin/pip install --quiet --disable-pip-version-check ."
    )
    inside = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script, "sh", opt, tree]
    run(inside, check=True, timeout=600, env=network())
    return Path(opt) / "hostfit"


def links(opt):
    """The link by which an entry point has crun as its default."""
    (Path(opt) / "hostfit" / "bin" / RUNTIME_CRUN.name).symlink_to(RUNTIME.name)


def hook_definition(room):
    """Lay the shipped hook definition into a room, with the hook's place in the virtual environment."""
    definition = json.loads((TREE / "hooks" / "50-hostfit.json").read_text())
    definition["hook"]["path"] = str(HOOK)
    room.place(HOOKS_DIR / "50-hostfit.json", json.dumps(definition))
