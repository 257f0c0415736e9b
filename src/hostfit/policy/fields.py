"""Strict reading of configuration: every key known, every value of its type, every problem with file and line.

For the cold parsers; a compiled policy went through them before.
"""

from __future__ import annotations

from hostfit.core import limits, suggest
from hostfit.core.errors import PolicyError
from hostfit.core.text import escape, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from hostfit.policy.model import Policy


class Finding:
    """One problem: where, which key, what was required and what was found there."""

    __slots__ = ("file", "key", "line", "message")

    def __init__(self, file: str, line: int, key: str, message: str) -> None:
        self.file = file
        self.line = line
        self.key = key
        self.message = message

    def __str__(self) -> str:
        place = escape(self.file, 4096) + (f":{self.line}" if self.line else "")
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class InvalidPolicyError(PolicyError):
    """The configuration was read but is not valid; `findings` lists every problem.

    `salvaged` is the policy without what is wrong with it, where nothing is wrong with its runtimes: it serves the
    break-glass file, which lifts verdicts and nothing else.
    """

    def __init__(self, findings: tuple[Finding, ...], salvaged: Policy | None = None) -> None:
        more = f" (+{len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{findings[0]}{more}")
        self.findings = findings
        self.salvaged = salvaged


class Table:
    """One table of a configuration file, asked key by key; what is wrong goes to `findings`."""

    __slots__ = ("file", "findings", "lines", "path", "values")

    def __init__(
        self, values: Mapping[str, Any], *, file: str, path: str, lines: Mapping[str, int], findings: list[Finding]
    ) -> None:
        self.values = values
        self.file = file
        self.path = path
        self.lines = lines
        self.findings = findings

    def wrong(self, key: str, message: str) -> None:
        """Note a problem with one key of this table, or with the table itself where `key` is empty."""
        path = ".".join([part for part in (self.path, escape(key)) if part])
        line = self.lines.get(f"{self.path}.{key}" if self.path else key, 0)
        if not line and self.path:
            line = self.lines.get(self.path, 0)
        self.findings.append(Finding(self.file, line, path, message))

    def known(self, keys: Iterable[str]) -> None:
        """Note every key that is none of `keys`, with the one that was probably meant."""
        names = tuple(keys)
        for key in self.values:
            if key not in names:
                meant = suggest.closest(key, names)
                hint = f" (did you mean {meant}?)" if meant else f" (known: {', '.join(names)})"
                self.wrong(key, f"required a known key, found {quoted(key)}{hint}")

    def choice(self, key: str, words: tuple[str, ...], default: str) -> str:
        """Give one of some words."""
        value = self.values.get(key, default)
        if value in words and isinstance(value, str):
            return value
        meant = suggest.closest(value, words) if isinstance(value, str) else ""
        hint = f" (did you mean {meant}?)" if meant else ""
        self.wrong(key, f"required one of {', '.join(words)}, found {shown(value)}{hint}")
        return default

    def text(self, key: str, *, default: str = "", absolute: bool = False) -> str:
        """Give a text, not empty where the key is there; with `absolute` a path from the root."""
        if key not in self.values:
            return default
        value = self.values[key]
        if isinstance(value, str) and value and len(value) <= limits.STRING and "\0" not in value:
            if not absolute or _plain_path(value):
                return value
            self.wrong(key, f"required an absolute path without . and .. in it, found {shown(value)}")
            return default
        self.wrong(key, f"required a text, found {shown(value)}")
        return default

    def texts(self, key: str, *, default: tuple[str, ...] = (), absolute: bool = False) -> tuple[str, ...]:
        """Give a list of texts, none of them empty; one text stands for a list of one."""
        if key not in self.values:
            return default
        value = self.values[key]
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not items or len(items) > limits.VALUES:
            self.wrong(key, f"required a list of texts, found {shown(value)}")
            return default
        kind = "absolute paths" if absolute else "texts"
        for item in items:
            if not isinstance(item, str) or not item or "\0" in item or (absolute and not _plain_path(item)):
                self.wrong(key, f"required a list of {kind}, found {shown(item)} in it")
                return default
        return tuple(items)

    def flag(self, key: str, *, default: bool) -> bool:
        """Give a truth value."""
        value = self.values.get(key, default)
        if isinstance(value, bool):
            return value
        self.wrong(key, f"required true or false, found {shown(value)}")
        return default

    def number(self, key: str, *, default: int, highest: int) -> int:
        """Give a whole number from 0 to `highest`."""
        value = self.values.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= highest:
            return value
        self.wrong(key, f"required a whole number from 0 to {highest}, found {shown(value)}")
        return default


def shown(value: Any) -> str:
    """Name a value of a configuration file by its type and, where it is short, its content."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value, 80) if value else "an empty text"
    if isinstance(value, (int, float)):
        return f"the number {value}" if len(str(value)) < 40 else "a number"
    kinds = {dict: "a table", list: "a list" if value else "an empty list", type(None): "nothing"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def _plain_path(value: str) -> bool:
    return value.startswith("/") and not {".", ".."}.intersection(value.split("/"))
