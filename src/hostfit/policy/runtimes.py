"""[runtime.NAME] tables: put together over several files and on top of the built-in definitions (cold)."""

from __future__ import annotations

from hostfit.core import check
from hostfit.core.spec import VERSION
from hostfit.core.text import escape
from hostfit.policy.fields import Finding, shown
from hostfit.policy.model import HOST, KERNELS, RuntimeDefinition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.spec import Rule
    from hostfit.policy.fields import Table

KEYS = (
    "binary", "shim", "isolation", "kernel", "grants", "from_image", "platforms", "facts", "requires", "when",
)  # fmt: skip
_ISOLATION = 1000
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")
_RULES = "compatibilities[0].rules"


class Runtimes:
    """The tables of all files; `add` takes them in order."""

    __slots__ = ("_last", "_set")

    def __init__(self) -> None:
        self._set: dict[str, dict[str, Any]] = {}
        self._last: dict[str, Table] = {}

    def add(self, name: str, table: Table) -> None:
        """Take the keys of one table; those of an earlier table of the same name stay where this one is silent."""
        table.known(KEYS)
        if not name or not _NAME.issuperset(name) or not name[0].isalnum():
            table.wrong("", f"required a name of letters, digits and . _ + -, found {shown(name)}")
        fields = self._set.setdefault(name, {})
        self._last[name] = table
        given = table.values
        if "binary" in given:
            fields["binaries"] = table.texts("binary", absolute=True)
        for key in ("shim", "facts"):
            if key in given:
                fields[key] = table.text(key, absolute=True)
        if "isolation" in given:
            fields["isolation"] = table.number("isolation", default=1, highest=_ISOLATION)
        if "kernel" in given:
            fields["kernel"] = table.choice("kernel", KERNELS, HOST)
        for key in ("grants", "from_image"):
            if key in given:
                fields[key] = table.flag(key, default=False)
        if "platforms" in given:
            fields["platforms"] = table.texts("platforms")
        for key in ("requires", "when"):
            if key in given:
                fields[key] = _rules(table, key)

    def finish(
        self, definitions: Mapping[str, RuntimeDefinition], findings: list[Finding]
    ) -> dict[str, RuntimeDefinition]:
        """Give all definitions by name, the built-in ones included, and note those that cannot be."""
        made = dict(definitions)
        for name, fields in self._set.items():
            before = definitions.get(name)
            known = {key: getattr(before, key) for key in before.__slots__ if key != "name"} if before else {}
            if fields.get("shim"):
                known.pop("binaries", None)
            one = RuntimeDefinition(name, **{**known, **fields})
            table = self._last[name]
            if bool(one.binaries) == bool(one.shim) and not self._noted(findings, table):
                table.wrong("", f"required binary or shim, found {'both' if one.shim else 'neither'}")
            made[name] = one
        return made

    @staticmethod
    def _noted(findings: list[Finding], table: Table) -> bool:
        return any([one.key in (f"{table.path}.binary", f"{table.path}.shim") for one in findings])


def _rules(table: Table, key: str) -> tuple[Rule, ...]:
    """Check rules exactly as those of a spec; they may name any feature, for the vocabulary is the host's."""
    value = table.values[key]
    if not isinstance(value, list) or not value:
        table.wrong(key, f"required a list of rules, found {shown(value)}")
        return ()
    spec, problems = check.check({"version": VERSION, "compatibilities": [{"rules": value}]})
    for problem in problems:
        where = problem.path.replace(_RULES, key, 1) if problem.path.startswith(_RULES) else key
        table.wrong(key, f"{escape(where)}: {problem.message}")
    return spec.sets[0].rules if spec is not None else ()
