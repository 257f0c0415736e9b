"""Expressions on devices: all of them must hold for one and the same instance, and any instance will do.

Source: `MatchGetInstances` of NFD v0.19 (`pkg/apis/nfd/nodefeaturerule/expression.go`), with the third answer added
and with the device that came closest, so that a report can name what is wrong with it.
"""

from __future__ import annotations

from hostfit.core.expressions import SPENT, evaluate, required
from hostfit.core.facts import Unknown
from hostfit.core.results import MATCH, NOMATCH, UNKNOWN, ExpressionResult, all_of, any_of
from hostfit.core.spec import Expression

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostfit.core.expressions import Work
    from hostfit.core.facts import Feature
    from hostfit.core.spec import Term

    Cell = tuple[str, str, str]

NAME = "name"
"""The attribute by which a spec asks for one device among many."""
ABSENT = "absent"
_DISTINCT = 3
"""Different values that are named when no device has the required one; more are only counted."""
_STEPS = 4
"""What one expression on one device costs, beside its values."""
_VALUES_A_STEP = 16
"""Values of an expression that are looked through in the time of one step."""


class Asked:
    """One expression of a term: `element` as the spec writes it, `key` as facts spell it.

    With `twin` a value is the name of a kernel module, which a pattern may spell with `-` in place of `_`.
    """

    __slots__ = ("element", "expression", "key", "twin")

    def __init__(self, element: str, expression: Expression, *, module_key: bool = False, twin: bool = False) -> None:
        self.element = element
        self.key = element.replace("-", "_") if module_key else element
        self.twin = twin
        if twin and expression.op in ("In", "NotIn"):
            values = tuple([value.replace("-", "_") for value in expression.values])
            expression = Expression(expression.op, values, expression.type)
        self.expression = expression

    def compare(self, present: bool, value: str | Unknown | None, work: Work) -> tuple[str, str]:
        """Evaluate the expression on one value."""
        result, reason = evaluate(self.expression, present, value, work)
        if self.twin and result == NOMATCH and isinstance(value, str) and self.expression.op == "InRegexp":
            return evaluate(self.expression, present, value.replace("_", "-"), work)
        return result, reason


def evaluate_instances(
    term: Term, feature: Feature, asked: list[Asked], work: Work
) -> tuple[str, tuple[ExpressionResult, ...]]:
    """Give the result over all instances, and the leaves of the instance that matches or came closest."""
    devices = feature.instances or ()
    if not devices:
        seen = "unknown" if feature.unknown is not None else ABSENT if _place(asked) >= 0 else "no such device"
        row = [(NOMATCH, "", seen)] * len(asked)
    elif work.spend(len(devices) * sum([_STEPS + len(one.expression.values) // _VALUES_A_STEP for one in asked])):
        columns = [_column(one, devices, work) for one in asked]
        rows = list(zip(*columns, strict=True))
        results = [all_of([cell[0] for cell in cells]) for cells in rows]
        if MATCH in results:
            return MATCH, _leaves(term, asked, rows[results.index(MATCH)])
        named = _place(asked)
        if named >= 0 and all([cell[0] == NOMATCH for cell in columns[named]]):
            # What is said of other devices would only mislead: the one that is asked for is not there.
            row = [(NOMATCH, "", ABSENT)] * len(asked)
        else:
            row = _closest(columns, rows, results)
    else:
        row = [(UNKNOWN, SPENT, f"{len(devices)} devices")] * len(asked)
    if feature.unknown is not None:
        why = feature.unknown.reason
        row = [(UNKNOWN, why, seen) if result == NOMATCH else (result, reason, seen) for result, reason, seen in row]
    return all_of([cell[0] for cell in row]), _leaves(term, asked, row)


def _column(asked: Asked, devices: tuple[dict[str, str | Unknown], ...], work: Work) -> list[Cell]:
    """Result, reason and observed value of one expression on every device; equal values are compared once."""
    known: dict[str | Unknown | None, Cell] = {}
    column = []
    for device in devices:
        value = device.get(asked.key)
        cell = known.get(value)
        if cell is None:
            result, reason = asked.compare(value is not None, value, work)
            observed = "absent" if value is None else "unknown" if isinstance(value, Unknown) else value or '""'
            cell = known[value] = (result, reason, observed)
        column.append(cell)
    return column


def _closest(columns: list[list[Cell]], rows: list[tuple[Cell, ...]], results: list[str]) -> list[Cell]:
    """The row of the device that came closest where none matches: first those that may match.

    An expression that few devices match says more than one that most match; the first of equals is taken. Where no
    device at all matches an expression, the values there are, or their count, are shown in place of that device's.
    """
    weights = [len(rows) + 1 - sum([cell[0] == MATCH for cell in column]) for column in columns]
    best = any_of(results)
    chosen, most = 0, -1
    for index, result in enumerate(results):
        if result == best:
            score = sum([weight for weight, cell in zip(weights, rows[index], strict=True) if cell[0] == MATCH])
            if score > most:
                chosen, most = index, score
    shown = list(rows[chosen])
    for index, (result, reason, _) in enumerate(shown):
        if result == NOMATCH and weights[index] > len(rows) > 1:
            values = list(dict.fromkeys([cell[2] for cell in columns[index]]))
            seen = ", ".join(values) if len(values) <= _DISTINCT else f"none of {len(rows)}"
            shown[index] = (result, reason, seen)
    return shown


def _place(asked: list[Asked]) -> int:
    """Where the expression stands that names the device; -1 where none does."""
    for index, one in enumerate(asked):
        if one.key == NAME and one.expression.op == "In" and len(one.expression.values) == 1:
            return index
    return -1


def _leaves(term: Term, asked: list[Asked], row: Sequence[Cell]) -> tuple[ExpressionResult, ...]:
    place = _place(asked)
    named = asked[place].expression.values[0] if place >= 0 else ""
    return tuple([
        ExpressionResult(
            term.feature, one.element, result,
            required=required(one.expression), observed=observed, reason=reason, path=term.path, instance=named,
        )
        for one, (result, reason, observed) in zip(asked, row, strict=True)
    ])  # fmt: skip
