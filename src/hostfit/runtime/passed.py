"""Which runtimes a call without a record was passed on to: one that calls hostfit-runtime again is not asked again.

A script in a runtime's place, or a runtime whose own configuration names hostfit-runtime, would else be called forever:
executing leaves no trace in a process. So the directory `passed` below /run/hostfit has a file for each process that
was passed on, named after its pid: its start and the runtime's path in each line. Files of processes that have ended go
with the next call.
"""

from __future__ import annotations

import os

from hostfit.oci.files import ensure_directory, read_capped
from hostfit.runtime import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.paths import Paths

_CAP = 1 << 20


def before(paths: Paths) -> set[str]:
    """Give the runtimes that this process, or one that it descends from, was passed on to. Raises nothing."""
    folder = _folder(paths)
    if not os.path.isdir(folder):
        return set()
    return {path for pid in record.callers() for path in _read(folder, pid, record.started(pid))}


def on(paths: Paths, path: str) -> None:
    """Remember that this process is passed on to the runtime at `path`, as far as that can be written anywhere."""
    folder, me = _folder(paths), os.getpid()
    try:
        ensure_directory(folder, 0o700)
        for name in os.listdir(folder):
            if not (name.isdigit() and record.started(int(name))):
                _drop(f"{folder}/{name}")
        start = record.started(me)
        lines = [f"{start} {one}\n" for one in (*_read(folder, me, start), path)]
        with open(f"{folder}/{me}", "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(lines)
    except OSError:
        return


def _drop(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return  # another call was here first


def _folder(paths: Paths) -> str:
    return f"{paths.run}/passed"


def _read(folder: str, pid: int, start: int) -> list[str]:
    """The paths in the file of one process; a file of an earlier process with its pid has another start."""
    try:
        lines = os.fsdecode(read_capped(f"{folder}/{pid}", _CAP)).splitlines()
    except OSError:
        return []
    return [path for number, _, path in [line.partition(" ") for line in lines] if number == str(start)]
