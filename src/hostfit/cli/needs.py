"""What a spec asks for in plain words, on no host in particular: each requirement with what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.core.expressions import required
from hostfit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.core.spec import Expression, Matcher, Rule, Spec, Term
    from hostfit.core.vocabulary import Lookup

_LONGEST = 2000


def sets(spec: Spec, lookup: Lookup) -> list[dict[str, Any]]:
    """Give each compatibility set with its rules; one of the sets must hold, and all of its required rules."""
    return [
        {
            "description": _text(one.description),
            "weight": one.weight,
            "tag": _text(one.tag),
            "documentation": _text(one.documentation),
            "runtimes": [_text(name) for name in one.runtimes],
            "rules": [_rule(rule, lookup) for rule in one.rules],
        }
        for one in spec.sets
    ]


def _rule(rule: Rule, lookup: Lookup) -> dict[str, Any]:
    return {
        "name": _text(rule.name),
        "level": rule.level,
        "documentation": _text(rule.documentation),
        "when": _alternatives(rule.when, lookup) if rule.when is not None else [],
        "needs": _alternatives(rule.matcher, lookup),
    }


def _alternatives(matcher: Matcher, lookup: Lookup) -> list[list[dict[str, str]]]:
    """Groups of requirements, one of which must hold whole: what is common to all of them is in each."""
    common = [row for term in matcher.features or () for row in _term(term, lookup)]
    if not matcher.any:
        return [common] if common else []
    return [common + [row for term in branch for row in _term(term, lookup)] for branch in matcher.any]


def _term(term: Term, lookup: Lookup) -> Iterator[dict[str, str]]:
    info = lookup(term.feature.lower())
    meaning = info.meaning if info is not None else ""
    if term.name is not None:
        yield _row(term.feature, "any name", term.name, meaning)
    for name, expression in (term.expressions or {}).items():
        known = info.elements.get(name) if info is not None else None
        yield _row(term.feature, name, expression, known.meaning if known is not None else meaning)
    if term.name is None and not term.expressions:
        yield {"feature": _text(term.feature), "element": "", "required": "known here", "meaning": _text(meaning)}


def _row(feature: str, element: str, expression: Expression, meaning: str) -> dict[str, str]:
    return {
        "feature": _text(feature), "element": _text(element), "required": _text(required(expression)),
        "meaning": _text(meaning),
    }  # fmt: skip


def _text(text: str) -> str:
    return escape(text, _LONGEST)
