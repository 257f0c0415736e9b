"""From what an administrator asks to the files to write: always from the state before hostfit, so that order and
repetition of calls do not matter.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hostfit.cli.checks import trust
from hostfit.cli.engines import left, programs, record
from hostfit.cli.engines.engine import NAMES
from hostfit.cli.engines.options import Options
from hostfit.core.errors import UsageError
from hostfit.core.text import escape
from hostfit.oci.files import ensure_directory, symbol

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from hostfit.cli.engines.engine import Engine
    from hostfit.cli.engines.record import Record
    from hostfit.cli.engines.tree import Tree
    from hostfit.core.paths import Paths

HOOKED = ("podman", "crio")
"""Engines that read hooks.d."""


@contextmanager
def locked(paths: Paths, *, dry: bool) -> Iterator[None]:
    """Keep other calls of setup away meanwhile. Raises UsageError where the state directory cannot be used."""
    if dry:
        yield
        return
    import fcntl  # only to write

    folder = paths.var
    try:
        ensure_directory(folder, 0o755)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"{escape(folder, 4096)}: required writable, found {symbol(error)}", hint="setup needs root"
        ) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def setting_up(tree: Tree, paths: Paths, engine: Engine, asked: argparse.Namespace) -> Record:
    """Plan what `hostfit setup` was asked for, and give the record to keep."""
    if not engine.present(tree):
        raise UsageError(f"{engine.NAME}: required on this host, found nothing of it")
    found = programs.find(tree, asked.bin)
    hook = asked.default and not asked.no_hook and engine.NAME in HOOKED
    for path in (found.runtime, found.shim, found.hook if hook else ""):
        wrong = trust.doubt(tree, path) if path else ""
        if wrong:
            raise UsageError(
                wrong,
                hint=f"engines run {escape(path, 4096)} as root, so only root may be able to replace it",
            )
    options = Options(found, default=asked.default, hook=hook)
    return again(tree, paths, engine, options, asked.bin)


def again(tree: Tree, paths: Paths, engine: Engine, options: Options, folder: str) -> Record:
    """Plan the files for these options from the state before hostfit, and give the record to keep."""
    old, others = record.load(paths, engine.NAME), _others(paths, engine)
    _reset(tree, old, others, engine)
    origin = tree.planned()
    engine.plan(tree, options)
    files: dict[str, tuple[str | None, str]] = {}
    for path, text in tree.planned().items():
        if text is None or path.endswith(record.SAVED):
            continue
        shared = [other.files[path][0] for other in others if path in other.files]
        before = shared[0] if shared else origin[path] if path in origin else tree.found(path)
        if text != before:
            files[path] = (before, text)
    made = [*(old.directories if old is not None else []), *tree.missing(files)]
    for other in others:
        made += [one for one in other.directories if any([path.startswith(f"{one}/") for path in files])]
    directories = list(dict.fromkeys(made))
    return record.Record(engine.NAME, options=options.kept(folder), files=files, directories=directories)


def removal(tree: Tree, paths: Paths, engine: Engine) -> None:
    """Plan that nothing of setup is left. Raises UsageError where containers still need hostfit."""
    old = record.load(paths, engine.NAME)
    if old is None and not engine.added(tree):
        return
    staying = left.containers(tree, engine.NAME)
    if staying:
        names = ", ".join([escape(one) for one in staying[:8]])
        more = f" and {len(staying) - 8} more" if len(staying) > 8 else ""
        raise UsageError(
            f"{engine.NAME}: required no container that is on hostfit, found {len(staying)}: {names}{more}",
            hint="without it they could not be stopped or removed any more; remove them first",
        )
    _reset(tree, old, _others(paths, engine), engine)


def _reset(tree: Tree, old: Record | None, others: list[Record], engine: Engine) -> None:
    """Plan the state before hostfit: by the record, or where there is none by what is found."""
    if old is not None:
        record.undo(tree, old, others, engine)
        return
    for path in engine.added(tree):
        if not any([path in other.files for other in others]):
            record.take_out(tree, path, None, engine, save=False)


def _others(paths: Paths, engine: Engine) -> list[Record]:
    loaded = [record.load(paths, name) for name in NAMES if name != engine.NAME]
    return [one for one in loaded if one is not None]
