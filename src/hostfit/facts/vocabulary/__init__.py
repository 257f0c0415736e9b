"""The vocabulary: which features exist, in one table per domain that is loaded when the domain is asked for.

A table module exports `FEATURES`, a tuple of rows, and `PROBES`, which names for each feature the module
of `hostfit.facts.probes` that reads it. What a site adds is in `hostfit.facts.site`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.vocabulary import FeatureInfo

TABLES = {
    "amdgpu": "amdgpu",
    "cdi": "cdi",
    "cpu": "cpu",
    "device": "device",
    "kernel": "kernel",
    "local": "local",
    "memory": "memory",
    "network": "network",
    "nvidia": "nvidia",
    "os": "software",
    "pci": "pci",
    "request": "request",
    "rule": "local",
    "runtime": "runtime",
    "software": "software",
    "storage": "storage",
    "system": "system",
    "udev": "udev",
    "usb": "usb",
}
"""The module of this package that lists the features of a domain (the part before the dot)."""

_OWN_TABLE = {"cpu.cpuid": "cpuid", "cpu.microarch": "cpuid"}
"""Features with a table of their own, because it is long and the rest of the domain is not."""

_rows: dict[str, dict[str, FeatureInfo]] = {}
_probes: dict[str, str] = {}


def _table(name: str) -> dict[str, FeatureInfo]:
    """Load one table, once."""
    rows = _rows.get(name)
    if rows is None:
        module: Any = __import__("hostfit.facts.vocabulary." + name, None, None, ("FEATURES",))
        rows = {row.name: row for row in module.FEATURES}
        _probes.update(module.PROBES)
        _rows[name] = rows
    return rows


def lookup(feature: str) -> FeatureInfo | None:
    """Give the row of a feature, whose name is in lower case, or None if there is none."""
    table = _OWN_TABLE.get(feature) or TABLES.get(feature.partition(".")[0])
    return None if table is None else _table(table).get(feature)


def probe(feature: str) -> str | None:
    """Give the name of the module of `hostfit.facts.probes` that reads a feature, or None."""
    return None if lookup(feature) is None else _probes.get(feature)


def features() -> tuple[FeatureInfo, ...]:
    """Give all rows, sorted by name. Loads every table: for lint, `explain` and the whole of `facts`."""
    tables = {*TABLES.values(), *_OWN_TABLE.values()}
    rows = [row for table in tables for row in _table(table).values()]
    return tuple(sorted(rows, key=lambda row: row.name))
