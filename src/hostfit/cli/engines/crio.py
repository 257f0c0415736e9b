"""CRI-O: a drop-in of crio.conf with a runtime handler, and the hook (crio.conf.d(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.cli.engines import hooks, ours, tables
from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.options import Options
    from hostfit.cli.engines.tree import Tree

NAME = "crio"
MAIN = "/etc/crio/crio.conf"
DIRECTORY = "/etc/crio/crio.conf.d"
DROP_IN = f"{DIRECTORY}/zz-hostfit.conf"
BINARIES = ("/usr/bin/crio", "/usr/local/bin/crio", "/usr/libexec/crio/crio")
RESTART = ("systemctl restart crio",)
UNDONE = RESTART
_NOT_OURS = ("runtime_path", "runtime_type", "runtime_config_path", "inherit_default_runtime", "platform_runtime_paths")
"""Keys of a handler that say what is executed; platform_runtime_paths would lead around the runtime."""
_INHERITED = ("runtime_path", "runtime_type", "runtime_config_path", "runtime_root")
"""What a handler takes over from the default one if it is told to."""
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What CRI-O's own handlers give conmon."""
ROOT = "/run/runc"
"""Where runc keeps its state by default, and so where `runc list` looks."""
BUILT_IN = "crun"
"""The handler that CRI-O has from 1.31 on without being told of one, and its default where no file names another."""
_BUILT_IN: dict[str, Any] = {"allowed_annotations": ["io.containers.trace-syscall", "io.kubernetes.cri-o.Devices"]}
"""What CRI-O gives it, as far as that is not crun's own: its directory of state, and how little memory it needs."""
_SEARCHED = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")
"""Where a service of systemd, and so CRI-O, looks for a handler's program that no file says."""


def present(tree: Tree) -> bool:
    """Whether that host has CRI-O."""
    return tree.exists("/etc/crio") or any([tree.exists(path) for path in BINARIES])


def sources(tree: Tree, *, own: bool = True) -> list[str]:
    """Give the configuration files in the order in which they are read, without ours if it is not wanted."""
    # It reads every file there, hidden ones too.
    found = [MAIN, *sorted([*tree.glob(f"{DIRECTORY}/.*"), *tree.glob(f"{DIRECTORY}/*")])]
    return [path for path in found if tree.exists(path) and (own or path != DROP_IN)]


def runtime_table(tree: Tree, *, own: bool = True) -> dict[str, Any]:
    """Give the table [crio.runtime] of all files together: a handler of a later file replaces that of an earlier one.

    The first is CRI-O's own. Raises UsageError where a file is no TOML.
    """
    merged: dict[str, Any] = {"runtimes": {BUILT_IN: _BUILT_IN}}
    for path in sources(tree, own=own):
        given = tables.table(tables.load(tree, path), "crio", "runtime")
        handlers = {**tables.table(merged, "runtimes"), **tables.table(given, "runtimes")}
        merged = {**merged, **given, "runtimes": handlers}
    usual = tables.table(merged, "runtimes", default(merged))
    taken = {key: usual[key] for key in _INHERITED if key in usual}
    heirs = [one for one in merged["runtimes"].values() if tables.within(one, "inherit_default_runtime")]
    for one in heirs:
        one.update(taken)
    return merged


def default(table: dict[str, Any]) -> str:
    """Give the handler of pods that ask for none."""
    return str(table.get("default_runtime") or BUILT_IN)


def dropped(tree: Tree, name: str, handler: Any) -> bool:
    """Whether CRI-O goes without a handler: no file says where its program is, and none of its name is installed."""
    return not tables.within(handler, "runtime_path") and not any(
        [tree.exists(f"{folder}/{name}") for folder in _SEARCHED]
    )


def storage(tree: Tree) -> str:
    """Give the directory of containers-storage that CRI-O uses. Raises UsageError where a file is no TOML."""
    given = [tables.within(tables.load(tree, path), "crio", "root") for path in sources(tree)]
    return next((one for one in reversed(given) if isinstance(one, str) and one), "/var/lib/containers/storage")


def plan(tree: Tree, options: Options) -> None:
    """Plan the drop-in, and with --default that pods without a RuntimeClass take the handler, and all the hook."""
    known = runtime_table(tree, own=False)
    usual = default(known)
    usual_table = tables.table(known, "runtimes", usual)
    program = options.programs.runtime
    runtime: dict[str, Any] = {}
    if options.default:
        if usual_table.get("runtime_type") not in (None, "", "oci"):
            raise UsageError(
                f"{NAME}: its default runtime {escape(usual)} is of type {escape(str(usual_table['runtime_type']))},"
                " required oci",
                hint="leave --default out: pods of a RuntimeClass with handler hostfit are then checked",
            )
        program = options.programs.instead_of(tree, usual, engine=NAME)
        runtime["default_runtime"] = "hostfit"
    if options.hook:
        runtime["hooks_dir"] = hooks.directories(tables.texts(known.get("hooks_dir")))
        tree.write(hooks.PLACE, hooks.definition(options.programs.hook))
    kept = {key: value for key, value in usual_table.items() if key not in _NOT_OURS}
    handler = {"runtime_path": program, "runtime_type": "oci", "runtime_root": ROOT, "monitor_env": [PATH], **kept}
    runtime["runtimes"] = {"hostfit": handler}
    tree.write(DROP_IN, tables.dump({"crio": {"runtime": runtime}}, engine=NAME))


own = ours.own
strip = ours.strip


def added(tree: Tree) -> list[str]:
    """Give the files that setup makes, for a removal without a record."""
    return ours.added(tree, DROP_IN)
