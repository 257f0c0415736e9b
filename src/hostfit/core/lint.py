"""What is valid and yet probably not meant: warnings for whoever writes a spec."""

from __future__ import annotations

from hostfit.core.problem import WARNING, Problem, at_index, at_key
from hostfit.core.spec import PREFERRED
from hostfit.core.terms import MODULES
from hostfit.core.text import quoted
from hostfit.core.vocabulary import FLAG, HEX, INSTANCE, NUMBER, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term
    from hostfit.core.vocabulary import FeatureInfo, Lookup

_NEGATIVE = ("NotIn", "DoesNotExist")
_ON_FLAGS = ("Exists", "DoesNotExist", "")
_ORDERS = ("Gt", "Ge", "Lt", "Le", "GtLt", "GeLe")
_VENDORS = {
    "GenuineIntel": "Intel",
    "AuthenticAMD": "AMD",
    "Amd": "AMD",
    "amd": "AMD",
    "intel": "Intel",
    "HygonGenuine": "Hygon",
    "arm": "ARM",
    "Arm": "ARM",
}
"""NFD's names of CPU vendors are those of its CPU library, not those of /proc/cpuinfo."""


def warnings(spec: Spec, *, lookup: Lookup) -> tuple[Problem, ...]:
    """Say what in a valid spec will not do what its author seems to expect, in document order."""
    found: list[Problem] = []
    for at, one in enumerate(spec.sets):
        path = one.path or at_index("compatibilities", at)
        found += [Problem(path, message, level=WARNING) for message in _set(one)]
        for number, rule in enumerate(one.rules):
            where = rule.path or at_index(at_key(path, "rules"), number)
            found += [Problem(where, message, level=WARNING) for message in _rule(rule)]
            for matcher in (rule.when, rule.matcher):
                found += _matcher(matcher, where, lookup)
    return tuple(found)


def _set(one: CompatibilitySet) -> Iterator[str]:
    required = [rule for rule in one.rules if rule.level != PREFERRED]
    if not required:
        yield "the set has no required rule, so it fits every host"
    elif all([rule.when is not None for rule in required]):
        yield "every required rule has a when; a host that none of them is for fits"
    seen: set[str] = set()
    for rule in one.rules:
        if rule.name in seen:
            yield f"two rules are named {quoted(rule.name)}; a diagnostic cannot tell them apart"
        seen.add(rule.name)


def _rule(rule: Rule) -> Iterator[str]:
    features = {term.feature for term in rule.matcher.terms()}
    if features == {"kernel.version"} and rule.level != PREFERRED:
        yield (
            "the rule tests the kernel's version only; distributions backport features and drivers, so ask for the "
            "module, the option or the system call itself where there is one"
        )


def _matcher(matcher: Matcher | None, path: str, lookup: Lookup) -> Iterator[Problem]:
    for term in matcher.terms() if matcher is not None else ():
        where = term.path or path
        for message in _term(term, lookup(term.feature)):
            yield Problem(where, message, level=WARNING)


def _term(term: Term, info: FeatureInfo | None) -> Iterator[str]:
    instances = info is not None and info.kinds == (INSTANCE,)
    if term.name is not None and term.name.op in _NEGATIVE:
        yield (
            f"matchName {term.name.op} never matches"
            if term.name.op == "DoesNotExist"
            else "matchName NotIn matches as soon as another name exists; it does not say that none is one of these"
        )
    if info is not None and not instances and not term.expressions and term.name is None:
        yield f"{term.feature} matches here on every host that could be read, whatever it holds; name an element"
    if term.expressions is None:
        if instances and term.name is None:
            yield f"{term.feature} matches here without a single device; write matchExpressions: {{}} for at least one"
        return
    apart = info.apart(term.expressions) if info is not None else None
    if apart is not None:
        host, device = apart
        yield (
            f"{term.feature} never matches here: {quoted(host)} is of the host and {quoted(device)} of each device; "
            "write two terms"
        )
    for element, expression in term.expressions.items():
        if not expression.op:
            yield f"{quoted(element)} with the empty operator matches anything, even where it does not exist"
        if instances and expression.op in _NEGATIVE:
            yield f"{quoted(element)} {expression.op} says that some device is not so, never that no device is so"
        yield from _modules(term.feature, element, expression)
        yield from _values(term.feature, element, expression)
        if info is not None:
            yield from _types(info, element, expression)


def _modules(feature: str, element: str, expression: Expression) -> Iterator[str]:
    if feature not in MODULES:
        return
    names = [element] if feature != "kernel.module" else list(expression.values) if element == "name" else []
    for name in names:
        if "-" in name and expression.op != "InRegexp":
            yield (
                f"module {quoted(name)} is written with a dash, which NFD never finds among loaded modules: the kernel "
                f"lists it as {quoted(name.replace('-', '_'))}; write that"
            )


def _values(feature: str, element: str, expression: Expression) -> Iterator[str]:
    if (feature, element) != ("cpu.model", "vendor_id") or expression.op not in ("In", "NotIn"):
        return
    for value in expression.values:
        if value in _VENDORS:
            yield f"vendor_id is never {quoted(value)}; write {quoted(_VENDORS[value])}"


def _types(info: FeatureInfo, element: str, expression: Expression) -> Iterator[str]:
    listed = info.elements.get(element)
    kinds = (listed.kind,) if listed is not None else info.open_kinds
    if kinds == (FLAG,):
        if expression.op not in _ON_FLAGS:
            yield f"{quoted(element)} of {info.name} is a flag; {expression.op} never matches, write Exists"
        return
    comparison = info.comparison(element)
    if expression.op in _ORDERS and listed is not None:
        if comparison == VERSION and expression.type != "version":
            yield f"{quoted(element)} of {info.name} is a version; add type: version"
        elif comparison == NUMBER and expression.type == "version":
            yield f"{quoted(element)} of {info.name} is a number; leave out type: version"
        elif comparison not in (VERSION, NUMBER):
            yield f"{quoted(element)} of {info.name} is {comparison} and has no order"
    if comparison == HEX and expression.op in ("In", "NotIn"):
        for value in expression.values:
            plain = value.lower().removeprefix("0x")
            if plain != value:
                yield f"{quoted(element)} of {info.name} is hex in lower case without 0x; write {quoted(plain)}"
