"""A whole spec in plain words: every requirement with its meaning, documentation and the value here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.cli.table import render
from hostfit.core import match
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.console import Console
    from hostfit.core.results import RuleResult
    from hostfit.facts.host import Host


def explain_spec(path: str, host: Host, console: Console) -> int:
    """Print the spec in `path`. Raises SpecError where it is invalid, UsageError where it cannot be read."""
    from hostfit.cli.files import read_spec_file  # noqa: PLC0415 - reads YAML, which costs its import

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
    condition = "" if rule.when is None else ", only where its condition holds"
    console.print(f"\n{escape(rule.name)} ({rule.level}{condition})")
    if rule.documentation:
        console.print(f"  see {escape(rule.documentation)}")
    rows = []
    branches = [result.features, *result.any]
    for terms in branches:
        for term in terms:
            info = host.lookup(term.feature.lower())
            meaning = "" if info is None else info.meaning
            rows += [
                (
                    escape(f"{leaf.feature}.{leaf.element}" if leaf.element else leaf.feature),
                    escape(leaf.required),
                    escape(leaf.observed),
                    escape(meaning),
                )
                for leaf in term.expressions
            ]
    if rows:
        console.print(render(("REQUIREMENT", "REQUIRED", "HERE", "MEANING"), rows, console.width))
