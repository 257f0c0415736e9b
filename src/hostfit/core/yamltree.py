"""YAML to a plain tree through parser events, so that no alias, tag or nesting can hurt. Cold: imports PyYAML.

PyYAML's own loaders crash or stall on short hostile texts (deep nesting, merge keys, aliases) and turn scalars into
numbers, booleans and dates. Here events are counted as they come, anything but plain data is refused, and scalars
keep their text (security section 2.3 f).
"""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.problem import at_index, at_key
from hostfit.core.scalar import Coerced
from hostfit.core.text import escape, quoted
from hostfit.core.yaml11 import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PATHS = 16
"""Levels for which lines are kept; no key that anything knows lies deeper."""
_NESTING = f"at most {limits.DEPTH} levels of nesting are allowed, found more"
_TOO_DEEP = "exceeded maximum nesting depth"
"""The words of a libyaml with a cap of its own, which reads ahead and so may notice first."""


class YamlError(ValueError):
    """The text is not YAML as hostfit accepts it; `line` counts from 1, 0 where it is not known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.message = message
        self.line = line


class _Level:
    """One open mapping or list."""

    __slots__ = ("key", "line", "node", "path")

    def __init__(self, node: dict[str, Any] | list[Any], path: str, line: int) -> None:
        self.node = node
        self.path = path
        self.line = line
        self.key: str | None = None


def load(text: str) -> tuple[Any, dict[str, int]]:
    """Parse one YAML document; give the tree and the line of every path in it.

    Unquoted scalars are text, integers and booleans where YAML 1.1 reads them back as written, else `Coerced`.
    Raises YamlError for what is no YAML and for anchors, aliases, tags, directives other than %YAML, a second
    document, duplicate keys, keys that are no text, merge keys, and documents over the caps of `limits`.
    """
    if len(text) > limits.DOCUMENT or len(text.encode("utf-8", "surrogatepass")) > limits.DOCUMENT:
        raise YamlError(f"at most {limits.DOCUMENT} bytes are allowed, found more")
    import yaml  # third-party and slow to import

    try:
        text.encode()
        return _Builder(yaml).build(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        if error.problem == _TOO_DEEP:
            raise YamlError(_NESTING, line) from None
        raise YamlError(f"not YAML: {escape(error.problem or 'syntax error')}", line) from None
    except yaml.YAMLError as error:
        raise YamlError(f"not YAML: {escape(str(error).splitlines()[0])}") from None
    except UnicodeEncodeError:
        raise YamlError("not YAML: text is not valid Unicode") from None
    except RecursionError:
        raise YamlError(_NESTING) from None


def below(lines: dict[str, int], path: str) -> dict[str, int]:
    """Give the lines of one part of a document, by paths that start at that part."""
    kept = {}
    for where, line in lines.items():
        if where.startswith(path) and where[len(path) : len(path) + 1] in ("", ".", "["):
            kept[where[len(path) :].removeprefix(".")] = line
    return kept


class _Builder:
    __slots__ = ("levels", "lines", "nodes", "root", "yaml")

    def __init__(self, yaml: Any) -> None:
        self.yaml = yaml
        self.levels: list[_Level] = []
        self.lines: dict[str, int] = {}
        self.nodes = 0
        self.root: Any = Coerced("", "null")

    def build(self, events: Iterator[Any]) -> tuple[Any, dict[str, int]]:
        yaml, documents = self.yaml, 0
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.ScalarEvent):
                self.refuse(event, line)
                self.add(plain(event.value) if event.implicit[0] else event.value, line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self.refuse(event, line)
                if len(self.levels) >= limits.DEPTH:
                    raise YamlError(_NESTING, line)
                node: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
                self.levels.append(_Level(node, self.add(node, line), line))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self.levels.pop()
            elif isinstance(event, yaml.AliasEvent):
                raise YamlError(f"aliases are not allowed, found *{escape(event.anchor, 40)}", line)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlError("one document is allowed, found a second one", line)
                if event.tags:
                    raise YamlError("%TAG directives are not allowed", line)
        return self.root, self.lines

    def refuse(self, event: Any, line: int) -> None:
        """Refuse what is no plain data, and too much of it."""
        self.nodes += 1
        if self.nodes > limits.NODES:
            raise YamlError(f"at most {limits.NODES} values are allowed, found more", line)
        if event.anchor is not None:
            raise YamlError(f"anchors are not allowed, found &{escape(event.anchor, 40)}", line)
        if event.tag is not None:
            raise YamlError(f"tags are not allowed, found {escape(event.tag, 40)}", line)

    def add(self, value: Any, line: int) -> str:
        """Put a value (or a key) where it belongs and give its path."""
        if not self.levels:
            self.root = value
            return ""
        level = self.levels[-1]
        if isinstance(level.node, list):
            level.node.append(value)
            return self.mark(at_index(level.path, len(level.node) - 1), line)
        if level.key is None:
            level.key = self.key(level, value, line)
            return self.mark(at_key(level.path, level.key), line)
        key, level.key = level.key, None
        level.node[key] = value
        return at_key(level.path, key)

    def key(self, level: _Level, value: Any, line: int) -> str:
        """Give a mapping's key as text."""
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int):
            value = str(value)
        elif not isinstance(value, str):
            raise YamlError("a key must be text, found a list or mapping", line)
        if isinstance(value, Coerced) and value == "<<":
            raise YamlError("merge keys are not allowed, found <<", line)
        if value in level.node:
            raise YamlError(f"key {quoted(value)} is there twice", line)
        key: str = value
        return key

    def mark(self, path: str, line: int) -> str:
        if len(self.levels) <= _PATHS:
            self.lines[path] = line
        return path
