"""What look-ups found, by the repository that was asked, beside the list that engines are served from (cold).

A record of the spec store has one more key, `sources`: for each repository which artifact counts there for which
signer, and the newest time that was ever seen of each. A repository replaces its own part alone, so that nobody else's
repository lifts what an image's own one asks for. A lock is held while a record is replaced, never by readers.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hostfit.core.errors import SourceError
from hostfit.core.text import escape
from hostfit.oci import digest as digests
from hostfit.oci.files import ensure_directory, symbol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.sources.store import SpecStore

_LOCK = "sync.lock"
_STALE = 60.0
"""Seconds after which what a run that died was writing is removed."""


class StoreError(SourceError):
    """The spec store cannot be written, so that nothing more can be fetched."""


class Entry:
    """One artifact that counts: its digest and its document's, who signed it and its time, each empty where unknown.

    `mark` is of the signer's definition as it was when it said so.
    """

    __slots__ = ("artifact", "created", "document", "mark", "signer")

    def __init__(self, document: str, artifact: str, signer: str = "", created: str = "", mark: str = "") -> None:
        self.document = document
        self.artifact = artifact
        self.signer = signer
        self.created = created
        self.mark = mark

    def tree(self) -> dict[str, str]:
        """Give it as a tree for JSON."""
        return {
            "digest": self.document, "artifact": self.artifact, "signer": self.signer, "created": self.created,
            "mark": self.mark,
        }  # fmt: skip


class Source:
    """What one repository has for one subject: an entry for each signer, and the newest time seen of each signer."""

    __slots__ = ("entries", "seen")

    def __init__(self, entries: dict[str, Entry] | None = None, seen: dict[str, str] | None = None) -> None:
        self.entries = dict(entries or {})
        self.seen = dict(seen or {})


class Lookups:
    """The records of one spec store, for whoever fetches."""

    def __init__(self, store: SpecStore, var: str) -> None:
        self._store = store
        self._var = var

    def known(self, subject: str, repository: str = "") -> bool:
        """Whether anybody looked for specs of a subject, there if a repository is given. A broken record is none."""
        try:
            record = self._store.looked_up(subject)
        except SourceError:
            return False
        return record is not None and (not repository or repository in self._sources(subject))

    def source(self, subject: str, repository: str) -> Source:
        """Give what a repository is known to have for a subject; nothing where the record is broken."""
        return self._sources(subject).get(repository, Source())

    def replace(self, subject: str, repository: str, source: Source | None, *, time: str) -> None:
        """Keep what a repository has now; None says that there is none to ask. Raises StoreError."""
        try:
            ensure_directory(self._var, 0o755)
            with self._locked():
                sources = self._sources(subject)
                if source is not None:
                    sources[repository] = source
                specs = {(one.document, one.signer): None for each in sources.values() for one in each.entries.values()}
                self._store.record(subject, tuple(specs), time=time, sources=_trees(sources))
        except OSError as error:
            raise StoreError(f"spec store {escape(self._var, 4096)}: cannot be written: {symbol(error)}") from None

    def tidy(self) -> None:
        """Remove what runs that died were writing. Failures change nothing."""
        for folder in self._store.folders():
            try:
                names = [name for name in os.listdir(folder) if name.startswith(".")]
            except OSError:
                continue
            for name in names:
                _remove(f"{folder}/{name}", name)

    def _sources(self, subject: str) -> dict[str, Source]:
        try:
            trees = self._store.sources(subject)
        except SourceError:
            return {}
        return {name: _source(tree) for name, tree in trees.items() if isinstance(tree, dict)}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fd = os.open(f"{self._var}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _trees(sources: dict[str, Source]) -> dict[str, Any]:
    return {
        name: {"specs": [entry.tree() for entry in one.entries.values()], "seen": one.seen}
        for name, one in sources.items()
    }


def _source(tree: dict[str, Any]) -> Source:
    """Read one part of a record; what makes no sense in it is left out, and so looked up anew."""
    entries = {}
    listed = tree.get("specs")
    for one in listed if isinstance(listed, list) else ():
        texts = (
            {key: one.get(key) for key in ("digest", "artifact", "signer", "created")} if isinstance(one, dict) else {}
        )
        if digests.valid(texts.get("digest")) and digests.valid(texts.get("artifact")):
            signer, created = texts["signer"], texts["created"]
            if isinstance(signer, str) and isinstance(created, str):
                mark = str(one.get("mark", ""))
                entries[signer] = Entry(str(texts["digest"]), str(texts["artifact"]), signer, created, mark)
    seen = tree.get("seen")
    times = seen.items() if isinstance(seen, dict) else ()
    return Source(entries, {key: value for key, value in times if isinstance(value, str)})


def _remove(path: str, name: str) -> None:
    """Remove a spare file whose writer is gone: its name ends in the writer's number and a time."""
    import time  # only where there is such a file

    parts = name.split(".")
    writer = parts[-2] if len(parts) > 2 else ""
    try:
        if not (writer.isascii() and writer.isdecimal()) or time.time() - os.lstat(path).st_mtime < _STALE:
            return
        if os.path.exists(f"/proc/{writer}"):
            return
        os.unlink(path)
    except OSError:
        return
