"""[runtime.NAME] tables: put together over several files and on top of the built-in definitions (cold)."""

from __future__ import annotations

from hostfit.core import check
from hostfit.core.spec import REQUEST, VERSION, CompatibilitySet, Spec
from hostfit.core.text import escape, quoted
from hostfit.policy.fields import shown
from hostfit.policy.model import HOST, KERNELS, RuntimeDefinition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.spec import Rule
    from hostfit.policy.fields import Table

KEYS = (
    "like", "binary", "shim", "isolation", "kernel", "grants", "from_image", "platforms", "facts", "requires", "when",
    "instead",
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
        for key, field in (("binary", "binaries"), ("shim", "shims")):
            if key in given:
                fields[field] = table.texts(key, absolute=True)
        if "facts" in given:
            fields["facts"] = table.text("facts", absolute=True)
        if "like" in given:
            fields["like"] = table.text("like")
        if "isolation" in given:
            fields["isolation"] = table.number("isolation", default=1, highest=_ISOLATION)
        if "kernel" in given:
            fields["kernel"] = table.choice("kernel", KERNELS, HOST)
        for key in ("grants", "from_image"):
            if key in given:
                fields[key] = table.flag(key, default=False)
        for key in ("platforms", "instead"):
            if key in given:
                fields[key] = table.texts(key)
        for key in ("requires", "when"):
            if key in given:
                fields[key] = _rules(table, key)

    def finish(
        self, definitions: Mapping[str, RuntimeDefinition], shipped: Mapping[str, RuntimeDefinition]
    ) -> dict[str, RuntimeDefinition]:
        """Give the runtimes that the configuration speaks of, and `definitions`, by name; note those that cannot be.

        A name of `definitions` or `shipped` changes that definition, and so does one of a table that is `like` it.
        """
        before = {**shipped, **definitions}
        made = dict(definitions)
        for name, fields in self._set.items():
            made[name] = self._made(name, fields, {**before, **made})
        for name, table in self._last.items():
            for other in made[name].instead:
                if other not in made and other not in shipped:
                    table.wrong("instead", f"required runtimes that are defined, found {shown(other)}")
            if made[name].instead:
                # An image says what is in the request: it could choose the weaker substitute.
                for feature in _of_request(made[name].requires):
                    key = "requires" if "requires" in table.values else "instead"
                    table.wrong(
                        key, f"required features of the host beside instead, found {quoted(feature)} in requires"
                    )
        return made

    def _made(self, name: str, fields: dict[str, Any], known: Mapping[str, RuntimeDefinition]) -> RuntimeDefinition:
        table, like = self._last[name], fields.get("like", name)
        base = known.get(like)
        if base is None and "like" in fields and like != name:
            table.wrong("like", f"required a runtime that is defined before, found {shown(like)}")
        given = {key: value for key, value in fields.items() if key != "like"}
        inherited = (
            {key: getattr(base, key) for key in base.__slots__ if key not in ("name", "shipped")} if base else {}
        )
        one = RuntimeDefinition(name, **{**inherited, **given})
        if not one.binaries and not one.shims and not self._noted(table):
            table.wrong("", "required binary or shim, found neither")
        return one

    @staticmethod
    def _noted(table: Table) -> bool:
        return any([one.key in (f"{table.path}.binary", f"{table.path}.shim") for one in table.findings])


def _of_request(rules: tuple[Rule, ...]) -> list[str]:
    """Give the features of the request that some rules ask for."""
    wanted = Spec((CompatibilitySet(rules),)).wanted().elements
    return sorted([one for one in wanted if one.lower().startswith(REQUEST)])


def _rules(table: Table, key: str) -> tuple[Rule, ...]:
    """Check rules exactly as those of a spec; they may name any feature, for the vocabulary is the host's.

    Those of `when` are about the request alone.
    """
    value = table.values[key]
    if value == []:
        # Takes back what the definition that this one changes requires.
        return ()
    if not isinstance(value, list):
        table.wrong(key, f"required a list of rules, found {shown(value)}")
        return ()
    spec, problems = check.check({"version": VERSION, "compatibilities": [{"rules": value}]})
    for problem in problems:
        where = problem.path.replace(_RULES, key, 1) if problem.path.startswith(_RULES) else key
        table.wrong(key, f"{escape(where)}: {problem.message}")
    if spec is None:
        return ()
    if key == "when":
        for feature in sorted(spec.wanted().elements):
            if not feature.lower().startswith(REQUEST):
                table.wrong(key, f"required features of the request ({REQUEST}*), found {quoted(feature)}")
    return spec.sets[0].rules
