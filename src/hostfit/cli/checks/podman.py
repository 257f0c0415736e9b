"""Podman: which runtime it takes by default, whether the hook runs, and what users can set otherwise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hostfit.cli.checks import hooks, trust
from hostfit.cli.checks.findings import Finding
from hostfit.cli.engines import podman, tables
from hostfit.cli.engines.hooks import DIRECTORIES
from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.tree import Tree

NAME = podman.NAME
RUNTIME = "hostfit-runtime"
_WASM = ("/usr/bin/crun-wasm", "/usr/local/bin/crun-wasm")
_USER_FILE = 256 << 10
"""Bytes of a user's file that are worth an administrator's time."""
_USERS = 1000
"""The first uid of a person."""


def check(tree: Tree, default_runtime: str) -> list[Finding]:
    """Give what is wrong; `default_runtime` is hostfit's. Raises UsageError where a file cannot be understood."""
    engine = podman.engine_table(tree)
    hooked, found = hooks.check(tree, tables.texts(engine.get("hooks_dir")) or DIRECTORIES[:1], engine=NAME)
    default = str(engine.get("runtime") or "")
    ours = _ours(tree, engine, default)
    named = [name for name in tables.table(engine, "runtimes") if _ours(tree, engine, name)]
    for name in dict.fromkeys([*named, *([default] if ours else [])]):
        found += trust.program(tree, _path(tree, engine, name), engine=NAME)
    if ours:
        json_names = tables.texts(engine.get("runtime_supports_json")) or podman.JSON_RUNTIMES
        if default.rpartition("/")[2] not in json_names:
            found.append(Finding("json-list", f"runtime {default}", engine=NAME))
        if not hooked:
            found += _platforms(tree, engine)
        usual = str(podman.engine_table(tree, own=False).get("runtime") or _usual(tree))
        found += changed(usual, _path(tree, engine, default), default_runtime, engine=NAME)
    elif not hooked:
        found.append(_unset(tree, named, default))
    else:
        if default in ("", "crun") and not named:
            found.append(Finding("crun-silent", "hooks.d", engine=NAME))
        if "hooks_dir" not in engine:
            found.append(Finding("rootless-no-hooks", DIRECTORIES[0], engine=NAME))
    return found + _users(tree)


def changed(usual: str, program: str, now: str, *, engine: str) -> list[Finding]:
    """Say where plain hostfit-runtime hands over to another runtime than `usual`, the engine's own of before."""
    plain = program.rpartition("/")[2] == RUNTIME
    if not plain or usual not in ("runc", "crun") or not now or now == usual:
        return []
    message = f"{engine} ran containers on {usual}, hostfit hands them over to {escape(now)}"
    return [Finding("runtime-changes", f"runtime {usual}", message, engine=engine)]


def _usual(tree: Tree) -> str:
    """Podman's own default: crun where it is installed."""
    return "crun" if any([tree.exists(path) for path in ("/usr/bin/crun", "/usr/local/bin/crun")]) else "runc"


def _unset(tree: Tree, named: list[str], default: str) -> Finding:
    if not named:
        return Finding("not-set-up", "podman", engine=NAME)
    own = tables.table(tables.load(tree, podman.DROP_IN), "engine").get("runtime")
    if own == "hostfit":
        last = [path for path in podman.sources(tree) if "runtime" in tables.table(tables.load(tree, path), "engine")]
        message = f"{escape(last[-1], 4096)}: sets runtime to {escape(default)} after setup's file"
        return Finding("overridden", last[-1], message, engine=NAME)
    return Finding("not-default", f"runtime {escape(default) or 'of Podman'}", engine=NAME)


def _path(tree: Tree, engine: dict[str, Any], name: str) -> str:
    """Where a runtime's program is: the first of its paths that is there, as Podman looks."""
    if name.startswith("/"):
        return name
    paths = tables.texts(tables.within(engine, "runtimes", name)) or []
    return next((path for path in paths if tree.exists(path)), paths[0] if paths else "")


def _ours(tree: Tree, engine: dict[str, Any], name: str) -> bool:
    return _path(tree, engine, name).rpartition("/")[2].startswith(RUNTIME)


def _platforms(tree: Tree, engine: dict[str, Any]) -> list[Finding]:
    """Podman gives images of some platforms to a runtime of their own; wasi/wasm to crun-wasm unless told otherwise."""
    given = tables.table(engine, "platform_to_oci_runtime")
    if not given and any([tree.exists(path) for path in _WASM]):
        given = {"wasi/wasm": "crun-wasm"}
    return [
        Finding("platform-bypasses", f"platform {escape(platform)}",
                f"platform {escape(platform)}: goes to {escape(str(name))}", engine=NAME)
        for platform, name in given.items()
        if not _ours(tree, engine, str(name))
    ]  # fmt: skip


def _users(tree: Tree) -> list[Finding]:
    """Users' own files are read after the system's, and win."""
    found = []
    for line in (tree.read("/etc/passwd") or "").split("\n"):
        fields = line.split(":")
        if len(fields) != 7 or not fields[2].isdigit() or int(fields[2]) < _USERS or not fields[5].startswith("/"):
            continue
        folder = f"{fields[5].rstrip('/')}/.config/containers"
        if not os.path.isdir(tree.place(folder)):
            continue
        for path in (f"{folder}/containers.conf", *tree.listed(f"{folder}/containers.conf.d", ".conf")):
            try:
                if os.stat(tree.place(path)).st_size > _USER_FILE:
                    continue
                engine = tables.table(tables.load(tree, path), "engine")
            except (OSError, UsageError):
                # Podman refuses the file too, and so starts nothing for this user.
                continue
            keys = [key for key in ("runtime", "hooks_dir") if key in engine]
            if keys and engine.get("runtime") != "hostfit":
                message = f"{escape(path, 4096)}: sets {' and '.join(keys)} for user {escape(fields[0])}"
                found.append(Finding("rootless-overrides", path, message, engine=NAME))
    return found
