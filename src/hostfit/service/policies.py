"""The policy, held between decisions: read again as soon as one of its files or directories is not what it was."""

from __future__ import annotations

import os
import time

from hostfit.core.errors import PolicyError
from hostfit.policy import compiled, load
from hostfit.policy.fields import InvalidPolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.paths import Paths
    from hostfit.policy.model import Policy


class Policies:
    """Answers `load` and `disabled` as hostfit.policy.load does; the same policy, while nothing has changed."""

    def __init__(self) -> None:
        self._sources: list[list[Any]] = []
        self._above: dict[str, tuple[int, ...]] = {}
        self._policy: Policy | None = None
        self._error: PolicyError | None = None

    def load(self, paths: Paths) -> Policy:
        """Give the policy. Raises PolicyError as hostfit.policy.load.load does, again and again while it is invalid."""
        if not self._current():
            self._read(paths)
        if self._policy is None:
            raise self._error.with_traceback(None) if self._error is not None else PolicyError("policy: not read")
        return self._policy

    def disabled(self, paths: Paths) -> bool:
        """Whether the break-glass file is there; most hosts have none, and that is one call to know."""
        return os.path.lexists(f"{paths.etc}/{load.DISABLED}") and load.disabled(paths)

    def _current(self) -> bool:
        return (
            bool(self._sources)
            and all([_stamp(one[0]) == one for one in self._sources])
            and all([_trust(path) == one for path, one in self._above.items()])
        )

    def _read(self, paths: Paths) -> None:
        self._policy = self._error = None
        self._sources = []
        self._above = {path: _trust(path) for path in _above(paths.etc)}
        before = _stamps(paths)
        try:
            self._policy = load.load(paths)
        except InvalidPolicyError as error:
            self._error = error
        except PolicyError as error:
            # What could not be read or trusted this time may be the next, and no stamp need say so.
            self._error = error
            return
        newest = max([one[5] for one in before if len(one) > 2], default=0)
        # What changed in this very tick may change again in it, and nobody could tell.
        if newest + compiled.SETTLED < time.time_ns() and _stamps(paths) == before:
            self._sources = before


def _stamps(paths: Paths) -> list[list[Any]]:
    """The stamps of all files and directories that could hold some of the policy, each once."""
    found = {name: _stamp(f"{paths.etc}/{name}") for name in load.CONFIGURATION}
    if any([len(one) > 1 for one in found.values()]):
        try:
            found |= {one[0]: one for one in compiled.stamps(paths)}
        except (PolicyError, OSError):
            return list(found.values())
    return list({one[0]: one for one in found.values()}.values())


def _stamp(path: str) -> list[Any]:
    """As hostfit.policy.compiled.stamp; of what cannot be looked at, the error."""
    try:
        return compiled.stamp(path)
    except OSError as error:
        return [path, error.errno]


def _above(path: str) -> list[str]:
    """A directory and all above it."""
    found = [path]
    while path != "/":
        path = os.path.dirname(path) or "/"
        found.append(path)
    return found


def _trust(path: str) -> tuple[int, ...]:
    """Which directory this is and who may change it, which decides whether files below it are trusted."""
    try:
        status = os.stat(path)
    except OSError as error:
        return (error.errno or 0,)
    return (status.st_dev, status.st_ino, status.st_uid, status.st_mode)
