"""containerd with its configuration below /etc/containerd: a drop-in, and its import by the main file.

Up to version 2 of the configuration an imported file replaces the whole table of a plugin, so the drop-in carries all
that the other files set for the CRI plugin; `doctor` says when they have changed since. From version 3 on tables merge.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hostfit.cli.engines import tables
from hostfit.cli.engines.handler import PLUGINS, handler, others, section
from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.options import Options
    from hostfit.cli.engines.tree import Tree

NAME = "containerd"
MAIN = "/etc/containerd/config.toml"
DROP_IN = "/etc/containerd/conf.d/zz-hostfit.toml"
"""Its name is the last of a directory's, so that none after it replaces the table again."""
BINARIES = ("/usr/bin/containerd", "/usr/sbin/containerd", "/usr/local/bin/containerd")
RESTART = ("systemctl restart containerd",)
UNDONE = RESTART
_NEW = "version = 2\n"
"""The main file where there is none; containerd 2 reads this version too."""
_FILES = 256


def present(tree: Tree) -> bool:
    """Whether that host has containerd with a configuration of its own."""
    return tree.exists(MAIN) or any([tree.exists(path) for path in BINARIES])


def sources(tree: Tree, *, own: bool = True) -> list[str]:
    """Give the configuration files in the order in which they are read, without ours if it is not wanted."""
    found: list[str] = []
    todo = [MAIN]
    while todo and len(found) < _FILES:
        path = todo.pop(0)
        if path in found or not tree.exists(path) or (path == DROP_IN and not own):
            continue
        found.append(path)
        for pattern in tables.texts(tables.load(tree, path).get("imports")) or []:
            full = pattern if pattern.startswith("/") else f"{path.rpartition('/')[0]}/{pattern}"
            todo.extend(tree.glob(full) if "*" in full else [full])
    return found


def version(tree: Tree) -> int:
    """Give the version of the main file. Raises UsageError for one that no supported containerd writes."""
    found = tables.load(tree, MAIN).get("version", 1) if tree.exists(MAIN) else 2
    if found not in PLUGINS:
        raise UsageError(
            f"{MAIN}: version: required 2 or 3, found {escape(str(found))}",
            hint="containerd config migrate prints it in a newer version",
        )
    return int(found)


def cri(tree: Tree, *, own: bool = True) -> dict[str, Any]:
    """Give the CRI plugin's table as containerd sees it. Raises UsageError where a file cannot be understood."""
    number = version(tree)
    merged: dict[str, Any] = {}
    for path in sources(tree, own=own):
        given = tables.within(tables.load(tree, path), "plugins", PLUGINS[number])
        if isinstance(given, dict):
            merged = _deep(merged, given) if number > 2 else given
    return merged


def disabled(tree: Tree) -> str:
    """Give the file that disables the CRI plugin, empty where none does."""
    for path in sources(tree):
        names = tables.texts(tables.load(tree, path).get("disabled_plugins")) or []
        if any([name in ("cri", *PLUGINS.values()) for name in names]):
            return path
    return ""


def plan(tree: Tree, options: Options) -> None:
    """Plan the drop-in and its import."""
    off = disabled(tree)
    if off:
        raise UsageError(
            f"{off}: disables containerd's CRI plugin, required enabled: nothing else reads a runtime handler",
            hint="containers of Docker are checked after `hostfit setup docker`",
        )
    number = version(tree)
    known = cri(tree, own=False)
    made = handler(tree, tables.table(known, "containerd"), options, engine=NAME)
    wanted = section(made, number, default=options.default)
    if number == 2:
        plugin = wanted["plugins"][PLUGINS[number]]
        wanted["plugins"][PLUGINS[number]] = _deep(known, plugin)
        # A handler's table is its own: what the site's handler of this name had does not shine through.
        wanted["plugins"][PLUGINS[number]]["containerd"]["runtimes"]["hostfit"] = made
    if options.default:
        changed = others(tree, tables.table(known, "containerd"), options)
        wanted["plugins"][PLUGINS[number]]["containerd"]["runtimes"].update(changed)
    # What it carries may hold a registry's password.
    tree.write(DROP_IN, tables.dump({"version": number, **wanted}, engine=NAME), like=tuple(sources(tree, own=False)))
    if DROP_IN not in sources(tree):
        text = tree.read(MAIN)
        tree.write(MAIN, tables.add_to_list(_NEW if text is None else text, "imports", DROP_IN))


def own(path: str) -> bool:
    """Whether a file is ours alone."""
    return path == DROP_IN


def strip(_path: str, text: str, before: str | None) -> str | None:
    """Take the import out of the main file again; one that says nothing else goes."""
    left = tables.drop_from_list(text, "imports", DROP_IN)
    return None if before is None and left == _NEW else left


def added(tree: Tree) -> list[str]:
    """Give the files that name hostfit, for a removal without a record."""
    imports = tables.texts(tables.load(tree, MAIN).get("imports")) or []
    found = [DROP_IN] if tables.written(tree.read(DROP_IN)) else []
    return found + ([MAIN] if DROP_IN in imports else [])


def _deep(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Merge tables key by key, the second's values over the first's."""
    merged = copy.deepcopy(first)
    for key, value in second.items():
        old = merged.get(key)
        merged[key] = _deep(old, value) if isinstance(old, dict) and isinstance(value, dict) else copy.deepcopy(value)
    return merged
