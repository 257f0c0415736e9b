"""`hostfit setup ENGINE`: tells an engine to run containers through hostfit, and takes that back (CH8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.cli.engines.engine import Engine
    from hostfit.cli.engines.record import Record
    from hostfit.cli.engines.tree import Tree
    from hostfit.core.paths import Paths


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from hostfit.cli.engines.engine import NAMES  # for the choices

    parser.add_argument("engine", metavar="ENGINE", choices=NAMES, help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--default", action="store_true", help="every container, not only those that ask for hostfit")
    parser.add_argument("--remove", action="store_true", help="take back what setup wrote")
    parser.add_argument("--dry-run", action="store_true", help="show the difference and write nothing")
    parser.add_argument("--no-hook", action="store_true", help="with --default: leave out the hook of podman and crio")
    parser.add_argument("--root", metavar="DIR", default="/", help="set up the host whose files lie below DIR")
    parser.add_argument("--bin", metavar="DIR", default="", help="where that host has hostfit-runtime")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Change the engine's configuration. Raises UsageError where that cannot or must not be done."""
    from hostfit.cli.engines import engine, plan, record, tree  # once the arguments are good
    from hostfit.cli.main import paths as below  # with the above

    host = tree.Tree(options.root)
    if not host.live:
        paths = below(options.root)
    known = record.load(paths, options.engine) is not None
    chosen = engine.engine(options.engine) if known else engine.resolve(options.engine, host)
    if options.remove and (options.default or options.no_hook or options.bin):
        raise UsageError("option --remove: required alone or with --dry-run and --root, found others")
    with plan.locked(paths, dry=options.dry_run):
        new = None
        if options.remove:
            plan.removal(host, paths, chosen)
        else:
            new = plan.setting_up(host, paths, chosen, options)
        if options.dry_run:
            console.print(host.difference() or f"{chosen.NAME}: nothing to change")
            return 0
        changed = [path for path, _, _ in host.changes()]
        _commit(host, paths, chosen, new, record.load(paths, chosen.NAME))
    _tell(changed, chosen, host, console, removed=options.remove)
    return 0


def _commit(host: Tree, paths: Paths, chosen: Engine, new: Record | None, old: Record | None) -> None:
    """Write everything; the record comes first and goes last, so that a crash in between can be undone."""
    from hostfit.cli.engines import record  # with the rest

    if new is not None:
        record.save(paths, new)
    try:
        host.commit()
    except UsageError:
        if old is not None:
            record.save(paths, old)
        else:
            record.drop(paths, chosen.NAME)
        raise
    if new is None:
        record.drop(paths, chosen.NAME)
        host.drop_directories(old.directories if old is not None else [])


def _tell(changed: list[str], chosen: Engine, host: Tree, console: Console, *, removed: bool) -> None:
    from hostfit.core.text import escape  # with the rest

    for path in changed:
        what = "written" if host.exists(path) else "removed"
        console.print(f"{what}: {escape(path, 4096)}")
    if not changed:
        console.print(f"{chosen.NAME}: nothing to change")
    elif host.live:
        commands = chosen.UNDONE if removed else chosen.RESTART
        if commands:
            console.print(f"to make it count: {' or '.join(commands)}")
        if not removed:
            console.print(f"to see whether it does: hostfit doctor {chosen.NAME}")
