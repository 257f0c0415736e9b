"""Typed access to a plain tree for checkers: every answer of the wrong shape becomes a problem with its place.

A tree is what a JSON or YAML reader gives: dict, list, str, int, float, bool and None, with `Coerced` for an
unquoted YAML scalar that means something else than it says.
"""

from __future__ import annotations

from hostfit.core import limits, suggest
from hostfit.core.problem import Problem, at_index, at_key
from hostfit.core.scalar import Coerced
from hostfit.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_MOST_PROBLEMS = 100
"""More are of no use to anybody, and looking for near words takes time that a hostile document must not get."""
_ALIASES = {"values": "value", "operator": "op", "operation": "op", "url": "documentation", "doc": "documentation"}


class Shape:
    """Collects problems while a checker asks a tree for values."""

    __slots__ = ("lines", "problems")

    def __init__(self, lines: Mapping[str, int] | None = None) -> None:
        self.lines: Mapping[str, int] = lines or {}
        self.problems: list[Problem] = []

    def problem(self, path: str, message: str) -> None:
        """Note one thing that is wrong; after a hundred only that there are more."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(path, message, line=self.lines.get(path, 0)))
        elif len(self.problems) == _MOST_PROBLEMS:
            self.problems.append(Problem("", "further problems are not listed"))

    @property
    def full(self) -> bool:
        """Whether no further problem would be noted."""
        return len(self.problems) > _MOST_PROBLEMS

    def measured(self, tree: Any) -> bool:
        """Whether the whole tree keeps to the caps on depth and on the number of values (security rule R9)."""
        nodes = 0
        level: list[Any] = [tree]
        for _ in range(limits.DEPTH + 1):
            nodes += len(level)
            below: list[Any] = []
            for value in level:
                if isinstance(value, dict):
                    nodes += len(value)
                    below.extend(value.values())
                elif isinstance(value, list):
                    below.extend(value)
            if nodes + len(below) > limits.NODES:
                self.problem("", f"at most {limits.NODES} values are allowed, found more")
                return False
            if not below:
                return True
            level = below
        self.problem("", f"at most {limits.DEPTH} levels of nesting are allowed, found more")
        return False

    def mapping(self, value: Any, path: str, known: tuple[str, ...], example: str = "") -> dict[str, Any] | None:
        """Give a mapping whose keys are all among `known`, or None after saying what it is instead."""
        if not isinstance(value, dict):
            self.problem(path, f"a mapping is required, found {describe(value)}{example and f'; write {example}'}")
            return None
        for key in value:
            if key not in known and not self.full:
                self.unknown_key(at_key(path, str(key)), str(key), known)
        return value

    def unknown_key(self, path: str, key: str, known: tuple[str, ...]) -> None:
        """Note a key that nothing knows, with the one that was probably meant."""
        alias = _ALIASES.get(key.lower(), "")
        near = alias if alias in known else suggest.closest(key, known)
        hint = f"did you mean {quoted(near)}?" if near else "known here: " + ", ".join(known)
        self.problem(path, f"key {quoted(key)} is not known; {hint}")

    def open_mapping(self, value: Any, path: str, what: str) -> dict[str, Any]:
        """Give a mapping whose keys are the author's own, without those that are no usable text."""
        if not isinstance(value, dict):
            self.problem(path, f"a mapping of {what} is required, found {describe(value)}")
            return {}
        kept = {}
        for key, item in value.items():
            where = at_key(path, str(key))
            if not isinstance(key, str):
                self.problem(where, f"a key must be text, found {describe(key)}")
            elif isinstance(key, Coerced):
                self.problem(where, coercion(key))
            elif not key:
                self.problem(path, f"a name is required among the {what}, found an empty one")
            elif too_long(key):
                self.problem(where, f"at most {limits.STRING} bytes of text are allowed, found more")
            else:
                kept[key] = item
        return kept

    def items(self, value: Any, path: str, what: str, most: int) -> list[Any]:
        """Give a list of at most `most` items, or an empty one after saying what is wrong."""
        if not isinstance(value, list):
            example = f"; write [{quoted(value)}]" if isinstance(value, str) and not is_null(value) else ""
            self.problem(path, f"a list of {what} is required, found {describe(value)}{example}")
            return []
        if len(value) > most:
            self.problem(path, f"at most {most} {what} are allowed, found {len(value)}")
            return []
        return value

    def text(self, value: Any, path: str, *, empty: bool = True) -> str | None:
        """Give a text, or None after saying why it is none.

        Integers and true/false are taken as the text they are written as, which is what NFD's reader makes
        of them; anything that YAML 1.1 would change is refused.
        """
        if isinstance(value, Coerced):
            self.problem(path, coercion(value))
        elif isinstance(value, str):
            if too_long(value):
                self.problem(path, f"at most {limits.STRING} bytes of text are allowed, found more")
            elif not value and not empty:
                self.problem(path, "a text is required, found an empty one")
            else:
                return value
        elif isinstance(value, bool):
            return "true" if value else "false"
        elif isinstance(value, int):
            if abs(value) < limits.INTEGER:
                return str(value)
            self.problem(path, "a number of this size is rounded by NFD's reader; write it in double quotes")
        elif isinstance(value, float):
            self.problem(path, f"a text is required, found {describe(value)}; write it in double quotes")
        else:
            self.problem(path, f"a text is required, found {describe(value)}")
        return None

    def integer(self, value: Any, path: str) -> int:
        """Give an integer of less than 64 bits, or 0 after saying what is wrong."""
        if isinstance(value, Coerced):
            self.problem(path, f"an integer is required, found {value}, which is {value.becomes} in YAML 1.1")
        elif not isinstance(value, int) or isinstance(value, bool):
            self.problem(path, f"an integer is required, found {describe(value)}")
        elif not -limits.INTEGER <= value < limits.INTEGER:
            self.problem(path, "an integer of 64 bits is required, found a larger one")
        else:
            return value
        return 0

    def choice(self, value: Any, path: str, allowed: tuple[str, ...]) -> str:
        """Give one of some words, or an empty text after naming them."""
        word = self.text(value, path)
        if word is None or word in allowed or self.full:
            return word or ""
        near = suggest.closest(word, allowed)
        words = [one for one in allowed if one]
        named = "one of " + ", ".join(words) if len(words) > 1 else quoted(words[0])
        self.problem(path, f"{named} is required, found {quoted(word)}{near and f'; did you mean {quoted(near)}?'}")
        return ""

    def texts(self, value: Any, path: str, what: str, most: int) -> tuple[str, ...]:
        """Give a list of texts without those that are none."""
        found = [self.text(item, at_index(path, at)) for at, item in enumerate(self.items(value, path, what, most))]
        return tuple([item for item in found if item is not None])


def too_long(value: str) -> bool:
    """Whether a text is over the cap on one string."""
    return len(value) > limits.STRING or (
        len(value) * 4 > limits.STRING and len(value.encode("utf-8", "surrogatepass")) > limits.STRING
    )


def is_null(value: Any) -> bool:
    """Whether nothing stands where a value should."""
    return value is None or (isinstance(value, Coerced) and value.becomes == "null")


def describe(value: Any) -> str:
    """What was found, in a few words for a message."""
    if is_null(value):
        return "nothing (null)"
    if isinstance(value, Coerced):
        return f"{quoted(value)}, unquoted {value.becomes}"
    if isinstance(value, str):
        return f"text {quoted(value)}" if value else "an empty text"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"number {value}" if abs(value) < limits.INTEGER else "a number of more than 64 bits"
    if isinstance(value, float):
        return f"number {value!r}"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "no plain value"


def coercion(value: Coerced) -> str:
    """Why an unquoted scalar is refused, and how to write it."""
    if not value:
        return 'a text is required, found nothing (null); write "" for an empty text'
    return f"unquoted {quoted(value)[1:-1]} is {value.becomes} in YAML 1.1; write {quoted(value)}"
