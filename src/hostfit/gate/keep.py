"""Reports that are kept for `hostfit why`: the last 1000, and no more than 16 MiB, under /run/hostfit/reports.

A file name says when, how long and of which container: `TIME~SIZE~CONTAINER`, the numbers in hexadecimal. So old ones
are found by listing the directory, without opening or even asking after a single file, and processes that prune at the
same time can at worst both try to remove the same one.
"""

from __future__ import annotations

import os

from hostfit.core import fastjson
from hostfit.core.errors import UsageError
from hostfit.core.text import escape
from hostfit.oci.files import ensure_directory, read_fd, require_regular, sha256, symbol, write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.paths import Paths
    from hostfit.gate.report import Report

REPORTS = 1000
BYTES = 16 << 20
_ONE = 1 << 20
"""Bytes of one report; a longer one loses the rules that matched, then all rules."""
_ID = 128
"""Characters of a container's id that a file name holds; a longer one ends in part of its digest."""
_DIGEST = 32
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")
_ABANDONED = 60 * 10**9
"""Nanoseconds (monotonic) after which a half-written file is nobody's any more."""


def folder(paths: Paths) -> str:
    """Where reports are kept, root's alone to read."""
    return f"{paths.run}/reports"


def keep(report: Report, tree: dict[str, Any], paths: Paths, *, text: str = "", tidy: bool = True) -> None:
    """Keep a report, and drop the oldest ones unless somebody else does (`tidy`).

    `tree` is its JSON form; it may be empty where that is written already, as `text`.
    Raises OSError where it cannot be kept.
    """
    if not report.request.id:
        # `hostfit check` asks about an image; there is no container to ask about later.
        return
    data = _encoded(report, tree, text)
    place = folder(paths)
    ensure_directory(place, 0o700)
    name = f"{report.when:016x}~{len(data):x}~{_file_id(report.request.id)}"
    write_atomic(f"{place}/{name}", data, 0o600, durable=False)
    if tidy:
        prune(place)


def prune(place: str) -> None:
    """Drop the oldest reports beyond the limits. Raises OSError where the directory cannot be listed."""
    names = sorted(os.listdir(place), reverse=True)
    total = 0
    for rank, name in enumerate(names):
        size = _size(name)
        total += max(size, 0)
        if size < 0:
            _drop_abandoned(place, name)
        elif rank >= REPORTS or total > BYTES:
            _drop(f"{place}/{name}")


def served(paths: Paths) -> str:
    """Where the service keeps its reports, in the only place that it may write; no more trusted than itself."""
    return f"{paths.run}/service/reports"


def find(prefix: str, paths: Paths) -> dict[str, Any]:
    """Give the newest report on the container with this id, or with the only id that starts so.

    Raises UsageError where none is kept, more than one container matches, or the report cannot be read.
    """
    places = {name: place for place in (served(paths), folder(paths)) for name in _names(place)}
    names = sorted(places, reverse=True)
    wanted = _file_id(prefix)
    matching = [name for name in names if wanted and name.rpartition("~")[2].startswith(wanted)]
    exact = [name for name in matching if name.rpartition("~")[2] == wanted]
    found = exact or matching
    if not found:
        raise UsageError(
            f"container {escape(prefix)}: required a kept report, found none",
            hint="the journal keeps more: journalctl -t hostfit",
        )
    ids = sorted({name.rpartition("~")[2] for name in found})
    if len(ids) > 1:
        shown = ", ".join([escape(one) for one in ids[:8]])
        raise UsageError(
            f"container {escape(prefix)}: required an id or unique prefix, found {len(ids)} that match",
            hint=f"{shown}{', ...' if len(ids) > 8 else ''}",
        )
    return _read(f"{places[found[0]]}/{found[0]}")


def newest(count: int, paths: Paths) -> list[dict[str, Any]]:
    """Give the last reports, newest first; one that is dropped or broken meanwhile is left out.

    Raises UsageError where they cannot be listed.
    """
    places = {name: place for place in (served(paths), folder(paths)) for name in _names(place)}
    found = []
    for name in sorted(places, reverse=True)[:count]:
        try:
            found.append(_read(f"{places[name]}/{name}"))
        except UsageError:
            continue
    return found


def _names(place: str) -> list[str]:
    try:
        return [name for name in os.listdir(place) if _size(name) >= 0]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(
            f"{escape(place, 4096)}: required readable, found {symbol(error)}", hint="reports are kept for root"
        ) from error


def _read(path: str) -> dict[str, Any]:
    try:
        tree = _harmless(fastjson.loads(_data(path), what="kept report", cap=2 * _ONE))
    except (OSError, ValueError) as error:
        why = symbol(error) if isinstance(error, OSError) else str(error)
        raise UsageError(f"{escape(path, 4096)}: required a report, found {why}") from error
    if not isinstance(tree, dict):
        raise UsageError(f"{escape(path, 4096)}: required a report, found other JSON")
    return tree


def _data(path: str) -> bytes:
    """The content of a report, no link followed. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY)
    try:
        require_regular(fd, path)
        return read_fd(fd, 2 * _ONE, path)
    finally:
        os.close(fd)


def _harmless(tree: Any) -> Any:
    """A tree whose texts are safe to show, whoever wrote it; those that are escaped already stay as they are."""
    if isinstance(tree, str):
        return (
            tree
            if tree.isascii() and tree.isprintable()
            else "\\".join([escape(one, 4096) for one in tree.split("\\")])
        )
    if isinstance(tree, list):
        return [_harmless(one) for one in tree]
    return {_harmless(key): _harmless(one) for key, one in tree.items()} if isinstance(tree, dict) else tree


def _encoded(report: Report, tree: dict[str, Any], text: str) -> bytes:
    data = (text or fastjson.dumps(tree)).encode()
    for everything in (False, True):
        if len(data) <= _ONE:
            break
        data = fastjson.dumps(_shorter(tree or report.tree(), everything=everything)).encode()
    return data


def _shorter(tree: dict[str, Any], *, everything: bool) -> dict[str, Any]:
    """A tree without the rules that matched, or without any; each document that lost some says so."""
    documents = []
    for document in tree.get("documents", []):
        sets = [
            {**one, "rules": [] if everything else [rule for rule in one["rules"] if rule["result"] != "match"]}
            for one in document["sets"]
        ]
        left_out = "rules are left out here" if everything else "rules that match are left out here"
        reason = "; ".join([part for part in (document["reason"], left_out) if part])
        problems = document["problems"][:5] if everything else document["problems"]
        documents.append({**document, "sets": sets, "reason": reason, "problems": problems})
    return {**tree, "documents": documents}


def _file_id(container: str) -> str:
    """An id as part of a file name; different ids give different names, and the beginning of one the beginning."""
    name = "".join([char if char in _SAFE else f"%{ord(char):x}%" for char in container])
    if len(name) <= _ID:
        return name
    return f"{name[:_ID]}%{sha256(container.encode('utf-8', 'surrogatepass'))[:_DIGEST]}"


def _size(name: str) -> int:
    """The length that a file name states, or -1 for a name that is none of ours."""
    parts = name.split("~")
    if len(parts) != 3 or name.startswith("."):
        return -1
    try:
        return int(parts[1], 16)
    except ValueError:
        return -1


def _drop_abandoned(place: str, name: str) -> None:
    """Remove what a killed process left half-written (names of oci.files.write_atomic)."""
    import time  # such files are rare

    stamp = name.rpartition(".")[2]
    if name.startswith(".") and stamp.isdigit() and time.monotonic_ns() - int(stamp) > _ABANDONED:
        _drop(f"{place}/{name}")


def _drop(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
