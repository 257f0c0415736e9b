"""The host's root that remembers which files were looked at, so that what was read from them can be kept."""

from __future__ import annotations

import os
import stat
import time

from hostfit.facts.root import Root
from hostfit.policy.compiled import SETTLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Identity = tuple[int, ...]

_MOST = 4096
"""Files of one feature; what looks at more is not kept."""
_PASSING = ("/proc/", "/sys/")
"""File systems whose files have no identity that tells of a change."""


class Watched(Root):
    """The live root, with the identity of every path that a probe opened or asked after."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        super().__init__("/")
        self._seen: dict[str, Identity | None] = {}

    def open(self, path: str, flags: int) -> int:
        """As Root.open."""
        self._note(path)
        return super().open(path, flags)

    def stat(self, path: str) -> os.stat_result:
        """As Root.stat."""
        self._note(path)
        return super().stat(path)

    def link(self, path: str) -> str:
        """As Root.link."""
        self._note(path)
        return super().link(path)

    def resolve(self, path: str) -> str:
        """As Root.resolve."""
        self._note(path)
        return super().resolve(path)

    def unchanged(self) -> bool:
        """Whether all that was looked at is still the same, as far as anybody can tell without reading it."""
        return all([identity(path) == one for path, one in self._seen.items()])

    def settled(self) -> bool:
        """Whether a change from now on would show: files of this minute's last tick may change again within it."""
        newest = max(
            [max(one[2], *one[6:]) for one in self._seen.values() if one is not None and len(one) > 3], default=0
        )
        return len(self._seen) <= _MOST and None not in self._seen.values() and newest + SETTLED < time.time_ns()

    def _note(self, path: str) -> Any:
        if path not in self._seen:
            self._seen[path] = None if path.startswith(_PASSING) else identity(path)


def identity(path: str) -> Identity:
    """Device, inode, size and both times of a path and of what it leads to; where that is nothing, the error."""
    try:
        own = end = os.lstat(path)
        if stat.S_ISLNK(own.st_mode):
            end = os.stat(path)
    except OSError as error:
        return (error.errno or 0,)
    return (
        own.st_dev,
        own.st_ino,
        own.st_ctime_ns,
        end.st_dev,
        end.st_ino,
        end.st_size,
        end.st_mtime_ns,
        end.st_ctime_ns,
    )
