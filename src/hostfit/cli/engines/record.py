"""What `setup` wrote for each engine, so that it can be undone to the byte: one JSON file below /var/lib/hostfit/setup.

A file that somebody changed since is not put back as a whole: what setup added is taken out of it, the rest stays.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from hostfit.core.errors import UsageError
from hostfit.core.text import escape
from hostfit.oci.files import ensure_directory, read_capped, symbol, write_atomic

if TYPE_CHECKING:
    from hostfit.cli.engines.engine import Engine
    from hostfit.cli.engines.tree import Tree
    from hostfit.core.paths import Paths

VERSION = "hostfit.setup/v1"
_CAP = 64 << 20
SAVED = ".hostfit-saved"
"""Ending of a file of ours that somebody changed; CRI-O reads every file of its directory, whatever its name."""


class Record:
    """What was written for one engine.

    `files` maps each path to its text before (None: no file) and after; `directories` were made for them; `options`
    are those of the call, so that the same can be planned again.
    """

    __slots__ = ("directories", "engine", "files", "options")

    def __init__(
        self,
        engine: str,
        *,
        options: dict[str, Any] | None = None,
        files: dict[str, tuple[str | None, str]] | None = None,
        directories: list[str] | None = None,
    ) -> None:
        self.engine = engine
        self.options = options or {}
        self.files = files or {}
        self.directories = directories or []


def place(paths: Paths, engine: str) -> str:
    """Where the record of an engine lies."""
    return f"{paths.var}/setup/{engine}.json"


def load(paths: Paths, engine: str) -> Record | None:
    """Give the record of an engine, None where there is none. Raises UsageError where it cannot be understood."""
    path = place(paths, engine)
    try:
        tree = json.loads(read_capped(path, _CAP))
        if tree["version"] != VERSION:
            raise UsageError(f"{escape(path, 4096)}: required {VERSION}, found {escape(str(tree['version']))}")
        return Record(
            engine,
            options=dict(tree["options"]),
            files={one["path"]: (one["before"], one["after"]) for one in tree["files"]},
            directories=list(tree["directories"]),
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{escape(path, 4096)}: required readable, found {symbol(error)}") from error
    except (ValueError, TypeError, LookupError) as error:
        raise UsageError(
            f"{escape(path, 4096)}: required what setup wrote, found something else",
            hint="move it away; setup and --remove then go by the engine's files alone",
        ) from error


def save(paths: Paths, record: Record) -> None:
    """Write a record, root's alone to read. Raises UsageError where it cannot be written."""
    path = place(paths, record.engine)
    files = [{"path": name, "before": before, "after": after} for name, (before, after) in record.files.items()]
    tree = {
        "version": VERSION,
        "engine": record.engine,
        "options": record.options,
        "files": files,
        "directories": record.directories,
    }
    try:
        ensure_directory(os.path.dirname(path), 0o755)
        write_atomic(path, (json.dumps(tree, indent=1) + "\n").encode(), 0o600)
    except OSError as error:
        raise UsageError(
            f"{escape(path, 4096)}: required writable, found {symbol(error)}", hint="setup needs root"
        ) from error


def drop(paths: Paths, engine: str) -> None:
    """Remove a record, and the directory of the last one."""
    try:
        os.unlink(place(paths, engine))
        os.rmdir(os.path.dirname(place(paths, engine)))
    except OSError:
        return


def undo(tree: Tree, record: Record, others: list[Record], engine: Engine) -> None:
    """Plan that the files of a record are as they were before.

    Where somebody changed one since, only what setup added goes. A file that another engine's record has too stays.
    """
    for path, (before, after) in record.files.items():
        now = tree.read(path)
        if now in (None, before) or any([path in other.files for other in others]):
            continue
        if now == after:
            tree.write(path, before)
        else:
            take_out(tree, path, before, engine, save=True)


def take_out(tree: Tree, path: str, before: str | None, engine: Engine, *, save: bool) -> None:
    """Plan that a file is without what setup adds; `before` is its text of old, None where it is not known.

    With `save` a file of ours, which then was changed, is kept in the directory above, where no engine reads it.
    """
    now = tree.read(path)
    if now is None:
        return
    if not engine.own(path):
        tree.write(path, engine.strip(path, now, before))
        return
    if save:
        folder, _, name = path.rpartition("/")
        tree.write(f"{os.path.dirname(folder)}/{name}{SAVED}", now, like=(path,))
    tree.write(path, before)
