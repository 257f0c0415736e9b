"""A checked spec as the smallest JSON that reads back fast: what the store and the policy keep for the hot path.

Trusted: whoever writes it has checked the document, and nothing is checked again.
"""

from __future__ import annotations

from hostfit.core.spec import CompatibilitySet, Expression, Include, Matcher, Rule, Spec, Term

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORM = 1
"""Changes with the layout below; a compiled file of another form is stale."""


def dump(spec: Spec) -> list[Any]:
    """Give nested lists, dictionaries, texts, integers and None, ready for JSON."""
    return [
        FORM,
        spec.version,
        [[one.digest, one.reference] for one in spec.includes],
        [
            [
                [
                    [rule.name, rule.level, rule.documentation, rule.path, rule.vars]
                    + [_matcher_out(rule.matcher), None if rule.when is None else _matcher_out(rule.when)]
                    for rule in one.rules
                ],
                one.weight, one.tag, one.description, one.documentation, list(one.runtimes), one.path,
            ]
            for one in spec.sets
        ],
    ]  # fmt: skip


def load(form: Any) -> Spec:
    """Give the spec that `dump` was given. Raises ValueError for another form."""
    if not isinstance(form, list) or form[:1] != [FORM]:
        raise ValueError("compiled spec: not of this version's form")
    _, version, includes, sets = form
    return Spec(
        tuple([_set_in(one) for one in sets]),
        includes=tuple([Include(digest, reference) for digest, reference in includes]),
        version=version,
    )


def _matcher_out(matcher: Matcher) -> list[Any]:
    return [
        None if matcher.features is None else [_term_out(term) for term in matcher.features],
        None if matcher.any is None else [[_term_out(term) for term in terms] for terms in matcher.any],
    ]


def _term_out(term: Term) -> list[Any]:
    chosen = term.expressions
    return [
        term.feature,
        None if chosen is None else {key: _expression_out(one) for key, one in chosen.items()},
        None if term.name is None else _expression_out(term.name),
        term.path,
    ]


def _expression_out(expression: Expression) -> list[Any]:
    return [expression.op, list(expression.values), expression.type]


def _set_in(form: list[Any]) -> CompatibilitySet:
    rules, weight, tag, description, documentation, runtimes, path = form
    return CompatibilitySet(
        tuple([_rule_in(one) for one in rules]),
        weight=weight,
        tag=tag,
        description=description,
        documentation=documentation,
        runtimes=tuple(runtimes),
        path=path,
    )


def _rule_in(form: list[Any]) -> Rule:
    name, level, documentation, path, names, matcher, when = form
    condition = None if when is None else _matcher_in(*when)
    return Rule(
        name, _matcher_in(*matcher), level=level, when=condition, vars=names, documentation=documentation, path=path
    )


def _matcher_in(features: Any, alternatives: Any) -> Matcher:
    return Matcher(
        None if features is None else tuple([_term_in(*one) for one in features]),
        None if alternatives is None else tuple([tuple([_term_in(*one) for one in terms]) for terms in alternatives]),
    )


def _term_in(feature: str, chosen: Any, name: Any, path: str) -> Term:
    expressions = None if chosen is None else {key: _expression_in(*one) for key, one in chosen.items()}
    return Term(feature, expressions, None if name is None else _expression_in(*name), path)


def _expression_in(op: str, values: list[str], kind: str) -> Expression:
    return Expression(op, tuple(values), kind)
