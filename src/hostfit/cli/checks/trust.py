"""Whether only root could have put a file where it is (security rule R3), on this host or in an image of one."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from hostfit.cli.checks.findings import Finding
from hostfit.core.errors import UsageError
from hostfit.core.text import escape
from hostfit.oci.files import symbol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.cli.engines.tree import Tree


def doubt(tree: Tree, path: str) -> str:
    """Say what is wrong with a path, a directory above it or a link on the way, empty where nothing is.

    In an image root is whoever owns its top. Raises FileNotFoundError where there is nothing.
    """
    try:
        steps = tree.steps(path)
    except UsageError as error:
        return error.message
    top = tree.root.rstrip("/")
    owner = 0 if tree.live else os.stat(tree.root).st_uid
    for here in steps:
        try:
            status = os.lstat(here)
        except FileNotFoundError:
            raise
        except OSError as error:
            return f"{escape(path, 4096)}: required readable, found {symbol(error)}"
        shown = escape(here[len(top) :] or "/", 4096)
        if status.st_uid != owner:
            return f"{shown}: owner must be root, found uid {status.st_uid}"
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        if status.st_mode & 0o022 and not stat.S_ISLNK(status.st_mode) and not sticky:
            mode = stat.S_IMODE(status.st_mode)
            return f"{shown}: must not be writable by group or others, found mode {mode:04o}"
    return ""


def program(tree: Tree, path: str, *, engine: str = "", missing: str = "program-missing") -> Iterator[Finding]:
    """Check a program that an engine or a hook definition names."""
    shown = escape(path, 4096)
    if not path.startswith("/"):
        yield Finding("program-unsafe", path, f"{shown}: required an absolute path", engine=engine)
        return
    try:
        wrong = doubt(tree, path)
    except FileNotFoundError:
        yield Finding(missing, path, f"{shown}: required, found none", engine=engine)
        return
    if not wrong:
        mode = os.stat(tree.place(path)).st_mode
        if not stat.S_ISREG(mode) or not mode & 0o111:
            wrong = f"{shown}: required an executable file, found mode {stat.S_IMODE(mode):04o}"
    if wrong:
        yield Finding("program-unsafe", path, wrong, engine=engine)


def directory(tree: Tree, path: str, kind: str, *, engine: str = "") -> Iterator[Finding]:
    """Check a directory that is there; one that is not is no finding."""
    try:
        wrong = doubt(tree, path)
    except FileNotFoundError:
        return
    if wrong:
        yield Finding(kind, path, wrong, engine=engine)
