"""Podman: a drop-in of containers.conf with the runtime, and the hook (containers.conf(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.cli.engines import hooks, ours, tables

if TYPE_CHECKING:
    from hostfit.cli.engines.options import Options
    from hostfit.cli.engines.tree import Tree

NAME = "podman"
DROP_IN = "/etc/containers/containers.conf.d/zz-hostfit.conf"
"""Files of the directory are read by name and later ones win."""
BINARIES = ("/usr/bin/podman", "/usr/local/bin/podman")
RESTART: tuple[str, ...] = ()
"""Podman reads its configuration at every call."""
UNDONE = RESTART
JSON_RUNTIMES = ["crun", "runc", "kata", "runsc", "youki", "krun", "ocijail"]
"""Podman's own `runtime_supports_json` of all versions."""
NOCGROUP_RUNTIMES = ["crun", "krun"]
"""The same of `runtime_supports_nocgroup`: `--cgroups=disabled` becomes an option that crun takes and runc refuses."""
KEYS = ["hostfit", "hostfit-runtime"]
"""Under which names Podman looks the runtime up: that of the table, or the last part of a path given to --runtime."""


def present(tree: Tree) -> bool:
    """Whether that host has Podman."""
    return any([tree.exists(path) for path in BINARIES])


def sources(tree: Tree, *, own: bool = True) -> list[str]:
    """Give the system's configuration files in the order in which they are read, without ours if it is not wanted."""
    drop_ins = [*tree.listed("/usr/share/containers/containers.conf.d", ".conf")]
    main = ["/usr/share/containers/containers.conf", *drop_ins, "/etc/containers/containers.conf"]
    found = [*main, *tree.listed("/etc/containers/containers.conf.d", ".conf")]
    return [path for path in found if tree.exists(path) and (own or path != DROP_IN)]


def engine_table(tree: Tree, *, own: bool = True) -> dict[str, Any]:
    """Give the table [engine] of all files together. Raises UsageError where one is no TOML."""
    merged: dict[str, Any] = {}
    for path in sources(tree, own=own):
        for key, value in tables.table(tables.load(tree, path), "engine").items():
            if isinstance(value, dict):
                merged[key] = {**tables.table(merged, key), **value}
            elif isinstance(value, list):
                merged[key] = tables.texts(value, merged.get(key))
            else:
                merged[key] = value
    return merged


def plan(tree: Tree, options: Options) -> None:
    """Plan the drop-in, and with --default that every container takes the runtime and the hook."""
    known = engine_table(tree, own=False)
    program = options.programs.runtime
    engine: dict[str, Any] = {}
    if options.default:
        program = options.programs.instead_of(tree, str(known.get("runtime") or ""), engine=NAME)
        engine["runtime"] = "hostfit"
    for key, usual in (("json", JSON_RUNTIMES), ("nocgroup", NOCGROUP_RUNTIMES)):
        names = tables.texts(known.get(f"runtime_supports_{key}")) or usual
        engine[f"runtime_supports_{key}"] = names + [one for one in KEYS if one not in names]
    if options.hook:
        engine["hooks_dir"] = hooks.directories(tables.texts(known.get("hooks_dir")))
        tree.write(hooks.PLACE, hooks.definition(options.programs.hook))
    engine["runtimes"] = {"hostfit": [program]}
    tree.write(DROP_IN, tables.dump({"engine": engine}, engine=NAME))


own = ours.own
strip = ours.strip


def added(tree: Tree) -> list[str]:
    """Give the files that setup makes, for a removal without a record."""
    return ours.added(tree, DROP_IN)
