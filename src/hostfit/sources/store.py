"""The spec store below /var/lib/hostfit: documents by digest, and what was looked up for which image.

    specs/sha256/<hex>              a document as it was fetched, byte by byte; read only if it has its digest
    specs/sha256/<hex>.compiled     {"version": 1, "source": [device, inode, size, mtime in ns], "spec": ...}
    looked-up/sha256/<hex>          {"version": 1, "subject": "sha256:...", "time": "2026-01-31T12:00:00Z",
                                     "specs": [{"digest": "sha256:...", "signer": ""}], "sources": {...}}

A compiled form counts while device, inode, size and modification time of the document beside it match and nobody but
its owner, root or us, can write it; otherwise the document is read. The subject of a look-up is the digest of a
manifest or index; an empty list says "looked, none there", and no file "nobody ever looked". The folder looked-up is
made by the first look-up, so without it the store was never in use. Files are replaced as a whole and readers lock
nothing. Only documents that count are listed: per signer the newest, which whoever fetches decides.
"""

from __future__ import annotations

import os

from hostfit.core import fastjson, limits, memo
from hostfit.core.errors import SourceError, SpecError
from hostfit.core.text import escape, quoted
from hostfit.oci import digest as digests
from hostfit.oci.files import ensure_directory, hidden, read_capped, read_fd, require_regular, symbol, write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.spec import Spec

VERSION = 1
_COMPILED = 4 * limits.DOCUMENT
_MOST_SPECS = 32
"""Documents of one image (security rule R9)."""


class LookedUp:
    """What one look-up found: `time` in RFC 3339, `specs` as pairs of digest and signer, none signed being empty.

    `sources` is what the one who fetched has to remember, as it lies there.
    """

    __slots__ = ("sources", "specs", "subject", "time")

    def __init__(self, subject: str, specs: tuple[tuple[str, str], ...], time: str, sources: Any = None) -> None:
        self.subject = subject
        self.specs = specs
        self.time = time
        self.sources = sources


class SpecStore:
    """The store below one directory, which need not exist."""

    def __init__(self, var: str) -> None:
        self._specs = f"{var}/specs"
        self._looked_up = f"{var}/looked-up"

    def used(self) -> bool:
        """Whether anybody ever looked anything up."""
        return os.path.isdir(self._looked_up)

    def spec(self, digest: str) -> Spec | None:
        """Give a document by its digest, None where it is not there.

        Raises SourceError where the file cannot be read or has another digest, SpecError where it is no valid spec.
        """
        path = _path(self._specs, digest)
        try:
            status = os.stat(path, follow_symlinks=False)
        except OSError:
            return self._read_spec(digest, path)
        key = (path, _identity(status), status.st_ctime_ns)
        found: Spec | None = memo.kept(key, status.st_size, lambda: self._read_spec(digest, path))
        return found

    def _read_spec(self, digest: str, path: str) -> Spec | None:
        compiled = _compiled(path)
        if compiled is not None:
            return compiled
        data = self.read(digest)
        if data is None:
            return None
        from hostfit.core.read import read_spec  # only where the compiled form is stale

        return read_spec(data, place=digest)

    def read(self, digest: str) -> bytes | None:
        """Give a document's bytes, None where it is not there. Raises SourceError where they have another digest."""
        path = _path(self._specs, digest)
        try:
            data = read_capped(path, limits.DOCUMENT)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if hidden(error):
                return None
            raise SourceError(f"{escape(path)}: {symbol(error)}") from None
        if not digests.matches(data, digest):
            raise SourceError(f"{escape(path)}: content has another digest, {digests.of(data)}")
        return data

    def put(self, data: bytes) -> str:
        """Keep a document and, where it is a valid spec, its compiled form; gives its digest. Raises OSError.

        An invalid document is kept too: that an image has one must not be forgotten.
        """
        from hostfit.core import compiled, read  # whoever writes the store is in no hurry

        if len(data) > limits.DOCUMENT:
            raise SourceError(f"document: must be at most {limits.DOCUMENT} bytes, found {len(data)}")
        digest = digests.of(data)
        path = _path(self._specs, digest)
        ensure_directory(os.path.dirname(path), 0o700)
        write_atomic(path, data, 0o600)
        try:
            spec = read.read_spec(data, place=digest)
        except SpecError:
            return digest
        form = {"version": VERSION, "source": list(_identity(os.stat(path))), "spec": compiled.dump(spec)}
        write_atomic(path + ".compiled", fastjson.dumps(form).encode(), 0o600)
        return digest

    def current(self, digest: str) -> bool:
        """Whether a document's compiled form is there and is its own; never so for an invalid one."""
        return _compiled(_path(self._specs, digest)) is not None

    def looked_up(self, subject: str) -> LookedUp | None:
        """Give what a look-up for a manifest or index found, None where there was none. Raises SourceError."""
        path = _path(self._looked_up, subject)
        try:
            tree = fastjson.loads(read_capped(path, limits.DOCUMENT), what="look-up")
            return _record(tree, subject)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if hidden(error):
                return None
            raise SourceError(f"{escape(path)}: {symbol(error)}") from None
        except ValueError as error:
            raise SourceError(f"{escape(path)}: {error}") from None

    def record(
        self,
        subject: str,
        specs: tuple[tuple[str, str], ...] = (),
        *,
        time: str,
        sources: dict[str, Any] | None = None,
    ) -> None:
        """Keep what a look-up found; an empty tuple says "looked, none there". Raises OSError.

        `sources` is whatever the one who fetches has to remember; nobody else reads it. Raises SourceError where there
        are more than a reader takes.
        """
        if len(specs) > _MOST_SPECS:
            raise SourceError(f"specs of {subject}: at most {_MOST_SPECS} are kept, found {len(specs)}")
        path = _path(self._looked_up, subject)
        ensure_directory(os.path.dirname(path), 0o700)
        listed = [{"digest": digest, "signer": signer} for digest, signer in specs]
        tree = {"version": VERSION, "subject": subject, "time": time, "specs": listed}
        if sources:
            tree["sources"] = sources
        write_atomic(path, fastjson.dumps(tree).encode(), 0o600)

    def folders(self) -> tuple[str, ...]:
        """The directories that files are replaced in."""
        return tuple([f"{above}/{name}" for above in (self._specs, self._looked_up) for name in ("sha256", "sha512")])


def _path(folder: str, digest: str) -> str:
    """Where something lies by its digest. Raises SourceError for what is no digest, so that it is never a path."""
    if not digests.valid(digest):
        raise SourceError(f"a digest is required, found {quoted(digest)}")
    return f"{folder}/{digest.replace(':', '/')}"


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _compiled(path: str) -> Spec | None:
    """Give the compiled form of a document, None where there is none that can be trusted and is fresh."""
    try:
        source = _identity(os.stat(path, follow_symlinks=False))
        fd = os.open(path + ".compiled", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        status = require_regular(fd, path)
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
            return None
        tree = fastjson.loads(read_fd(fd, _COMPILED, path), what=path, cap=_COMPILED)
        if tree["version"] != VERSION or tuple(tree["source"]) != source:
            return None
        from hostfit.core import compiled  # hosts whose images have documents only

        return compiled.load(tree["spec"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    finally:
        os.close(fd)


def _record(tree: Any, subject: str) -> LookedUp:
    if not isinstance(tree, dict) or tree.get("version") != VERSION or tree.get("subject") != subject:
        raise ValueError(f"a look-up of version {VERSION} for {subject} is required")
    listed, time = tree.get("specs"), tree.get("time")
    if not isinstance(listed, list) or len(listed) > _MOST_SPECS or not isinstance(time, str):
        raise ValueError(f"at most {_MOST_SPECS} specs and a time are required")
    specs = []
    for one in listed:
        digest, signer = (one.get("digest"), one.get("signer", "")) if isinstance(one, dict) else (None, "")
        if not digests.valid(digest) or not isinstance(signer, str):
            raise ValueError(f"a digest and a signer are required, found {quoted(str(digest))}")
        specs.append((str(digest), signer))
    return LookedUp(subject, tuple(specs), time, tree.get("sources"))
