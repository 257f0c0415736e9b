"""hostfit as a user installs it: built from a copy of this tree, in a virtual environment or the system's places."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from hostfit_bed.command import ENVIRONMENT, run
from hostfit_bed.room import TREE

PARTS = (
    "CHANGELOG.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md", "SECURITY.md", "pyproject.toml", "setup.py",
    "hooks", "packaging", "src", "systemd",
)  # fmt: skip
PASSED = ("PIP_", "SSL_", "REQUESTS_", "CURL_", "XDG_", "http_", "https_", "no_", "HTTP_", "HTTPS_", "NO_", "ALL_")
"""Beginnings of the variables that tell pip how this machine reaches its packages."""
BIN = Path("/opt/hostfit/bin")
SYSTEM_HOSTFIT = Path("/usr/bin/hostfit")
HOSTFIT = BIN / "hostfit"
RUNTIME = BIN / "hostfit-runtime"
RUNTIME_CRUN = BIN / "hostfit-runtime-crun"
HOOK = BIN / "hostfit-hook"
SHIM = "containerd-shim-hostfit-v2"
HOOKS_DIR = Path("/etc/containers/oci/hooks.d")
COMMAND_LINE = """\
#!/usr/bin/python3 -I
import sys

sys.path.insert(0, "/usr/share/hostfit")
from hostfit.cli.main import main

sys.exit(main())
"""
COMMANDS = (HOSTFIT, RUNTIME, HOOK, BIN / "hostfit-fallback")


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


def system_install(root):
    """Lay hostfit into a file system as a distribution package does: private modules, links, hook, catalogue."""
    share = root / "usr" / "share" / "hostfit"
    shutil.copytree(TREE / "src" / "hostfit", share / "hostfit", ignore=shutil.ignore_patterns("__pycache__"))
    (share / "bin").mkdir()
    launchers = TREE / "src" / "launcher"
    for launcher in (launchers / "hostfit-runtime", launchers / SHIM, TREE / "hooks" / "hostfit-hook"):
        shutil.copy2(launcher, share / "bin" / launcher.name)
        (share / "bin" / launcher.name).chmod(0o755)
    (share / "bin" / "hostfit").write_text(COMMAND_LINE)
    (share / "bin" / "hostfit").chmod(0o755)
    for link, name in {
        "usr/bin/hostfit": "hostfit",
        "usr/bin/hostfit-runtime": "hostfit-runtime",
        "usr/bin/hostfit-runtime-crun": "hostfit-runtime",
        f"usr/bin/{SHIM}": SHIM,
        "usr/bin/containerd-shim-hostfit-runsc-v2": SHIM,
        "usr/libexec/oci/hooks.d/hostfit-hook": "hostfit-hook",
    }.items():
        (root / link).parent.mkdir(parents=True, exist_ok=True)
        (root / link).symlink_to(f"/usr/share/hostfit/bin/{name}")
    (share / "hooks").mkdir()
    shutil.copy2(TREE / "hooks" / "50-hostfit.json", share / "hooks")
    catalogue = root / "usr" / "lib" / "systemd" / "catalog"
    catalogue.mkdir(parents=True, exist_ok=True)
    shutil.copy2(TREE / "systemd" / "hostfit.catalog", catalogue)


def native_install(root, work):
    """The same with the native launcher in front and the service beside it, as packages have them."""
    system_install(root)
    launcher = root / "usr" / "libexec" / "hostfit" / "launcher-static"
    fallback = "FALLBACK=/usr/share/hostfit/bin/hostfit-fallback"
    run(["make", "-s", "-C", TREE / "src" / "launcher", f"OUT={work}/launcher-static", fallback], check=True)
    launcher.parent.mkdir(parents=True)
    shutil.copy2(work / "launcher-static", launcher)
    for program in (TREE / "src" / "launcher" / "hostfit-fallback", TREE / "systemd" / "hostfitd"):
        shutil.copy2(program, root / "usr" / "share" / "hostfit" / "bin")
    programs = [*(root / "usr" / "bin").glob("hostfit-runtime*"), *(root / "usr" / "bin").glob("containerd-shim-*")]
    for link in [*programs, root / "usr" / "libexec" / "oci" / "hooks.d" / "hostfit-hook"]:
        link.unlink()
        link.symlink_to("/usr/libexec/hostfit/launcher-static")
