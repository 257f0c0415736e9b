"""One term against one feature: flags and attributes as a union, instances one by one, and names.

Source: `evaluateFeatureMatcher`, `MatchMulti` and `MatchNamesMulti` of NFD v0.19
(`pkg/apis/nfd/nodefeaturerule`), with the third answer added.
"""

from __future__ import annotations

from hostfit.core.expressions import SPENT, required
from hostfit.core.facts import Feature, Unknown
from hostfit.core.instances import Asked, evaluate_instances
from hostfit.core.results import MATCH, NOMATCH, UNKNOWN, ExpressionResult, TermResult, all_of, any_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.expressions import Work
    from hostfit.core.spec import Expression, Term

MODULES = ("kernel.loadedmodule", "kernel.enabledmodule", "kernel.module")
"""Features whose element names, or attribute `name`, are kernel modules: `-` and `_` are one and the same there."""


def evaluate_term(term: Term, feature: Feature | None, work: Work) -> TermResult:
    """Compare one term with what is known of its feature; None where nothing at all is known of it."""
    if feature is None:
        feature = Feature(unknown=Unknown(f"nothing is known of {term.feature} here"))
    modules = term.feature.lower() in MODULES
    if modules:
        feature = _underscored(feature)
    results: list[str] = []
    leaves: list[ExpressionResult] = []
    if term.expressions:
        result, found = _expressions(term, feature, work, modules)
        results.append(result)
        leaves.extend(found)
    elif term.expressions is not None or term.name is None:
        leaf = _existence(term, feature)
        results.append(leaf.result)
        leaves.append(leaf)
    if term.name is not None:
        leaf = _names(term, term.name, feature, work, modules)
        results.append(leaf.result)
        leaves.append(leaf)
    return TermResult(term.feature, all_of(results), tuple(leaves), term.path)


def absent_term(term: Term) -> TermResult:
    """The answer on a feature that is certain not to exist: nothing matches, not even DoesNotExist."""
    leaves = [
        ExpressionResult(
            term.feature, name, NOMATCH, required=required(expression), observed="no such feature", path=term.path
        )
        for name, expression in (term.expressions or {}).items()
    ]
    if term.name is not None or not leaves:
        needs = "present" if term.name is None else f"a name {required(term.name)}"
        leaves.append(
            ExpressionResult(term.feature, "", NOMATCH, required=needs, observed="no such feature", path=term.path)
        )
    return TermResult(term.feature, NOMATCH, tuple(leaves), term.path)


def _expressions(term: Term, feature: Feature, work: Work, modules: bool) -> tuple[str, tuple[ExpressionResult, ...]]:
    """All expressions of a term: on the union of flags and attributes, or on one and the same instance."""
    expressions = (term.expressions or {}).items()
    asked = [Asked(name, expression, module_key=modules) for name, expression in expressions]
    listed = not (feature.flags is None and feature.attributes is None and not feature.unknown_flags)
    union: list[ExpressionResult] = []
    result = NOMATCH
    if listed or feature.instances is None:
        union = [_listed(term, feature, one, work) for one in asked]
        result = all_of([leaf.result for leaf in union])
    if feature.instances is None or result == MATCH:
        return result, tuple(union)
    if modules:
        asked = [Asked(name, expression, twin=name == "name") for name, expression in expressions]
    devices, found = evaluate_instances(term, feature, asked, work)
    either = any_of((result, devices))
    return either, tuple(union) if union and result == either else found


def _listed(term: Term, feature: Feature, asked: Asked, work: Work) -> ExpressionResult:
    """One expression on the union of flags and attributes: either may match, DoesNotExist needs both."""
    sides: list[tuple[str, str]] = []
    observed = "absent"
    for value, present in _sides(feature, asked.key):
        sides.append(asked.compare(present, value, work))
        if isinstance(value, Unknown):
            observed = "unknown" if observed == "absent" else observed
        elif value is not None:
            observed = value or '""'
        elif present:
            observed = "present"
    results = [result for result, _ in sides]
    result = all_of(results) if asked.expression.op == "DoesNotExist" else any_of(results)
    reason = next((why for one, why in sides if one == result and why), "")
    return ExpressionResult(
        term.feature, asked.element, result,
        required=required(asked.expression), observed=observed, reason=reason, path=term.path,
    )  # fmt: skip


def _sides(feature: Feature, key: str) -> list[tuple[str | Unknown | None, bool]]:
    """What flags and attributes say of one element: its value and whether it is present."""
    sides: list[tuple[str | Unknown | None, bool]] = []
    if feature.flags is not None or feature.unknown_flags:
        if feature.flags is not None and key in feature.flags:
            sides.append((None, True))
        else:
            sides.append((feature.unknown_flags.get(key, feature.unknown), False))
    if feature.attributes is not None:
        value = feature.attributes.get(key)
        sides.append((value, True) if value is not None else (feature.unknown, False))
    return sides or [(feature.unknown, False)]


def _existence(term: Term, feature: Feature) -> ExpressionResult:
    """A term without expressions: the feature has flags or attributes, or at least one instance.

    Without any matcher even an empty list of instances is enough, as in NFD. What is empty because it could not be
    read is neither.
    """
    exists = feature.flags is not None or feature.attributes is not None
    enough = term.expressions is None and feature.instances is not None
    held = feature.flags or feature.attributes or feature.instances
    if held or (feature.unknown is None and (exists or enough)):
        result, observed = MATCH, "present"
    elif feature.unknown is not None or feature.unknown_flags:
        result, observed = UNKNOWN, "unknown"
    else:
        result, observed = NOMATCH, "no such device" if feature.instances is not None else "absent"
    reason = feature.unknown.reason if result == UNKNOWN and feature.unknown is not None else ""
    return ExpressionResult(
        term.feature, "", result, required="present", observed=observed, reason=reason, path=term.path
    )


def _names(term: Term, expression: Expression, feature: Feature, work: Work, modules: bool) -> ExpressionResult:
    """`matchName`: some element's name, as a value, matches; independent of the other expressions."""
    needs = f"a name {required(expression)}"
    asked = Asked("", expression, twin=modules)
    listed = work.names.get(term.feature)
    if listed is None or listed[0] is not feature:
        listed = work.names[term.feature] = (feature, *_all_names(feature))
    _, sure, maybe = listed
    result, observed, reason = NOMATCH, f"none of {len(sure)} names" if sure else "no names", ""
    if not work.spend(len(sure) + len(maybe)):
        return ExpressionResult(
            term.feature, "", UNKNOWN, required=needs, observed=observed, reason=SPENT, path=term.path
        )
    for name in sure:
        one, why = asked.compare(True, name, work)
        if one == MATCH:
            return ExpressionResult(term.feature, "", MATCH, required=needs, observed=name or '""', path=term.path)
        if one == UNKNOWN:
            result, reason = UNKNOWN, why
    for name, unknown in maybe.items():
        if result == NOMATCH and asked.compare(True, name, work)[0] != NOMATCH:
            result, reason = UNKNOWN, unknown.reason
    if result == NOMATCH and feature.unknown is not None and expression.op != "DoesNotExist":
        result, reason = UNKNOWN, feature.unknown.reason
    return ExpressionResult(term.feature, "", result, required=needs, observed=observed, reason=reason, path=term.path)


def _all_names(feature: Feature) -> tuple[list[str], dict[str, Unknown]]:
    """The names of everything that a feature holds, in order, and those of which that is not known."""
    sure = set(feature.flags or ())
    maybe = dict(feature.unknown_flags)
    for attributes in (feature.attributes or {}, *(feature.instances or ())):
        for name, value in attributes.items():
            if isinstance(value, Unknown):
                maybe.setdefault(name, value)
            else:
                sure.add(name)
    return sorted(sure), maybe


def _underscored(feature: Feature) -> Feature:
    """A feature about modules with every `-` in a name as `_`; the same value where there is none."""
    dashed = "-" in "".join([*(feature.flags or ()), *(feature.attributes or ()), *feature.unknown_flags])
    named = [one.get("name") for one in feature.instances or ()]
    if not dashed and not any([isinstance(name, str) and "-" in name for name in named]):
        return feature
    instances_ = None
    if feature.instances is not None:
        instances_ = [
            {**one, "name": name.replace("-", "_")} if isinstance(name := one.get("name"), str) else one
            for one in feature.instances
        ]
    return Feature(
        flags=None if feature.flags is None else [name.replace("-", "_") for name in feature.flags],
        attributes=None
        if feature.attributes is None
        else {name.replace("-", "_"): value for name, value in feature.attributes.items()},
        instances=instances_,
        unknown=feature.unknown,
        unknown_flags={name.replace("-", "_"): value for name, value in feature.unknown_flags.items()},
    )
