"""On which line of a TOML file a key stands; tomllib gives values without their place.

Headers and the keys below them are found line by line, which covers files as people write them. A key that stands
elsewhere (inside an inline table, say) has no line, and messages name its table's.
"""

from __future__ import annotations


def key_lines(text: str) -> dict[str, int]:
    """Map paths such as `policy.on_misfit`, `scope[1].image` and `scope[1]` to line numbers from 1."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    closing = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if closing:
            closing = "" if line.count(closing) % 2 else closing
            continue
        if line.startswith("["):
            table = _header(line, counts)
            lines.setdefault(table, number)
            continue
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            path = _plain(key)
            lines.setdefault(f"{table}.{path}" if table else path, number)
        closing = next((mark for mark in ('"""', "'" * 3) if value.count(mark) % 2), "")
    return lines


def _header(line: str, counts: dict[str, int]) -> str:
    if line.startswith("[["):
        name = _plain(line[2:].partition("]]")[0])
        counts[name] = counts.get(name, -1) + 1
        return f"{name}[{counts[name]}]"
    return _plain(line[1:].partition("]")[0])


def _plain(key: str) -> str:
    return ".".join([part.strip().strip("\"'") for part in key.split(".")])
