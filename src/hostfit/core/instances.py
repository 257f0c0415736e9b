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
    from collections.abc import Mapping

    from hostfit.core.expressions import Work
    from hostfit.core.facts import Feature
    from hostfit.core.spec import Term

_DISTINCT = 3
"""Different values that are named when no device has the required one; more are only counted."""


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
    if not work.spend(2 * len(devices) * len(asked)):
        spent = [(UNKNOWN, SPENT, f"{len(devices)} devices")] * len(asked)
        return UNKNOWN, _leaves(term, asked, spent)
    for device in devices:
        row = []
        for one in asked:
            row.append(_on(one, device, work))
            if row[-1][0] != MATCH:
                break
        else:
            return MATCH, _leaves(term, asked, row)
    result, row = _closest(devices, asked, work)
    if result == NOMATCH and feature.unknown is not None:
        why = feature.unknown.reason
        return UNKNOWN, _leaves(term, asked, [(UNKNOWN, why, seen) if one == NOMATCH else (one, "", seen)
                                              for one, _, seen in row])  # fmt: skip
    return result, _leaves(term, asked, row)


def _on(asked: Asked, device: Mapping[str, str | Unknown], work: Work) -> tuple[str, str, str]:
    """Result, reason and observed value of one expression on one device."""
    value = device.get(asked.key)
    result, reason = asked.compare(value is not None, value, work)
    observed = "absent" if value is None else "unknown" if isinstance(value, Unknown) else value or '""'
    return result, reason, observed


def _closest(
    devices: tuple[dict[str, str | Unknown], ...], asked: list[Asked], work: Work
) -> tuple[str, list[tuple[str, str, str]]]:
    """The best result where no device matches, and the row of the device that came closest.

    An expression that few devices match says more than one that most match; the first of equals is taken. Where no
    device at all matches an expression, the values there are, or their count, are shown in place of that device's.
    """
    if not devices:
        return NOMATCH, [(NOMATCH, "", "no such device")] * len(asked)
    rows = [[_on(one, device, work) for one in asked] for device in devices]
    matching = [sum([row[index][0] == MATCH for row in rows]) for index in range(len(asked))]
    results = [all_of([result for result, _, _ in row]) for row in rows]
    best = any_of(results)
    score = [
        sum([len(rows) + 1 - count for count, (result, _, _) in zip(matching, row, strict=True) if result == MATCH])
        for row in rows
    ]
    chosen = max([index for index, result in enumerate(results) if result == best], key=score.__getitem__)
    shown = list(rows[chosen])
    for index, (result, reason, _) in enumerate(shown):
        if result == NOMATCH and matching[index] == 0 and len(rows) > 1:
            values = list(dict.fromkeys([row[index][2] for row in rows]))
            seen = ", ".join(values) if len(values) <= _DISTINCT else f"none of {len(rows)}"
            shown[index] = (result, reason, seen)
    return best, shown


def _leaves(term: Term, asked: list[Asked], row: list[tuple[str, str, str]]) -> tuple[ExpressionResult, ...]:
    return tuple([
        ExpressionResult(
            term.feature, one.element, result,
            required=required(one.expression), observed=observed, reason=reason, path=term.path,
        )
        for one, (result, reason, observed) in zip(asked, row, strict=True)
    ])  # fmt: skip
