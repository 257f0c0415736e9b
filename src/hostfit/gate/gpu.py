"""What a refusal over NVIDIA_REQUIRE_* says beside the CUDA version: the driver that is there, and which is needed."""

from __future__ import annotations

from hostfit.core.facts import Wanted
from hostfit.core.results import NOMATCH
from hostfit.facts.probes.nvidiatables import CUDA_OF_BRANCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.decision import Judgement
    from hostfit.core.results import RuleResult

_DRIVER = "nvidia.driver"


def explain(judgements: tuple[Judgement, ...], host: Any) -> None:
    """Give each leaf on the driver's CUDA version that does not match the driver as its reason."""
    rules = [
        rule
        for one in judgements
        if one.result is not None
        for each in one.result.sets
        for rule in each.rules
        if rule.result == NOMATCH
    ]
    leaves = [(rule, leaf) for rule in rules for leaf in _leaves(rule)]
    if not leaves:
        return
    driver = host.read(Wanted({_DRIVER: {"version"}}))[_DRIVER]
    version = (driver.attributes or {}).get("version")
    there = f"driver {version} is there" if isinstance(version, str) else "no driver is known to be there"
    for rule, leaf in leaves:
        branch = _branch(rule)
        leaf.reason = leaf.reason or f"{there}, {branch} or newer is needed" if branch else there


def _leaves(rule: RuleResult) -> list[Any]:
    terms = (*rule.features, *[term for branch in rule.any for term in branch])
    return [
        leaf
        for term in terms
        if term.feature == _DRIVER
        for leaf in term.expressions
        if leaf.element == "cuda" and leaf.result == NOMATCH
    ]


def _branch(rule: RuleResult) -> str:
    """The oldest branch of the driver that serves the lowest CUDA which a rule asks for; empty where none is known."""
    asked = [
        _numbers(expression.values[0])
        for term in rule.rule.matcher.terms()
        if term.feature == _DRIVER
        for element, expression in (term.expressions or {}).items()
        if element == "cuda" and expression.op in ("Ge", "Gt", "GeLe")
    ]
    serving = [int(branch) for branch, cuda in CUDA_OF_BRANCH.items() if asked and _numbers(cuda) >= min(asked)]
    return str(min(serving)) if serving else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple([int(part) for part in version.split(".") if part.isdecimal()])
