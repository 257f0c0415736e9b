"""What look-ups found, by the repository that was asked, beside the list that engines are served from (cold).

A record of the spec store has one more key, `sources`: for each repository which artifact counts there for which
signer, and the newest time that was ever seen of each. A repository replaces its own part alone, so that nobody else's
repository lifts what an image's own one asks for. A damaged record stays as it is until the administrator wants a new
one: nobody can say what it asked for. A lock is held while a record is replaced, never by readers.
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

    from hostfit.sources.store import LookedUp, SpecStore

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
    """The records of one spec store, for whoever fetches; with `anew` one that is damaged counts as none."""

    def __init__(self, store: SpecStore, var: str, *, anew: bool = False) -> None:
        self._store = store
        self._var = var
        self._anew = anew

    def known(self, subject: str, repository: str = "") -> bool:
        """Whether anybody looked for specs of a subject, there if a repository is given. A damaged record is none."""
        try:
            sources = _sources(self._store.looked_up(subject))
        except SourceError:
            return False
        return sources is not None and (not repository or repository in sources)

    def source(self, subject: str, repository: str) -> Source:
        """Give what a repository is known to have for a subject. Raises SourceError where the record is damaged."""
        return self._known(subject).get(repository, Source())

    def replace(self, subject: str, repository: str, source: Source | None, *, time: str) -> None:
        """Keep what a repository has now; None says that there is none to ask.

        Raises StoreError, and SourceError where the record is damaged.
        """
        try:
            ensure_directory(self._var, 0o755)
            with self._locked():
                sources = self._known(subject)
                if source is not None:
                    sources[repository] = source
                self._store.record(subject, _specs(sources), time=time, sources=_trees(sources))
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

    def _known(self, subject: str) -> dict[str, Source]:
        try:
            return _sources(self._store.looked_up(subject)) or {}
        except SourceError as error:
            if self._anew:
                return {}
            raise SourceError(f"{error.message}; with --accept-older it is looked up anew") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fd = os.open(f"{self._var}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _sources(record: LookedUp | None) -> dict[str, Source] | None:
    """Read what each repository has, None where nobody ever looked. Raises SourceError for a damaged record."""
    if record is None:
        return None
    trees = {} if record.sources is None else record.sources
    try:
        sources = {name: _source(tree) for name, tree in trees.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        sources = None
    if sources is None or set(_specs(sources)) != set(record.specs):
        raise SourceError(f"look-up of {record.subject}: what each repository has must add up to what is listed")
    return sources


def _specs(sources: dict[str, Source]) -> tuple[tuple[str, str], ...]:
    """What counts of all repositories together, each once."""
    found = {(one.document, one.signer): None for each in sources.values() for one in each.entries.values()}
    return tuple(found)


def _trees(sources: dict[str, Source]) -> dict[str, Any]:
    return {
        name: {"specs": [entry.tree() for entry in one.entries.values()], "seen": one.seen}
        for name, one in sources.items()
    }


def _source(tree: dict[str, Any]) -> Source:
    """Read one part of a record. Raises ValueError, TypeError, KeyError or AttributeError where it makes no sense."""
    entries = {}
    for one in tree["specs"]:
        entry = Entry(one["digest"], one["artifact"], one["signer"], one["created"], one["mark"])
        if not digests.valid(entry.document) or not digests.valid(entry.artifact) or not _texts(one):
            raise ValueError("digests and texts are required")
        entries[entry.signer] = entry
    if not _texts(tree["seen"]):
        raise ValueError("times are required")
    return Source(entries, tree["seen"])


def _texts(tree: dict[str, Any]) -> bool:
    return all([isinstance(one, str) for one in tree.values()])


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
