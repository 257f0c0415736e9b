"""What evaluation answers: three-valued results from expression to set, and the verdict of documents.

Every leaf says what was required and what was observed, so that a report needs nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostfit.core.spec import CompatibilitySet, Rule

MATCH, NOMATCH, UNKNOWN = "match", "nomatch", "unknown"
FIT, MISFIT, INVALID = "fit", "misfit", "invalid"
"""Verdicts; UNKNOWN is one too."""
_WORST_FIRST = (INVALID, MISFIT, UNKNOWN, FIT)


def all_of(results: Iterable[str]) -> str:
    """Kleene's AND: nomatch wins, then unknown; of nothing it is match."""
    seen = set(results)
    return NOMATCH if NOMATCH in seen else UNKNOWN if UNKNOWN in seen else MATCH


def any_of(results: Iterable[str]) -> str:
    """Kleene's OR: match wins, then unknown; of nothing it is nomatch."""
    seen = set(results)
    return MATCH if MATCH in seen else UNKNOWN if UNKNOWN in seen else NOMATCH


def negate(result: str) -> str:
    """Kleene's NOT."""
    return {MATCH: NOMATCH, NOMATCH: MATCH}.get(result, UNKNOWN)


def worst(verdicts: Iterable[str]) -> str:
    """The verdict that counts of several: invalid, misfit, unknown, fit; of nothing it is fit."""
    seen = set(verdicts)
    for verdict in _WORST_FIRST:
        if verdict in seen:
            return verdict
    return FIT


class ExpressionResult:
    """One leaf. `required` and `observed` are short texts for people, not yet escaped.

    `instance` is the name of the device where the term asks for one by its name, as for a kernel module.
    """

    __slots__ = ("element", "feature", "instance", "observed", "path", "reason", "required", "result")

    def __init__(
        self,
        feature: str,
        element: str,
        result: str,
        *,
        required: str,
        observed: str,
        reason: str = "",
        path: str = "",
        instance: str = "",
    ) -> None:
        self.feature = feature
        self.element = element
        self.result = result
        self.required = required
        self.observed = observed
        self.reason = reason
        self.path = path
        self.instance = instance


class TermResult:
    """One term with its leaves; on instances those of the instance that came closest."""

    __slots__ = ("expressions", "feature", "path", "result")

    def __init__(self, feature: str, result: str, expressions: tuple[ExpressionResult, ...], path: str = "") -> None:
        self.feature = feature
        self.result = result
        self.expressions = expressions
        self.path = path


class RuleResult:
    """One rule. `applies` is the result of its `when` (match where it has none); `any` has one tuple per branch."""

    __slots__ = ("any", "applies", "features", "result", "rule", "when")

    def __init__(
        self,
        rule: Rule,
        result: str,
        *,
        applies: str = MATCH,
        features: tuple[TermResult, ...] = (),
        any: tuple[tuple[TermResult, ...], ...] = (),  # noqa: A002 - NFD's key
        when: tuple[TermResult, ...] = (),
    ) -> None:
        self.rule = rule
        self.result = result
        self.applies = applies
        self.features = features
        self.any = any
        self.when = when


class SetResult:
    """One compatibility set. `result` ANDs its required rules; `preferred` counts the nice-to-have ones met."""

    __slots__ = ("preferred", "result", "rules", "set")

    def __init__(self, set: CompatibilitySet, result: str, rules: tuple[RuleResult, ...], preferred: int) -> None:  # noqa: A002 - the design's word
        self.set = set
        self.result = result
        self.rules = rules
        self.preferred = preferred


class SpecResult:
    """One spec: its verdict, every set, and the index of the set that was chosen (None where none matches).

    `reason` explains an unknown that no leaf explains, such as a tag filter that leaves no set.
    """

    __slots__ = ("chosen", "reason", "sets", "verdict")

    def __init__(self, verdict: str, sets: tuple[SetResult, ...], chosen: int | None, reason: str = "") -> None:
        self.verdict = verdict
        self.sets = sets
        self.chosen = chosen
        self.reason = reason
