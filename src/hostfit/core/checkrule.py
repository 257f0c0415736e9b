"""Checks the matching part of a document: matchers, terms and expressions, and turns them into values."""

from __future__ import annotations

from hostfit.core import expressions, limits, suggest
from hostfit.core.problem import at_index, at_key
from hostfit.core.shape import Shape, describe, is_null
from hostfit.core.spec import OPERATORS, REQUEST, Expression, Matcher, Term
from hostfit.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.vocabulary import FeatureInfo, Lookup

TERM_KEYS = ("feature", "matchExpressions", "matchName")
EXPRESSION_KEYS = ("op", "value", "type")
MATCHER_KEYS = ("matchFeatures", "matchAny")
_OPS = (*OPERATORS, "")
_SHORTHAND = '{op: In, value: ["..."]}'


class Matching(Shape):
    """Reads matchers; with a vocabulary it also says which features and elements nobody knows."""

    __slots__ = ("expressions", "lookup", "regexes")

    def __init__(self, lines: Mapping[str, int] | None = None, lookup: Lookup | None = None) -> None:
        super().__init__(lines)
        self.lookup = lookup
        self.expressions = 0
        self.regexes = 0

    def matcher(self, tree: dict[str, Any], path: str) -> Matcher:
        """Read `matchFeatures` and `matchAny` of a rule or of its `when`; neither of them is an error."""
        terms = any_ = None
        if "matchFeatures" in tree:
            terms = self.terms(tree["matchFeatures"], at_key(path, "matchFeatures"))
        if "matchAny" in tree:
            where = at_key(path, "matchAny")
            found = []
            for at, item in enumerate(self.items(tree["matchAny"], where, "alternatives", limits.EXPRESSIONS)):
                found.append(self.alternative(item, at_index(where, at)))
            any_ = tuple(found)
        if not tree.get("matchFeatures") and not tree.get("matchAny"):
            has = [key for key in MATCHER_KEYS if isinstance(tree.get(key), list)]
            if has or not [key for key in MATCHER_KEYS if key in tree]:
                self.problem(
                    path, "matchFeatures or matchAny with at least one item is required; as it is it always matches"
                )
        return Matcher(terms, any_)

    def alternative(self, value: Any, path: str) -> tuple[Term, ...]:
        """Read one item of `matchAny`."""
        tree = self.mapping(value, path, ("matchFeatures",))
        if tree is None:
            return ()
        if tree.get("matchFeatures", []) == []:
            self.problem(path, "matchFeatures with at least one item is required; as it is it always matches")
            return ()
        return self.terms(tree["matchFeatures"], at_key(path, "matchFeatures"))

    def terms(self, value: Any, path: str) -> tuple[Term, ...]:
        """Read a `matchFeatures` list."""
        found = []
        for at, item in enumerate(self.items(value, path, "terms", limits.EXPRESSIONS)):
            term = self.term(item, at_index(path, at))
            if term is not None:
                found.append(term)
        return tuple(found)

    def term(self, value: Any, path: str) -> Term | None:
        """Read one term; feature names are matched in lower case, as NFD does."""
        tree = self.mapping(value, path, TERM_KEYS)
        if tree is None:
            return None
        feature, info = "", None
        if "feature" not in tree:
            self.problem(path, 'key "feature" is required')
        else:
            where = at_key(path, "feature")
            feature = (self.text(tree["feature"], where, empty=False) or "").lower()
            info = self.known_feature(feature, where)
        chosen = name = None
        if "matchExpressions" in tree:
            where = at_key(path, "matchExpressions")
            chosen = {}
            for element, item in self.open_mapping(tree["matchExpressions"], where, "expressions").items():
                self.known_element(info, element, at_key(where, element))
                expression = self.expression(item, at_key(where, element))
                if expression is not None:
                    chosen[element] = expression
        if "matchName" in tree:
            name = self.expression(tree["matchName"], at_key(path, "matchName"))
        return Term(feature, chosen, name, path)

    def expression(self, value: Any, path: str) -> Expression | None:
        """Read one expression and ask for its faults, on any host the same."""
        self.expressions += 1
        if self.expressions > limits.EXPRESSIONS:
            if self.expressions == limits.EXPRESSIONS + 1:
                self.problem(path, f"at most {limits.EXPRESSIONS} expressions are allowed in a document, found more")
            return None
        if not isinstance(value, dict):
            short = isinstance(value, list | str)
            hint = "; write {op: Exists}" if is_null(value) else f"; write {_SHORTHAND}" if short else ""
            self.problem(path, f"a mapping with op is required, found {describe(value)}{hint}")
            return None
        before = len(self.problems)
        tree = self.mapping(value, path, EXPRESSION_KEYS) or {}
        op = kind = ""
        values: tuple[str, ...] = ()
        if "op" not in tree:
            self.problem(path, 'key "op" is required; without it the expression always matches')
        else:
            op = self.choice(tree["op"], at_key(path, "op"), _OPS)
        if "value" in tree:
            values = self.texts(tree["value"], at_key(path, "value"), "values", limits.VALUES)
        if "type" in tree:
            kind = self.choice(tree["type"], at_key(path, "type"), ("", "version"))
        if len(self.problems) > before or self.full:
            return None
        expression = Expression(op, values, kind)
        for fault in self.over_caps(expression) or faults(expression):
            self.problem(path, fault)
        return expression

    def over_caps(self, expression: Expression) -> tuple[str, ...]:
        """Give the caps on regular expressions that an expression breaks, before any is compiled."""
        if expression.op != "InRegexp":
            return ()
        self.regexes += len(expression.values)
        if self.regexes > limits.REGEXES:
            return (f"at most {limits.REGEXES} regular expressions are allowed in a document, found more",)
        if [one for one in expression.values if len(one.encode("utf-8", "surrogatepass")) > limits.REGEX]:
            return (f"at most {limits.REGEX} bytes are allowed in a regular expression, found more",)
        return ()

    def known_feature(self, feature: str, path: str) -> FeatureInfo | None:
        """Give the vocabulary's row, or None; an unknown feature is an error only where there is a vocabulary."""
        if self.lookup is None or not feature or self.full:
            return None
        info = self.lookup(feature)
        if info is None:
            near = suggest.by_lookup(feature, self.lookup)
            hint = f"; did you mean {quoted(near)}?" if near else ""
            self.problem(path, f"feature {quoted(feature)} is not known{hint}")
        elif info.name.startswith(REQUEST):
            self.problem(path, f"feature {quoted(feature)} is for the administrator's rules on runtimes alone")
        return info

    def known_element(self, info: FeatureInfo | None, element: str, path: str) -> None:
        """Note an element that a known feature does not have."""
        if info is None or info.knows(element) or self.full:
            return
        near = suggest.closest(element, info.elements)
        hint = f"; did you mean {quoted(near)}?" if near else ""
        self.problem(path, f"element {quoted(element)} of feature {quoted(info.name)} is not known{hint}")


def faults(expression: Expression) -> tuple[str, ...]:
    """Everything that makes an expression invalid on any host; NFD's empty operator may be written out."""
    if expression.op:
        return expressions.faults(expression)
    return ("value must be empty with the empty operator",) if expression.values else ()
