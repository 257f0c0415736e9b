"""Did you mean: the known word nearest to one that is not known."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostfit.core.vocabulary import Lookup

_LONGEST = 64
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-."


def closest(word: str, candidates: Iterable[str]) -> str:
    """Give the candidate that `word` was probably meant to be, or an empty text if none is near.

    Near is: equal but for case, `-` and `_`; up to a third of the letters (at most three) inserted, left out,
    changed or swapped; or the beginning of one is the other ("operator" for "op").
    """
    if not word or len(word) > _LONGEST:
        return ""
    folded = _fold(word)
    limit = min(3, max(1, len(folded) // 3))
    best, best_distance, prefix = "", limit + 1, ""
    for candidate in candidates:
        other = _fold(candidate)
        if other == folded:
            return candidate
        if abs(len(other) - len(folded)) < best_distance:
            distance = _distance(folded, other)
            if distance < best_distance and distance < len(other):
                best, best_distance = candidate, distance
        shorter = min(len(other), len(folded))
        if shorter > 1 and other[:shorter] == folded[:shorter] and not prefix:
            prefix = candidate
    return best or prefix


def by_lookup(word: str, lookup: Lookup) -> str:
    """Give a feature name that the vocabulary has and that is one slip away from `word`, or an empty text.

    A vocabulary answers questions but does not list itself, so the slips are tried one by one.
    """
    word = word.lower()
    if not word or len(word) > _LONGEST:
        return ""
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        slips = [head + tail[1:]] if tail else []
        if len(tail) > 1:
            slips.append(head + tail[1] + tail[0] + tail[2:])
        for letter in _LETTERS:
            slips.append(head + letter + tail)
            if tail:
                slips.append(head + letter + tail[1:])
        for slip in slips:
            info = lookup(slip) if slip != word else None
            if info is not None:
                return info.name
    return ""


def _fold(word: str) -> str:
    return word.casefold().replace("_", "").replace("-", "")


def _distance(one: str, other: str) -> int:
    """Restricted Damerau-Levenshtein distance."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one):
        older, before, row = before, row, [i + 1]
        for j, right in enumerate(other):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (left != right))
            if i and j and left == other[j - 1] and one[i - 1] == right:
                cost = min(cost, older[j - 1] + 1)
            row.append(cost)
    return row[-1]
