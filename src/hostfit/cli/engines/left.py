"""Containers that an engine runs or keeps on hostfit, by the engine's own state."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from hostfit.cli.engines import crio, docker, podman, tables
from hostfit.core import limits
from hostfit.core.errors import UsageError
from hostfit.core.text import escape
from hostfit.oci.files import read_capped

if TYPE_CHECKING:
    from hostfit.cli.engines.tree import Tree

_STATES = {
    "containerd": "/run/containerd",
    "k3s": "/run/k3s/containerd",
    "rke2": "/run/k3s/containerd",
    "microk8s": "/var/snap/microk8s/common/run/containerd",
}
_TASKS = "io.containerd.runtime.v2.task"
_DOCKER = "moby"
"""Docker's namespace: its containers are Docker's to count."""
_PROGRAMS = ("hostfit-runtime", "containerd-shim-hostfit")
_LONGEST = 60
"""Seconds that `podman` may take."""
_CALL = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}


def containers(tree: Tree, engine: str) -> list[str]:
    """Name the containers that need hostfit to be stopped or removed. Raises UsageError where that cannot be told."""
    if engine == "podman":
        return _podman(tree)
    if engine == "docker":
        return _docker(tree)
    if engine == "crio":
        return _crio(tree)
    return _containerd(tree, _STATES[engine])


def _containerd(tree: Tree, usual: str) -> list[str]:
    """By what the shim of runc keeps in each bundle: the OCI runtime's path, and the shim's own."""
    state = usual
    if usual == _STATES["containerd"]:
        state = str(tables.load(tree, "/etc/containerd/config.toml").get("state") or usual)
    found = []
    for space in tree.glob(f"{state}/{_TASKS}/*"):
        if space.endswith(f"/{_DOCKER}"):
            continue
        for bundle in tree.glob(f"{space}/*"):
            texts = [_text(tree, f"{bundle}/{name}") for name in ("runtime", "options.json", "shim-binary-path")]
            if any([f"/{program}" in text for program in _PROGRAMS for text in texts]):
                found.append(f"{bundle.rpartition('/')[2]} (namespace {space.rpartition('/')[2]})")
    return found


def _docker(tree: Tree) -> list[str]:
    """By the runtime in each container's configuration, running or not."""
    runtimes = docker.load(tree).get("runtimes", {})
    ours = {"hostfit"} | {
        name for name, one in runtimes.items() if f"/{_PROGRAMS[0]}" in str(tables.within(one, "path") or "")
    }
    found = []
    for folder in [folder for root in docker.roots(tree) for folder in tree.glob(f"{root}/containers/*")]:
        if _json(tree, f"{folder}/hostconfig.json").get("Runtime") in ours:
            name = str(_json(tree, f"{folder}/config.v2.json").get("Name") or folder.rpartition("/")[2])
            found.append(name.removeprefix("/"))
    return found


def _crio(tree: Tree) -> list[str]:
    """By the handler of each sandbox, which is that of its containers too; an empty one is the default."""
    handlers = {"hostfit"}
    if crio.runtime_table(tree).get("default_runtime") == "hostfit":
        handlers.add("")
    found = []
    storage = [path for path in tree.glob(f"{crio.storage(tree)}/*") if path.endswith("-containers")]
    for folder in [folder for path in storage for folder in tree.glob(f"{path}/*")]:
        annotations = tables.table(_json(tree, f"{folder}/userdata/config.json"), "annotations")
        if annotations.get("io.kubernetes.cri-o.ContainerType") != "sandbox":
            continue
        if annotations.get("io.kubernetes.cri-o.RuntimeHandler", "") in handlers:
            name = str(annotations.get("io.kubernetes.cri-o.SandboxName") or folder.rpartition("/")[2])
            found.append(f"pod {name}")
    return found


def _podman(tree: Tree) -> list[str]:
    """By Podman's own answer, for its database has two forms; and by the monitors of other users' containers."""
    if not tree.live:
        return []
    binary = next((path for path in podman.BINARIES if os.access(path, os.X_OK)), "")
    if not binary:
        return []
    ids = _output([binary, "ps", "--all", "--quiet", "--no-trunc"]).split()
    found = []
    if ids:
        form = "{{.OCIRuntime}} {{.Name}}"
        for line in _output([binary, "container", "inspect", "--format", form, *ids]).splitlines():
            runtime, _, name = line.partition(" ")
            if runtime == "hostfit" or runtime.rpartition("/")[2].startswith(_PROGRAMS[0]):
                found.append(name)
    return found + _monitored()


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_LONGEST, env=_CALL, cwd="/")
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().split("\n")[-1]
        raise UsageError(f"podman: cannot be asked for its containers: {escape(said)}") from error
    return done.stdout


def _monitored() -> list[str]:
    """Running containers of users other than root, by the command line of each conmon: `-r RUNTIME ... -n NAME`."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            words = read_capped(f"/proc/{entry}/cmdline", limits.PROC_FILE).decode("utf-8", "replace").split("\0")
            user = os.stat(f"/proc/{entry}").st_uid
        except OSError:
            continue
        if user == 0 or not words[0].endswith("conmon"):
            continue
        given = dict(itertools.pairwise(words))
        if given.get("-r", "").rpartition("/")[2].startswith(_PROGRAMS[0]):
            found.append(f"{given.get('-n', 'a container')} (user {user})")
    return found


def _text(tree: Tree, path: str) -> str:
    try:
        return tree.read(path) or ""
    except UsageError:
        return ""


def _json(tree: Tree, path: str) -> dict[str, Any]:
    try:
        values = json.loads(_text(tree, path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
