"""A host's files as `setup` plans to leave them: reads see what was planned, and nothing is written before `commit`.

The host may be this one or an image of another below a directory; symbolic links resolve inside of it either way.
"""

from __future__ import annotations

import contextlib
import difflib
import fnmatch
import os
import stat
from typing import TYPE_CHECKING

from hostfit.core import limits
from hostfit.core.errors import UsageError
from hostfit.core.text import escape
from hostfit.oci.files import ensure_directory, read_capped, symbol, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable

UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
"""Where units of systemd lie (systemd.unit(5)), as far as packages and administrators write them."""
_LINKS = 40
_CAP = limits.POLICY_FILE * 4
"""Bytes of one configuration file; containerd's are the longest, at some tens of kilobytes."""


class Tree:
    """The files of one host, addressed by the absolute paths that they have there.

    `root` is `/` or the directory that holds the host. Text is UTF-8; other bytes survive as surrogates.
    """

    def __init__(self, root: str = "/") -> None:
        """Raises UsageError where there is no such directory."""
        self.root = os.path.abspath(root)
        if not os.path.isdir(self.root):
            raise UsageError(f"option --root: required a directory, found none at {escape(root, 4096)}")
        self._planned: dict[str, str | None] = {}
        self._like: dict[str, tuple[str, ...]] = {}
        self._found: dict[str, str | None] = {}

    @property
    def live(self) -> bool:
        """Whether this is the host that we run on, with processes to ask."""
        return self.root == "/"

    def place(self, path: str) -> str:
        """Give where a path of that host lies on this one, with every symbolic link resolved inside of the root."""
        return self.steps(path)[-1]

    def steps(self, path: str) -> list[str]:
        """Give every place on the way to a path, links included, and last where it lies, be anything there or not."""
        base = self.root.rstrip("/")
        done: list[str] = []
        seen = [base or "/"]
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        links = 0
        while todo:
            name = todo.pop()
            if name == "..":
                del done[-1:]
                continue
            here = "/".join([base, *done, name])
            seen.append(here)
            if os.path.islink(here):
                links += 1
                if links > _LINKS:
                    raise UsageError(f"{escape(path, 4096)}: required at most {_LINKS} symbolic links, found more")
                target = os.readlink(here)
                if target.startswith("/"):
                    done = []
                todo.extend([part for part in reversed(target.split("/")) if part not in ("", ".")])
            else:
                done.append(name)
        return [*seen, "/".join([base, *done]) or "/"]

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of this name."""
        return self._planned.get(path) is not None or os.path.lexists(self.place(path))

    def listed(self, folder: str, ending: str) -> list[str]:
        """Give the files of a directory whose names end so, by name, planned ones included."""
        return self.glob(f"{folder}/*{ending}")

    def glob(self, pattern: str) -> list[str]:
        """Give the files that match a shell pattern in the last part of a path, in the order of their names."""
        folder, _, last = pattern.rpartition("/")
        try:
            names = set(os.listdir(self.place(folder)))
        except OSError:
            names = set()
        for path, text in self._planned.items():
            above, _, name = path.rpartition("/")
            if above == folder:
                names.discard(name)
                if text is not None:
                    names.add(name)
        shown = [name for name in names if not name.startswith(".") or last.startswith(".")]
        kept = [name for name in shown if fnmatch.fnmatchcase(name, last)]
        return [f"{folder}/{name}" for name in sorted(kept)]

    def read(self, path: str) -> str | None:
        """Give a file's text, None where there is none. Raises UsageError where it cannot be read."""
        if path in self._planned:
            return self._planned[path]
        return self.found(path)

    def found(self, path: str) -> str | None:
        """Give a file's text as it is on disk, whatever is planned."""
        if path not in self._found:
            try:
                data: bytes | None = read_capped(self.place(path), _CAP)
            except (FileNotFoundError, NotADirectoryError):
                data = None
            except OSError as error:
                raise UsageError(f"{escape(path, 4096)}: required readable, found {symbol(error)}") from error
            self._found[path] = None if data is None else data.decode("utf-8", "surrogateescape")
        return self._found[path]

    def write(self, path: str, text: str | None, *, like: tuple[str, ...] = ()) -> None:
        """Plan a file's text, or with None that it goes.

        A new file may be read by nobody who may not read those of `like`, from which its text was taken.
        """
        self._planned[path] = text
        self._like[path] = like

    def planned(self) -> dict[str, str | None]:
        """Give all that was planned: text by path, None for a file that goes."""
        return dict(self._planned)

    def changes(self) -> list[tuple[str, str | None, str | None]]:
        """Give what `commit` would change: path, text before and text after, None where there is no file."""
        pairs = [(path, self.found(path), text) for path, text in self._planned.items()]
        return [(path, before, after) for path, before, after in pairs if before != after]

    def missing(self, paths: Iterable[str]) -> list[str]:
        """Give the directories that have to be made for these files, those above others first."""
        found: list[str] = []
        for path in paths:
            above = os.path.dirname(path)
            chain = []
            while above not in ("/", "") and above not in found and not os.path.isdir(self.place(above)):
                chain.append(above)
                above = os.path.dirname(above)
            found.extend(reversed(chain))
        return found

    def difference(self) -> str:
        """Give the changes as one unified diff; control characters other than line feeds and tabs are escaped."""
        lines: list[str] = []
        for path, before, after in self.changes():
            old, new = _lines(before), _lines(after)
            names = (path if before is not None else "/dev/null", path if after is not None else "/dev/null")
            for line in difflib.unified_diff(old, new, *names, lineterm=""):
                body = line.removesuffix("\n")
                lines.append("\t".join([escape(part, len(part)).replace("\\\\", "\\") for part in body.split("\t")]))
                if not line.endswith("\n") and line[:1] in " +-" and not line.startswith(("+++ ", "--- ")):
                    lines.append("\\ No newline at end of file")
        return "\n".join(lines)

    def commit(self) -> None:
        """Write what was planned, each file as a whole; where one cannot be written, those before it are put back.

        Raises UsageError that names the file.
        """
        done: list[tuple[str, str | None]] = []
        for path, before, after in self.changes():
            try:
                self._put(path, after)
            except OSError as error:
                for other, text in reversed(done):
                    with contextlib.suppress(OSError):
                        self._put(other, text)
                raise UsageError(
                    f"{escape(path, 4096)}: required writable, found {symbol(error)}",
                    hint="nothing was changed; --dry-run shows what to write, --root DIR writes into an image",
                ) from error
            done.append((path, before))
        self._planned.clear()
        self._found.clear()

    def drop_directories(self, folders: Iterable[str]) -> None:
        """Remove directories that are empty, those below others first."""
        for folder in sorted(folders, key=len, reverse=True):
            try:
                os.rmdir(self.place(folder))
            except OSError:
                continue

    def _put(self, path: str, text: str | None) -> None:
        target = self.place(path)
        if text is None:
            if os.path.lexists(target):
                os.unlink(target)
            return
        ensure_directory(os.path.dirname(target), 0o755)
        try:
            mode = stat.S_IMODE(os.stat(target).st_mode)
        except FileNotFoundError:
            mode = 0o644
        # A secret of theirs stays one, also where a file of ours was there before they were made secret.
        for other in self._like.get(path, ()):
            if os.path.exists(self.place(other)):
                mode &= stat.S_IMODE(os.stat(self.place(other)).st_mode) | 0o200
        write_atomic(target, text.encode("utf-8", "surrogateescape"), mode)


def _lines(text: str | None) -> list[str]:
    """The lines of a text as an editor counts them, with their ends."""
    if not text:
        return []
    lines = [f"{line}\n" for line in text.split("\n")]
    return lines[:-1] if text.endswith("\n") else [*lines[:-1], lines[-1][:-1]]
