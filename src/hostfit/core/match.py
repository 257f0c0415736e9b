"""A whole spec against the facts of one host: rules ANDed, sets ORed and ranked, all in Kleene's three values.

Source: hostfit's design, section 2; the rule itself is `ExecuteGroupRule` of NFD v0.19
(`pkg/apis/nfd/nodefeaturerule/rule.go`). What NFD leaves open or answers otherwise is listed in `differences.py`.
"""

from __future__ import annotations

from hostfit.core.expressions import Work
from hostfit.core.facts import Feature, Unknown
from hostfit.core.results import (
    FIT,
    MATCH,
    MISFIT,
    NOMATCH,
    UNKNOWN,
    RuleResult,
    SetResult,
    SpecResult,
    all_of,
    any_of,
)
from hostfit.core.spec import PREFERRED
from hostfit.core.terms import absent_term, evaluate_term

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostfit.core.results import TermResult
    from hostfit.core.spec import CompatibilitySet, Matcher, Rule, Spec, Term

BACKREFERENCE = "rule.matched"
"""The feature that holds the `vars` of the rules before, as attributes."""
_VERDICTS = {MATCH: FIT, NOMATCH: MISFIT, UNKNOWN: UNKNOWN}


class _Host:
    """The facts of one evaluation, the work it may take, and the vars of the rules of the current set."""

    __slots__ = ("facts", "vars", "work")

    def __init__(self, facts: Mapping[str, Feature]) -> None:
        self.facts = facts
        self.work = Work()
        self.vars: dict[str, str | Unknown] | None = None

    def term(self, term: Term) -> TermResult:
        """Compare one term; feature names are looked up in lower case, as in NFD."""
        name = term.feature.lower()
        if name != BACKREFERENCE:
            return evaluate_term(term, self.facts.get(name), self.work)
        if self.vars is None:
            return absent_term(term)
        return evaluate_term(term, Feature(attributes=self.vars), self.work)

    def export(self, rule: Rule, outcome: str) -> None:
        """Make the vars of a rule visible to the rules after it: sure if it matched, unknown if it may have."""
        if self.vars is None:
            self.vars = {}
        if outcome == NOMATCH:
            return
        for name, value in rule.vars.items():
            if outcome == UNKNOWN and self.vars.get(name) != value:
                self.vars[name] = Unknown(f'whether rule "{rule.name}" matches is unknown')
            else:
                self.vars[name] = value


def evaluate(spec: Spec, facts: Mapping[str, Feature], *, tag: str = "") -> SpecResult:
    """Judge a spec on one host; `facts` is keyed by feature name in lower case.

    Some set matches: fit. Else some set may match: unknown. Else misfit. A spec without sets asks for nothing and
    fits. With a `tag` only the sets that carry it count; `sets` of the result holds those, `chosen` is an index into
    it. The answer depends on nothing but the arguments, and nothing is raised on any spec.
    """
    host = _Host(facts)
    sets = tuple([_set(one, host) for one in spec.sets if not tag or one.tag == tag])
    if not sets:
        if not spec.sets:
            return SpecResult(FIT, (), None)
        return SpecResult(UNKNOWN, (), None, f'no set has the tag "{tag}"')
    matching = [index for index, one in enumerate(sets) if one.result == MATCH]
    chosen = max(matching, key=lambda index: (sets[index].set.weight, sets[index].preferred, -index), default=None)
    return SpecResult(_VERDICTS[any_of([one.result for one in sets])], sets, chosen)


def _set(one: CompatibilitySet, host: _Host) -> SetResult:
    """AND the required rules; a rule that does not apply is neutral. Vars start anew in every set."""
    host.vars = None
    rules = tuple([_rule(rule, host) for rule in one.rules])
    required = [result.result for result in rules if result.rule.level != PREFERRED]
    preferred = [
        result for result in rules
        if result.rule.level == PREFERRED and result.applies == MATCH and result.result == MATCH
    ]  # fmt: skip
    return SetResult(one, all_of(required), rules, len(preferred))


def _rule(rule: Rule, host: _Host) -> RuleResult:
    """One rule. Where it does not apply its matcher is not evaluated; its result is then a neutral match."""
    applies, when, branches = (MATCH, (), ()) if rule.when is None else _matcher(rule.when, host)
    for branch in branches:
        when += branch
    if applies == NOMATCH:
        host.export(rule, NOMATCH)
        return RuleResult(rule, MATCH, applies=applies, when=when)
    outcome, features, any_ = _matcher(rule.matcher, host)
    host.export(rule, all_of((applies, outcome)))
    result = UNKNOWN if applies == UNKNOWN and outcome != MATCH else outcome
    return RuleResult(rule, result, applies=applies, features=features, any=any_, when=when)


def _matcher(matcher: Matcher, host: _Host) -> tuple[str, tuple[TermResult, ...], tuple[tuple[TermResult, ...], ...]]:
    """`matchFeatures` AND `matchAny`; what is absent or empty holds. Everything is evaluated, for the report."""
    branches = tuple([tuple([host.term(term) for term in branch]) for branch in matcher.any or ()])
    features = tuple([host.term(term) for term in matcher.features or ()])
    results = [term.result for term in features]
    if branches:
        results.append(any_of([all_of([term.result for term in branch]) for branch in branches]))
    return all_of(results), features, branches
