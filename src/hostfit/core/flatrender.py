"""From rules back to clauses of the flat form."""

from __future__ import annotations

from hostfit.core import flatlex
from hostfit.core.errors import SpecError
from hostfit.core.spec import REQUIRED, Matcher
from hostfit.core.vocabulary import INSTANCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.spec import CompatibilitySet, Expression, Rule, Spec, Term
    from hostfit.core.vocabulary import Lookup

_SIGNS = {"Gt": ">", "Ge": ">=", "Lt": "<", "Le": "<="}
_WORDS = {"Exists": "exists", "DoesNotExist": "!exists", "IsTrue": "true", "IsFalse": "false"}


def pieces(spec: Spec) -> list[tuple[Matcher, str]]:
    """Give the matchers of a spec, one for each clause, with their paths. Raises SpecError for what has no clause."""
    if spec.includes:
        raise SpecError("include: the flat form cannot name further specs")
    if len(spec.sets) != 1:
        raise SpecError(f"compatibilities: the flat form has one set, found {len(spec.sets)}")
    one = spec.sets[0]
    _plain(one, "compatibilities[0]", ("weight", "tag", "description", "documentation", "runtimes"))
    if len({rule.level for rule in one.rules}) > 1:
        raise SpecError("compatibilities[0].rules: the flat form has one level for all rules, found both")
    found: list[tuple[Matcher, str]] = []
    for at, rule in enumerate(one.rules):
        path = rule.path or f"compatibilities[0].rules[{at}]"
        _plain(rule, path, ("when", "vars", "documentation"))
        matchers = _split(rule.matcher)
        if len(matchers) > 1 and rule.level != REQUIRED:
            raise SpecError(f"{path}: a preferred rule must be one clause, found several features")
        found += [(matcher, path) for matcher in matchers]
    if not found:
        raise SpecError("compatibilities[0].rules: at least one rule is required, found none")
    return found


def clause(matcher: Matcher, lookup: Lookup | None) -> str:
    """Write one matcher. Raises SpecError for what the flat form cannot say."""
    alternatives = [matcher.features] if matcher.any is None else list(matcher.any)
    terms = [term for group in alternatives for term in group or ()]
    for term in terms:
        if term.name is not None:
            raise SpecError(f"{term.path or term.feature}: the flat form cannot say matchName")
        if term.expressions is None:
            raise SpecError(f"{term.path or term.feature}: the flat form cannot say a term without matchExpressions")
    if not terms or len({term.feature for term in terms}) != 1:
        raise SpecError("matchAny: alternatives must be about one feature to be a clause of the flat form")
    feature = terms[0].feature
    element = _element(terms, lookup)
    shown = []
    for group in alternatives:
        if element is not None:
            shown.append(" ".join([_term(one) for term in group or () for one in (term.expressions or {}).values()]))
        elif len(group or ()) == 1:
            shown.append(
                " ".join([_attribute(name, one) for name, one in ((group or ())[0].expressions or {}).items()])
            )
        else:
            raise SpecError(f"{terms[0].path or feature}: terms on different elements must be clauses of their own")
    if "" in shown and shown != [""]:
        raise SpecError(f"{terms[0].path or feature}: the flat form cannot say an empty alternative")
    subject = flatlex.name(feature if not element else f"{feature}.{element}")
    return f"{subject} " + " || ".join([one or "exists" for one in shown])


def _plain(value: Rule | CompatibilitySet, path: str, keys: tuple[str, ...]) -> None:
    for key in keys:
        if getattr(value, key):
            raise SpecError(f"{path}.{key}: the flat form cannot say {key}")


def _split(matcher: Matcher) -> list[Matcher]:
    found = []
    if matcher.features:
        together = len(matcher.features) == 1 or _element(matcher.features, None) is not None
        same = len({term.feature for term in matcher.features}) == 1
        found = [Matcher(matcher.features)] if together and same else [Matcher((one,)) for one in matcher.features]
    if matcher.any:
        found.append(Matcher(matcher.any[0]) if len(matcher.any) == 1 else Matcher(None, matcher.any))
    return found


def _element(terms: list[Term] | tuple[Term, ...], lookup: Lookup | None) -> str | None:
    """The one element that all terms are about, or None where the form with attributes is needed or nicer."""
    names: set[str] = set()
    for term in terms:
        if term.expressions is None or len(term.expressions) != 1:
            return None
        names.update(term.expressions)
    info = lookup(terms[0].feature) if lookup is not None else None
    if len(names) != 1 or (info is not None and info.kinds == (INSTANCE,)):
        return None
    return names.pop() or None


def _term(expression: Expression) -> str:
    op, values = expression.op, expression.values
    if op in _WORDS:
        return _WORDS[op]
    if op in _SIGNS:
        return _SIGNS[op] + flatlex.value(values[0])
    if op in ("GeLe", "GtLt"):
        low, high = (">=", "<=") if op == "GeLe" else (">", "<")
        return f"{low}{flatlex.value(values[0])} {high}{flatlex.value(values[1])}"
    if op in ("In", "NotIn"):
        if len(values) == 1:
            return ("=" if op == "In" else "!=") + flatlex.value(values[0])
        return ("in:" if op == "In" else "!in:") + ",".join([flatlex.value(one, item=True) for one in values])
    if op == "InRegexp" and len(values) == 1:
        return "~" + flatlex.value(values[0])
    what = "several patterns in InRegexp" if op else "the empty operator"
    raise SpecError(f"matchExpressions: the flat form cannot say {what}")


def _attribute(name: str, expression: Expression) -> str:
    said = _term(expression)
    joint = " " if expression.op in _WORDS or said.startswith(flatlex.LISTS) else ""
    return flatlex.name(name) + joint + said
