"""An end to every evaluation: 2 s of monotonic time, even where a read hangs (security rule R9).

A timer signal interrupts what blocks. It is armed in the main thread only, which is where the entry points evaluate;
elsewhere the end is noticed between steps.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

SECONDS = 2.0
_AGAIN = 0.1
"""Seconds between further signals, for a step that starts after the end or swallowed the first one."""


class Expired(BaseException):
    """The evaluation took too long. No Exception, so that no probe or source takes it for one of its own."""


class Deadline:
    """A span of time that starts now; inside `with` it interrupts whatever blocks beyond its end.

    Between `arm` and `disarm` all such steps share one timer, which does nothing outside of them.
    """

    __slots__ = ("_armed", "_end", "_old", "_signal", "_within")

    def __init__(self, seconds: float = SECONDS) -> None:
        self._end = time.monotonic() + seconds
        self._old: Any = None
        self._signal: Any = None
        self._armed = False
        self._within = False

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    def check(self) -> None:
        """Raise Expired if the time is over."""
        if self.passed:
            raise Expired

    def arm(self) -> None:
        """Set the timer for all steps to come; `disarm` must follow, for a timer outlives even an exec."""
        self._armed = True
        self._set()

    def disarm(self) -> None:
        """Clear the timer."""
        self._armed = False
        self._clear()

    def __enter__(self) -> None:
        self.check()
        self._within = True
        if not self._armed:
            self._set()

    def __exit__(self, *_: object) -> None:
        self._within = False
        if not self._armed:
            self._clear()

    def _set(self) -> None:
        # `_signal` is part of every interpreter; `signal` would cost 5 ms for its enumerations.
        signal: Any = __import__("_signal")
        try:
            self._old = signal.signal(signal.SIGALRM, self._expire)
        except ValueError:
            # Not the main thread: no signal reaches it.
            return
        self._signal = signal
        signal.setitimer(signal.ITIMER_REAL, max(self._end - time.monotonic(), 0.001), _AGAIN)

    def _clear(self) -> None:
        signal, self._signal = self._signal, None
        if signal is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL if self._old is None else self._old)

    def _expire(self, _number: int, _frame: FrameType | None) -> None:
        if self._within:
            raise Expired
