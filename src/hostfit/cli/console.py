"""What a person sees: colour only on a terminal, progress only on a terminal, errors in one shape."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from hostfit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hostfit.core.errors import HostfitError

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}
_LONGEST = 4096
"""Characters of one message."""
_PLAIN_WIDTH = 100
"""Columns where standard output is no terminal: wide enough for a log, narrow enough for a ticket."""


def _once(text: str) -> str:
    """Escape a message unless its values were escaped where it was made: a backslash is not doubled then."""
    return text[:_LONGEST] if text.isprintable() else escape(text, _LONGEST)


class Console:
    """Standard output and error of one command."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.out = sys.stdout if out is None else out
        self.err = sys.stderr if err is None else err
        self.terminal = self.out.isatty()
        self.width = shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns if self.terminal else _PLAIN_WIDTH

    def print(self, text: str = "") -> None:
        """Write one line, or several, to standard output."""
        self.out.write(text + "\n")

    def paint(self, text: str, colour: str) -> str:
        """Give `text` in a colour where a terminal shows it (see no-color.org for NO_COLOR)."""
        if not self.terminal or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return text
        return f"\033[{_COLOURS[colour]}m{text}\033[0m"

    def complain(self, message: str) -> None:
        """Write one line to standard error, with the program's name before it."""
        self.err.write(f"hostfit: {message}\n")

    def fail(self, error: HostfitError) -> int:
        """Show an error with all its problems (findings of a policy) or its hint, and give the exit code to end with.

        The message of an error with problems is the first of them.
        """
        problems = getattr(error, "problems", ()) or getattr(error, "findings", ())
        self.complain(_once(error.message))
        for number, problem in enumerate(problems):
            if number:
                self.err.write(f"  {_once(str(problem))}\n")
            excerpt = problem.excerpt() if hasattr(problem, "excerpt") else ""
            if excerpt:
                self.err.write("".join([f"    {line}\n" for line in excerpt.split("\n")]))
        if error.hint and not problems:
            self.err.write(f"  hint: {_once(error.hint)}\n")
        return error.exit_code

    @contextmanager
    def progress(self, total: int) -> Iterator[Progress]:
        """Show how far a longer work has come, on the terminal's last line, and wipe it at the end."""
        shown = Progress(self.err if self.err.isatty() else None, total)
        try:
            yield shown
        finally:
            shown.wipe()


class Progress:
    """One line on a terminal that says which step of how many is under way; nothing elsewhere."""

    def __init__(self, out: TextIO | None, total: int) -> None:
        self._out = out
        self._total = total
        self._done = 0

    def step(self, what: str) -> None:
        """Say that the next step begins."""
        self._done += 1
        if self._out is not None:
            self._out.write(f"\r\033[K[{self._done}/{self._total}] {escape(what, 60)}")
            self._out.flush()

    def wipe(self) -> None:
        """Clear the line."""
        if self._out is not None and self._done:
            self._out.write("\r\033[K")
            self._out.flush()

    def over(self, work: Iterable[str]) -> Iterator[str]:
        """Go through `work`, announcing each."""
        for one in work:
            self.step(one)
            yield one
