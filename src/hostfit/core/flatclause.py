"""One clause of the flat form: from words to a matcher, with the vocabulary's help."""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.checkrule import faults
from hostfit.core.flatlex import ALTERNATIVE, KEYWORDS, LISTS, SIGNS, FlatError, Word
from hostfit.core.spec import Expression, Matcher, Term
from hostfit.core.text import escape, quoted
from hostfit.core.vocabulary import FLAG, INSTANCE, NUMBER, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.vocabulary import FeatureInfo, Lookup

_ORDER = {">": "Gt", ">=": "Ge", "<": "Lt", "<=": "Le"}
_RANGES = {("Ge", "Le"): "GeLe", ("Gt", "Lt"): "GtLt"}
_LONGEST_FEATURE = 8
"""Parts between dots that a feature's name can have at most; names in use have two."""
_TERMS = "= != < <= > >= in: !in: ~ exists !exists true false"


class Clause:
    """What a clause says and about what: `element` is empty where the clause names a feature only."""

    __slots__ = ("element", "feature", "info", "matcher")

    def __init__(self, words: list[Word], lookup: Lookup) -> None:
        if words[0].is_term or words[0].shape == ALTERNATIVE:
            raise FlatError(f"a clause begins with a feature, found {quoted(words[0].text)}", words[0].offset)
        self.feature, self.element, self.info = _subject(words[0], lookup)
        alternatives: list[list[Word]] = [[]]
        for word in words[1:]:
            if word.shape == ALTERNATIVE:
                alternatives.append([])
            else:
                alternatives[-1].append(word)
        end = words[-1].offsets[-1]
        terms = [self._alternative(group, end) for group in alternatives]
        self.matcher = Matcher(terms[0]) if len(terms) == 1 else Matcher(None, tuple(terms))

    def _alternative(self, words: list[Word], end: int) -> tuple[Term, ...]:
        if not words:
            raise FlatError(f"a term is required, one of {_TERMS}", end)
        if not self.element and words[0].is_term:
            if [word.shape for word in words] == ["exists"]:
                if self.info is not None and self.info.kinds != (INSTANCE,):
                    # Flags and attributes are there on every host, none of them holding anything perhaps.
                    example = next(iter(self.info.elements), "ELEMENT")
                    raise FlatError(
                        f"an element is required, as in {self.feature}.{example}: exists alone asks for a device",
                        words[0].offset,
                    )
                return (Term(self.feature, {}),)
            raise FlatError(
                f"an element is required, as in {escape(self.feature)}.ELEMENT, or one word exists", words[0].offset
            )
        chosen: dict[str, list[tuple[Expression, int]]] = {}
        current = self.element
        for word in words:
            term: Word | None = word
            if not word.is_term:
                if self.element and self._kind(self.element) != INSTANCE:
                    raise FlatError(f"{quoted(word.text)} is no term: one of {_TERMS} is required", word.offset)
                named, term = word.split() or (word, None)
                current = named.text
                if not current or current in chosen:
                    raise FlatError(f"attribute {quoted(current)} is named twice or empty", word.offset)
                chosen[current] = []
            if term is not None:
                chosen.setdefault(current, []).append((self._expression(term, current), term.offset))
        for element, expressions in chosen.items():
            if not expressions:
                raise FlatError(f"attribute {quoted(element)} has no term: one of {_TERMS} is required", end)
        apart = self.info.apart(chosen) if self.info is not None else None
        if apart is not None:
            host, device = apart
            raise FlatError(
                f"{quoted(host)} is of the host and {quoted(device)} of each device: two clauses are required",
                words[0].offset,
            )
        if self.element and len(chosen) == 1:
            return tuple([Term(self.feature, {self.element: one}) for one in _ranged(chosen[self.element])])
        return (Term(self.feature, {name: _single(name, have) for name, have in chosen.items()}),)

    def _kind(self, element: str) -> str:
        """The kind of an element; of one that nobody knows it is taken from what the feature has."""
        if self.info is None:
            return ""
        listed = self.info.elements.get(element)
        if listed is not None:
            return listed.kind
        kinds = self.info.open_kinds or self.info.kinds
        return kinds[0] if len(kinds) == 1 else ""

    def _expression(self, word: Word, element: str) -> Expression:
        made = self._made(word, element)
        for fault in faults(made):
            raise FlatError(fault, word.offset)
        return made

    def _made(self, word: Word, element: str) -> Expression:
        flag = self._kind(element) == FLAG
        if word.shape in KEYWORDS:
            positive = word.shape in ("exists", "true")
            if flag or word.shape.endswith("exists"):
                return Expression("Exists" if positive else "DoesNotExist")
            return Expression("IsTrue" if positive else "IsFalse")
        if flag:
            raise FlatError(
                f"{quoted(element)} is a flag of {self.feature}: one of {', '.join(KEYWORDS)} is required", word.offset
            )
        if word.shape.startswith(LISTS):
            op = "In" if word.shape.startswith("in:") else "NotIn"
            if word.shape.count(",") >= limits.VALUES:
                raise FlatError(f"at most {limits.VALUES} values are allowed, found more", word.offset)
            items = word.part(word.shape.index(":") + 1, len(word.text)).items()
            return Expression(op, tuple([_value(item) for item in items]))
        sign = [one for one in SIGNS if word.shape.startswith(one)][0]  # noqa: RUF015 - the first one is the longest
        given = _value(word.part(len(sign), len(word.text)))
        if sign in _ORDER:
            return Expression(_ORDER[sign], (given,), self._order(element, given, word.offset))
        return Expression({"=": "In", "!=": "NotIn", "~": "InRegexp"}[sign], (given,))

    def _order(self, element: str, given: str, offset: int) -> str:
        """The type of an order: the vocabulary's; where it lists no such element, a whole number is a number."""
        comparison = "" if self.info is None else self.info.comparison(element)
        if comparison in (NUMBER, VERSION):
            return "version" if comparison == VERSION else ""
        if self.info is not None and element in self.info.elements:
            raise FlatError(f"{quoted(element)} of {self.feature} is {comparison} and has no order", offset)
        return "" if given.removeprefix("-").isdecimal() else "version"


def _subject(word: Word, lookup: Lookup) -> tuple[str, str, FeatureInfo | None]:
    """Split into feature and element: by the longest feature name that is known, else at the second dot."""
    parts = word.text.split(".")
    for count in range(min(len(parts), _LONGEST_FEATURE), 0, -1):
        feature = ".".join(parts[:count]).lower()
        info = lookup(feature)
        if info is not None:
            return feature, ".".join(parts[count:]), info
    if len(parts) < 2 or not parts[0] or not parts[1]:
        raise FlatError(f"a feature DOMAIN.NAME is required, found {quoted(word.text)}", word.offset)
    return ".".join(parts[:2]).lower(), ".".join(parts[2:]), None


def _value(word: Word) -> str:
    if word.missing:
        raise FlatError('a value is required right after the operator; write "" for an empty one', word.offset)
    if word.shape[:1] in ("=", "<", ">", "~"):
        raise FlatError(f"no such operator; put a value that begins with {word.text[0]} in double quotes", word.offset)
    return word.text


def _range(have: list[tuple[Expression, int]]) -> Expression | None:
    """One expression for a lower and an upper bound of the same strictness, or None."""
    if len(have) != 2:
        return None
    low, high = sorted([one for one, _ in have], key=lambda one: one.op)
    op = _RANGES.get((low.op, high.op))
    if op is None or low.type != high.type:
        return None
    made = Expression(op, low.values + high.values, low.type)
    return None if faults(made) else made


def _ranged(have: list[tuple[Expression, int]]) -> list[Expression]:
    made = _range(have)
    return [made] if made is not None else [one for one, _ in have]


def _single(name: str, have: list[tuple[Expression, int]]) -> Expression:
    if len(have) == 1:
        return have[0][0]
    made = _range(have)
    if made is None:
        raise FlatError(
            f"one term, or a range >=A <=B or >A <B with A below B, is required for {quoted(name)} of one instance",
            have[1][1],
        )
    return made
