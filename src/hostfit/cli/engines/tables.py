"""TOML of engines: merged as they merge it, and edited with comments and order kept."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.tree import Tree

HEADER = "# Written by `hostfit setup {engine}`; `hostfit setup {engine} --remove` takes it away again.\n"


_MARK = "# Written by `hostfit setup "


def written(text: str | None) -> bool:
    """Whether a file is one of our own by its first line."""
    return text is not None and text.startswith(_MARK)


def parse(path: str, text: str) -> dict[str, Any]:
    """Read TOML. Raises UsageError with the file and the place in it."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        what = escape(str(error)[:1].lower() + str(error)[1:])
        raise UsageError(f"{escape(path, 4096)}: required TOML, found an error: {what}") from error


def load(tree: Tree, path: str) -> dict[str, Any]:
    """Read a file of that host, nothing where there is none. Raises UsageError as `parse`."""
    text = tree.read(path)
    return {} if text is None else parse(path, text)


def within(table: Any, *keys: str) -> Any:
    """Give what stands below some keys, None where one is missing or no table."""
    for key in keys:
        if not isinstance(table, dict):
            return None
        table = table.get(key)
    return table


def table(values: Any, *keys: str) -> dict[str, Any]:
    """Give the table below some keys, an empty one where there is none."""
    found = within(values, *keys)
    return found if isinstance(found, dict) else {}


def texts(value: Any, before: list[str] | None = None) -> list[str] | None:
    """Give a list of texts, None where it is none; `{append = true}` in it adds to what was there (containers.conf)."""
    if not isinstance(value, list):
        return before
    words = [one for one in value if isinstance(one, str)]
    appends = any([isinstance(one, dict) and one.get("append") for one in value])
    return [*(before or []), *words] if appends else words


def dump(values: dict[str, Any], *, engine: str) -> str:
    """Write a file of our own."""
    import tomlkit  # 60 ms

    return HEADER.format(engine=engine) + tomlkit.dumps(values).strip("\n") + "\n"


def add_to_list(text: str, key: str, word: str) -> str:
    """Add a word to a list at the top of a document, which is made where it is missing; the rest stays to the byte."""
    import tomlkit  # 60 ms

    document = tomlkit.parse(text)
    if key not in document:
        # In front of all tables, where alone a key belongs to none of them.
        return _inserted(text, f'{key} = ["{word}"]')
    words = document[key].unwrap()
    if not isinstance(words, list):
        raise UsageError(f"{escape(key)}: required a list, found something else")
    if word in words:
        return text
    document[key].append(word)
    return tomlkit.dumps(document)


def drop_from_list(text: str, key: str, word: str) -> str:
    """Take a word out of a list at the top of a document, and an empty list with its key."""
    import tomlkit  # 60 ms

    document = tomlkit.parse(text)
    words = document.get(key)
    if words is None or not isinstance(words.unwrap(), list) or word not in words.unwrap():
        return text
    words.remove(word)
    if not words:
        document.remove(key)
    return tomlkit.dumps(document)


def _inserted(text: str, line: str) -> str:
    """Put a line behind that of the version, or at the very top."""
    lines = text.split("\n")
    for number, one in enumerate(lines):
        if one.lstrip().startswith("["):
            break
        if one.partition("=")[0].strip() == "version":
            return "\n".join([*lines[: number + 1], line, *lines[number + 1 :]])
    return f"{line}\n{text}"
