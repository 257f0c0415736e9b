"""One thing that is wrong with a document, and where; a checker collects all of them before it gives up."""

from __future__ import annotations

from hostfit.core import text

ERROR, WARNING = "error", "warning"

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_KEY_SHOWN = 64
_EXCERPT = 70


class Problem:
    """One finding.

    `path` leads to the place from the root of the document ("compatibilities[0].rules[1].name"), empty for the
    document itself; `line` counts from 1, 0 where lines are not known. For one-line forms `source` is the text and
    `column` the place in it, from 1. `level` is ERROR or WARNING. The message is one line and already escaped.
    """

    __slots__ = ("column", "level", "line", "message", "path", "source")

    def __init__(
        self, path: str, message: str, *, line: int = 0, level: str = ERROR, source: str = "", column: int = 0
    ) -> None:
        self.path = path
        self.message = message
        self.line = line
        self.level = level
        self.source = source
        self.column = column

    def __str__(self) -> str:
        place = f" (line {self.line})" if self.line else f" (column {self.column})" if self.column else ""
        return f"{self.path or 'document'}{place}: {self.message}"

    def __repr__(self) -> str:
        return f"Problem({str(self)!r}, level={self.level!r})"

    def _key(self) -> tuple[object, ...]:
        return (self.path, self.message, self.line, self.level, self.column)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and other._key() == self._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def excerpt(self) -> str:
        """Two lines: the source around the place, escaped, and a caret under it; empty where there is no source."""
        if not self.source or not self.column:
            return ""
        at = min(self.column - 1, len(self.source))
        first = max(0, at - _EXCERPT // 2)
        before = text.escape(self.source[first:at])
        return before + text.escape(self.source[at : first + _EXCERPT]) + "\n" + " " * len(before) + "^"


def at_key(path: str, key: str) -> str:
    """The path of one value of a mapping."""
    if not _PLAIN.issuperset(key) or not key or len(key) > _KEY_SHOWN:
        return f"{path}[{text.quoted(key, _KEY_SHOWN)}]"
    return f"{path}.{key}" if path else key


def at_index(path: str, index: int) -> str:
    """The path of one item of a list."""
    return f"{path}[{index}]"


def summary(place: str, problems: tuple[Problem, ...]) -> str:
    """One line for an error: where the document came from, its first problem, and how many more there are."""
    more = f" (+{len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{text.escape(place)}: {problems[0] if problems else 'not valid'}{more}"
