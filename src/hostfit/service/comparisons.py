"""Facts and comparisons of the last decisions, kept by identity: the very same spec on the very same facts.

A fact that was read anew and is equal to the last one is given as that one, so that what was made of it holds.
"""

from __future__ import annotations

from hostfit.core import match
from hostfit.core.results import MATCH
from hostfit.gate import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from hostfit.core.facts import Feature
    from hostfit.core.results import ExpressionResult, SpecResult
    from hostfit.core.spec import Spec

_MOST = 2 << 20
"""Bytes of all results with their texts, about."""
_LEAF, _RESULT = 1024, 4096
"""Bytes that one compared expression takes beside its texts, and one result beside its expressions; generous."""
_FACTS = 256
_FACT = 512
"""How many facts are remembered, and how many elements each may have."""


class Facts:
    """The last value of each fact."""

    def __init__(self) -> None:
        self._last: dict[Hashable, Feature] = {}

    def same(self, key: Hashable, found: Feature) -> Feature:
        """Give the last value where this one is equal, and remember it where it is not."""
        have = self._last.get(key)
        if have is not None and have == found:
            return have
        self._last.pop(key, None)
        if len(found.flags or ()) + len(found.attributes or ()) + len(found.instances or ()) <= _FACT:
            self._last[key] = found
            if len(self._last) > _FACTS:
                del self._last[next(iter(self._last))]
        return found


class _Kept:
    """One result with all that it was made of, and its text once somebody wanted it."""

    __slots__ = ("facts", "result", "spec", "text", "weight")

    def __init__(self, spec: Spec, facts: list[tuple[str, Feature | None]], result: SpecResult, weight: int) -> None:
        self.spec = spec
        self.facts = facts
        self.result = result
        self.weight = weight
        self.text = ""


class Comparisons:
    """Answers as hostfit.core.match.evaluate does, and writes the sets of a result as a report has them.

    Only results in which everything matches are kept: nothing has a reason to add to them, and most containers fit.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], _Kept] = {}
        self._texts: dict[int, _Kept] = {}
        self._weight = 0

    def evaluate(self, spec: Spec, facts: Mapping[str, Feature], *, tag: str = "") -> SpecResult:
        """Judge a spec on one host."""
        key = (id(spec), tag)
        have = self._kept.get(key)
        if have is not None:
            # What is kept is alive, so no other spec can have its identity.
            if all([facts.get(name) is one for name, one in have.facts]):
                return have.result
            self._drop(key)
        result = match.evaluate(spec, facts, tag=tag)
        leaves = _leaves(result)
        weight = _RESULT + sum([_LEAF + 2 * (len(one.required) + len(one.observed)) for one in leaves])
        if weight <= _MOST >> 2 and _all_match(result):
            names = [name.lower() for name in spec.wanted().elements]
            made = _Kept(spec, [(name, facts.get(name)) for name in names], result, weight)
            self._kept[key] = self._texts[id(result)] = made
            self._weight += weight
            while self._weight > _MOST:
                self._drop(next(iter(self._kept)))
        return result

    def sets(self, result: SpecResult) -> str:
        """Give the sets of a result as JSON."""
        have = self._texts.get(id(result))
        if have is None or have.result is not result:
            return report.sets_json(result)
        if not have.text:
            have.text = report.sets_json(result)
        return have.text

    def _drop(self, key: tuple[int, str]) -> None:
        gone = self._kept.pop(key)
        self._weight -= gone.weight
        del self._texts[id(gone.result)]


def _all_match(result: SpecResult) -> bool:
    return all([
        one.result == MATCH and one.applies == MATCH and all([leaf.result == MATCH for leaf in one.features])
        and all([leaf.result == MATCH for branch in one.any for leaf in branch])
        for each in result.sets
        for one in each.rules
    ])  # fmt: skip


def _leaves(result: SpecResult) -> list[ExpressionResult]:
    rules = [one for each in result.sets for one in each.rules]
    terms = [(*one.features, *one.when, *[term for branch in one.any for term in branch]) for one in rules]
    return [leaf for some in terms for term in some for leaf in term.expressions]
