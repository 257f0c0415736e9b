"""CRI-O: its handlers, its hook directories, and whether it was restarted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.cli.checks import hooks, podman, process, trust
from hostfit.cli.checks.findings import Finding
from hostfit.cli.engines import crio, tables
from hostfit.cli.engines.hooks import DIRECTORIES
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.tree import Tree

NAME = crio.NAME
PROGRAMS = ("hostfit-runtime", "containerd-shim-hostfit")


def check(tree: Tree, default_runtime: str) -> list[Finding]:
    """Give what is wrong; `default_runtime` is hostfit's. Raises UsageError where a file cannot be understood."""
    runtime = crio.runtime_table(tree)
    handlers = tables.table(runtime, "runtimes")
    hooked, found = hooks.check(tree, tables.texts(runtime.get("hooks_dir")) or DIRECTORIES[:1], engine=NAME)
    ours = [name for name, one in handlers.items() if _ours(one)]
    default = crio.default(runtime)
    for name in ours:
        found += _handler(tree, name, handlers[name])
    if default in ours:
        before = crio.runtime_table(tree, own=False)
        usual = crio.default(before)
        if not crio.dropped(tree, usual, tables.within(before, "runtimes", usual)):
            found += podman.changed(usual, str(handlers[default]["runtime_path"]), default_runtime, engine=NAME)
    if default not in ours:
        if not ours and not hooked:
            return [*found, Finding("not-set-up", "crio", engine=NAME)]
        if not hooked:
            own = tables.within(tables.load(tree, crio.DROP_IN), "crio", "runtime", "default_runtime")
            kind = "overridden" if own == "hostfit" else "not-default"
            given = runtime.get("default_runtime") or f"none, so {crio.BUILT_IN}"
            message = f"default_runtime: required hostfit, found {escape(str(given))}"
            found.append(Finding(kind, "default_runtime", message, engine=NAME))
    for name, one in handlers.items():
        if name in ours or crio.dropped(tree, name, one):
            continue
        seen = hooked and tables.within(one, "runtime_type") in (None, "", "oci")
        if not seen and name != default:
            found.append(Finding("handler-bypasses", f"handler {escape(name)}",
                                 f"handler {escape(name)}: does not go through hostfit", engine=NAME))  # fmt: skip
        elif seen and "crun" in (name, str(tables.within(one, "runtime_path") or "").rpartition("/")[2]):
            found.append(Finding("crun-silent", f"handler {escape(name)}", engine=NAME))
    if tree.live:
        for daemon in process.running("crio"):
            found += process.outdated(tree, daemon, crio.sources(tree), engine=NAME)
    return found


def _ours(one: Any) -> bool:
    return str(tables.within(one, "runtime_path") or "").rpartition("/")[2].startswith(PROGRAMS)


def _handler(tree: Tree, name: str, one: dict[str, Any]) -> list[Finding]:
    found = list(trust.program(tree, str(one["runtime_path"]), engine=NAME))
    shown = f"handler {escape(name)}"
    for platform, path in tables.table(one, "platform_runtime_paths").items():
        if not str(path).rpartition("/")[2].startswith(PROGRAMS):
            message = f"{shown}: platform {escape(platform)} goes to {escape(str(path), 4096)}"
            found.append(Finding("platform-bypasses", shown, message, engine=NAME))
    root = str(one.get("runtime_root") or "/run/runc")
    if not root.startswith(("/run/", "/var/run/")):
        message = f"{shown}: runtime_root: required below /run, found {escape(root, 4096)}"
        found.append(Finding("runtime-root", shown, message, engine=NAME))
    allowed = tables.texts(one.get("allowed_annotations")) or []
    if any([word.startswith("io.hostfit") for word in allowed]):
        found.append(Finding("annotation-list", shown, f"{shown}: allowed_annotations names io.hostfit", engine=NAME))
    return found
