"""The values in one file of facts.d: `KEY=VALUE` lines, or a JSON object or list."""

from __future__ import annotations

from hostfit.core import fastjson, limits
from hostfit.core.text import quoted
from hostfit.core.vocabulary import ATTRIBUTE, FLAG, INSTANCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.facts import Feature, Unknown

_INSTANCES = 4096


class Values:
    """What a file says: values by name, instances, or both."""

    __slots__ = ("_file", "instances", "values")

    def __init__(self, file: str, values: dict[str, str], instances: list[dict[str, str]] | None) -> None:
        self._file = file
        self.values = values
        self.instances = instances

    def into(self, feature: Feature, kinds: Mapping[str, str] | None) -> None:
        """Put the values into a feature.

        `kinds` gives each declared element's kind; None takes every value as an attribute. Raises ValueError for
        values that are not declared or not of their kind, before anything is put in.
        """
        if self.instances is not None and (kinds is None or INSTANCE not in kinds.values()):
            raise ValueError(f"{self._file}: an object of values is required, found a list")
        for one in [self.values, *(self.instances or [])]:
            for name, value in one.items():
                wanted = ATTRIBUTE if kinds is None else kinds.get(name)
                if wanted is None:
                    raise ValueError(f"{self._file}: {quoted(name)} is not declared in the vocabulary")
                if (wanted == INSTANCE) is not (one is not self.values):
                    raise ValueError(f"{self._file}: {quoted(name)} is declared as {wanted}, found another kind")
                if wanted == FLAG and value not in ("true", "false"):
                    raise ValueError(f"{self._file}: flag {quoted(name)}: true or false is required")
        flags = {name for name in self.values if kinds is not None and kinds[name] == FLAG}
        if feature.flags is not None:
            feature.flags = feature.flags | {name for name in flags if self.values[name] == "true"}
        if feature.attributes is not None:
            feature.attributes.update({name: value for name, value in self.values.items() if name not in flags})
        if self.instances is not None:
            typed: list[dict[str, str | Unknown]] = [{**one} for one in self.instances]
            feature.instances = (*(feature.instances or ()), *typed)


def parse(data: bytes, file: str) -> Values:
    """Parse a file; ValueError says what is wrong with it, in one line that begins with its name."""
    if data.lstrip()[:1] in (b"{", b"["):
        tree = fastjson.loads(data, what=file)
        if isinstance(tree, list):
            if len(tree) > _INSTANCES:
                raise ValueError(f"{file}: at most {_INSTANCES} instances are allowed")
            return Values(file, {}, [_object(one, file) for one in tree])
        return Values(file, _object(tree, file), None)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{file}: text in UTF-8 is required") from None
    values = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"{file}: line {number}: KEY=VALUE is required, found {quoted(line)}")
        values[key.strip()] = value.strip()
    return Values(file, values, None)


def _object(value: Any, file: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - all that is wrong with a file is one kind of error
            f"{file}: an object of values is required, found {type(value).__name__}"
        )
    return {name: _text(one, name, file) for name, one in value.items()}


def _text(value: Any, name: str, file: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < limits.INTEGER:
        return str(value)
    if isinstance(value, str):
        return value
    raise ValueError(f"{file}: {quoted(name)}: text, an integer or true or false is required")
