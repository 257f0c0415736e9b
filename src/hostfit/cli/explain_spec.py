"""A whole spec in plain words: every requirement with its meaning, documentation and the value here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.cli.table import render
from hostfit.core import match
from hostfit.core.expressions import required
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.console import Console
    from hostfit.core.results import RuleResult, TermResult
    from hostfit.core.spec import Matcher
    from hostfit.facts.host import Host

_HEADERS = ("REQUIREMENT", "REQUIRED", "HERE", "MEANING")
_HOLDS = {"match": "which holds here", "nomatch": "which does not hold here", "unknown": "which is unknown here"}


def explain_spec(path: str, host: Host, console: Console) -> int:
    """Print the spec in `path`. Raises SpecError where it is invalid, UsageError where it cannot be read."""
    from hostfit.cli.files import read_spec_file  # reads YAML, which costs its import

    spec = read_spec_file(path, host.lookup)
    result = match.evaluate(spec, host.read(spec.wanted()))
    for one in result.sets:
        head = f"compatibility set (weight {one.set.weight})"
        console.print(console.paint(escape(f"{head}: {one.set.description}" if one.set.description else head), "bold"))
        if one.set.documentation:
            console.print(f"  see {escape(one.set.documentation)}")
        for rule in one.rules:
            _explain_rule(rule, host, console)
    return 0


def _explain_rule(result: RuleResult, host: Host, console: Console) -> None:
    rule = result.rule
    console.print(f"\n{escape(rule.name)} ({rule.level})")
    if rule.documentation:
        console.print(f"  see {escape(rule.documentation)}")
    if rule.when is not None:
        _condition(result, host, console)
    if not result.features and not result.any:
        # Where the condition does not hold nothing was compared, and yet this is what is asked for elsewhere.
        _not_asked_here(rule.matcher, host, console)
    _table(result.features, host, console)
    for number, branch in enumerate(result.any):
        console.print("or" if number else "and one of these:" if result.features else "one of these:")
        _table(branch, host, console)
    links = [_link(term.feature, host) for terms in (result.features, *result.any) for term in terms]
    for link in dict.fromkeys(links):
        if link:
            console.print(f"  {link}")


def _condition(result: RuleResult, host: Host, console: Console) -> None:
    console.print(f"only where ({_HOLDS.get(result.applies, result.applies)}):")
    _table(result.when, host, console)
    console.print("is required:")


def _not_asked_here(matcher: Matcher, host: Host, console: Console) -> None:
    rows = [
        (
            escape(f"{term.feature}.{name}"),
            escape(required(one)),
            "not compared",
            escape(_meaning(term.feature, name, host)),
        )
        for term in matcher.terms()
        for name, one in (term.expressions or {}).items()
    ]
    if rows:
        console.print(render(_HEADERS, rows, console.width))


def _table(terms: tuple[TermResult, ...], host: Host, console: Console) -> None:
    rows = [
        (
            escape(f"{leaf.feature}.{leaf.element}" if leaf.element else leaf.feature),
            escape(leaf.required),
            escape(f"{leaf.observed} ({leaf.reason})" if leaf.reason else leaf.observed),
            escape(_meaning(leaf.feature, leaf.element, host)),
        )
        for term in terms
        for leaf in term.expressions
    ]
    if rows:
        console.print(render(_HEADERS, rows, console.width))


def _meaning(feature: str, element: str, host: Host) -> str:
    """What the vocabulary says of an element, or of the feature where the element's name may be any."""
    info = host.lookup(feature.lower())
    if info is None:
        return ""
    return info.elements[element].meaning if element in info.elements else info.meaning


def _link(feature: str, host: Host) -> str:
    info = host.lookup(feature.lower())
    return f"about {info.name}: {info.link}" if info is not None and info.link else ""
