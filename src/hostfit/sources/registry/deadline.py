"""A span of monotonic time in which some work with a registry must end (security rules R19 and R21)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hostfit.core.errors import UnreachableError

if TYPE_CHECKING:
    from typing import Self

ARTIFACTS = 60.0
"""Seconds for the list of one subject's artifacts."""
DOCUMENTS = 60.0
"""Seconds for the documents of one subject's artifacts, all together."""
COMMAND = 300.0
"""Seconds for a whole command, unless it is told otherwise."""


class Deadline:
    """The moment `seconds` from now; `what` says in messages which work was to be done by then."""

    def __init__(self, seconds: float, what: str) -> None:
        self.seconds = seconds
        self.what = what
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Raises UnreachableError where there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def missed(self) -> UnreachableError:
        """The error that says so."""
        return UnreachableError(f"{self.what}: must end within {self.seconds:g} s, found it still under way")

    def over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self.end

    def within(self, seconds: float, what: str) -> Self:
        """Give an earlier moment for a part of the work, never a later one than this."""
        part = type(self)(seconds, what)
        if part.end > self.end:
            part.seconds, part.what, part.end = self.seconds, self.what, self.end
        return part
