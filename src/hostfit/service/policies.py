"""The policy, held between decisions: read again as soon as one of its files or directories is not what it was."""

from __future__ import annotations

import os
import time

from hostfit.core.errors import PolicyError
from hostfit.policy import compiled, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.paths import Paths
    from hostfit.policy.model import Policy


class Policies:
    """Answers `load` and `disabled` as hostfit.policy.load does. `loads` counts how often the files were read."""

    def __init__(self) -> None:
        self._stamps: list[list[Any]] = []
        self._policy: Policy | None = None
        self._error: PolicyError | None = None
        self.loads = 0

    def load(self, paths: Paths) -> Policy:
        """Give the policy. Raises PolicyError as hostfit.policy.load.load does, again and again while it is invalid."""
        if not self._stamps or any([compiled.stamp(one[0]) != one for one in self._stamps]):
            self._read(paths)
        if self._policy is None:
            raise self._error.with_traceback(None) if self._error is not None else PolicyError("policy: not read")
        return self._policy

    def disabled(self, paths: Paths) -> bool:
        """Whether the break-glass file is there; most hosts have none, and that is one call to know."""
        return os.path.lexists(f"{paths.etc}/{load.DISABLED}") and load.disabled(paths)

    def _read(self, paths: Paths) -> None:
        self.loads += 1
        self._policy = self._error = None
        self._stamps = []
        before: list[list[Any]] = []
        try:
            before = [*[compiled.stamp(one) for one in _above(paths.etc)], *self._sources(paths)]
        except PolicyError:
            before = []
        try:
            self._policy = load.load(paths)
        except PolicyError as error:
            self._error = error
        newest = max([one[5] for one in before if len(one) > 2], default=0)
        if newest + compiled.SETTLED < time.time_ns() and all([compiled.stamp(one[0]) == one for one in before]):
            self._stamps = before

    def _sources(self, paths: Paths) -> list[list[Any]]:
        single = [compiled.stamp(f"{paths.etc}/{name}") for name in load.CONFIGURATION]
        return single if all([len(one) == 1 for one in single]) else [*single, *compiled.stamps(paths)]


def _above(path: str) -> list[str]:
    """A directory and all above it: their owners and modes decide whether the files are trusted."""
    found = [path]
    while path != "/":
        path = os.path.dirname(path) or "/"
        found.append(path)
    return found
