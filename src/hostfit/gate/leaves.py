"""What explains a decision: the judgement that made it, and the leaves of the set that came closest to a match."""

from __future__ import annotations

from hostfit.core.decision import ACTIONS
from hostfit.core.results import FIT, INVALID, MATCH, MISFIT, NOMATCH, UNKNOWN
from hostfit.core.spec import REQUIRED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.decision import Decision, Judgement
    from hostfit.core.results import ExpressionResult, RuleResult, SetResult, SpecResult, TermResult


class Leaf:
    """One expression that did not match, with the rule that holds it."""

    __slots__ = ("expression", "rule")

    def __init__(self, expression: ExpressionResult, rule: RuleResult) -> None:
        self.expression = expression
        self.rule = rule


def explaining(result: SpecResult) -> tuple[Leaf, ...]:
    """Give the leaves that made a misfit or an unknown, of the set with the fewest of them; empty where it fits."""
    if result.verdict == FIT or not result.sets:
        return ()
    wanted = NOMATCH if result.verdict == MISFIT else UNKNOWN
    return tuple(_fewest([_of_set(one, wanted) for one in result.sets if one.result == wanted]))


def decisive(decision: Decision) -> Judgement | None:
    """Give the judgement that made the decision: strictest action, then worst verdict, then the first."""
    order = (INVALID, MISFIT)
    enforced = [one for one in decision.judgements if one.verdict != FIT and not one.document.reported_only]
    return min(
        enforced,
        key=lambda one: (-ACTIONS.index(one.action), order.index(one.verdict) if one.verdict in order else len(order)),
        default=None,
    )


def _of_set(one: SetResult, wanted: str) -> list[Leaf]:
    leaves: list[Leaf] = []
    for rule in one.rules:
        if rule.rule.level == REQUIRED and rule.result == wanted:
            leaves.extend([Leaf(leaf, rule) for leaf in _of_rule(rule, wanted)])
    return leaves


def _of_rule(rule: RuleResult, wanted: str) -> list[ExpressionResult]:
    if wanted == UNKNOWN and rule.applies == UNKNOWN:
        undecided = _of_terms(rule.when, UNKNOWN)
        if undecided:
            return undecided
    leaves = _of_terms(rule.features, wanted)
    if rule.any and all([_result(branch) != MATCH for branch in rule.any]):
        leaves.extend(_fewest([_of_terms(branch, wanted) for branch in rule.any]))
    return leaves


def _result(branch: tuple[TermResult, ...]) -> str:
    return MATCH if all([term.result == MATCH for term in branch]) else NOMATCH


def _of_terms(terms: tuple[TermResult, ...], wanted: str) -> list[ExpressionResult]:
    leaves = []
    for term in terms:
        if term.result == wanted:
            leaves.extend([leaf for leaf in term.expressions if leaf.result == wanted])
    return leaves


def _fewest(lists: list[list[Any]]) -> list[Any]:
    """The shortest list with anything in it."""
    found: list[Any] = []
    for one in lists:
        if one and (not found or len(one) < len(found)):
            found = one
    return found
