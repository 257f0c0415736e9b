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


NAME = "name"
"""The attribute by which a term asks for one device."""
PRESENT = "present"
"""What is required of a device of which only the name is said."""


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
            leaves.extend(telling([leaf for leaf in term.expressions if leaf.result == wanted]))
    return leaves


def telling(leaves: list[ExpressionResult]) -> list[ExpressionResult]:
    """Leave out the expression that only names a device that is not there, where others say what is asked of it."""
    others = [leaf for leaf in leaves if not (leaf.instance and leaf.element == NAME and leaf.result == NOMATCH)]
    return others or leaves


def about(feature: str, element: str, instance: str, observed: str) -> str:
    """Name what an expression is about: `kernel.module gtp5g` rather than the name of any module.

    The element is said too where the device is there, and one thing about it is not as required.
    """
    if instance and (element == NAME or observed == "absent"):
        return f"{feature} {instance}"
    return " ".join([part for part in (feature, instance, element) if part])


def _fewest(lists: list[list[Any]]) -> list[Any]:
    """The shortest list with anything in it."""
    found: list[Any] = []
    for one in lists:
        if one and (not found or len(one) < len(found)):
            found = one
    return found
