"""Laws of evaluation, on generated specs and hosts."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core.facts import Feature, Unknown
from hostfit.core.match import evaluate
from hostfit.core.results import MATCH, NOMATCH, UNKNOWN, all_of, any_of, negate
from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term

NAMES = ["a", "b", "c-d"]
VALUES = ["1", "2", "5.15", "true", "x"]
FEATURES = ["f.flags", "f.values", "f.devices", "f.mixed", "f.other", "kernel.module", "kernel.loadedmodule"]
RESULTS = st.sampled_from([MATCH, NOMATCH, UNKNOWN])

names = st.sampled_from(NAMES)
values = st.sampled_from(VALUES)
unknowns = st.just(Unknown("/sys: EACCES"))
maybe = st.one_of(values, unknowns)
expressions = st.one_of(
    st.sampled_from(["Exists", "DoesNotExist", "IsTrue", "IsFalse"]).map(Expression),
    st.tuples(st.sampled_from(["In", "NotIn"]), st.lists(values, min_size=1, max_size=2)).map(
        lambda given: Expression(given[0], tuple(given[1]))
    ),
    st.tuples(
        st.sampled_from(["Gt", "Ge", "Lt", "Le"]), st.sampled_from(["1", "2"]), st.sampled_from(["", "version"])
    ).map(lambda given: Expression(given[0], (given[1],), given[2])),
    st.sampled_from(["1", "^[a-c]", "^x$"]).map(lambda pattern: Expression("InRegexp", (pattern,))),
)
terms = st.builds(
    Term,
    st.sampled_from(FEATURES),
    st.one_of(st.none(), st.dictionaries(names, expressions, max_size=2)),
    st.one_of(st.none(), expressions),
)
matchers = st.builds(
    Matcher,
    st.one_of(st.none(), st.lists(terms, max_size=2).map(tuple)),
    st.one_of(st.none(), st.lists(st.lists(terms, max_size=2).map(tuple), max_size=2).map(tuple)),
)
rules = st.builds(
    Rule,
    st.just("r"),
    matchers,
    level=st.sampled_from(["required", "required", "preferred"]),
    when=st.one_of(st.none(), st.none(), matchers),
)
sets = st.builds(CompatibilitySet, st.lists(rules, max_size=3).map(tuple), weight=st.integers(-2, 2))
specs = st.lists(sets, min_size=1, max_size=3).map(lambda given: Spec(tuple(given)))
devices = st.lists(st.dictionaries(names, maybe, max_size=2), max_size=3)
hosts = st.fixed_dictionaries(
    {},
    optional={
        "f.flags": st.builds(
            Feature,
            flags=st.sets(names),
            unknown=st.one_of(st.none(), unknowns),
            unknown_flags=st.one_of(st.just({}), st.dictionaries(names, unknowns, max_size=1)),
        ),
        "f.values": st.builds(
            Feature, attributes=st.dictionaries(names, maybe), unknown=st.one_of(st.none(), unknowns)
        ),
        "f.devices": st.builds(Feature, instances=devices, unknown=st.one_of(st.none(), unknowns)),
        "f.mixed": st.builds(
            Feature,
            flags=st.one_of(st.none(), st.sets(names)),
            attributes=st.one_of(st.none(), st.dictionaries(names, maybe)),
            instances=st.one_of(st.none(), devices),
            unknown=st.one_of(st.none(), unknowns),
        ),
        "kernel.module": st.builds(Feature, instances=devices),
        "kernel.loadedmodule": st.builds(Feature, flags=st.sets(names)),
    },
)
law = settings(deadline=None, max_examples=200)


@given(specs, hosts, rules)
@law
def test_adding_a_required_rule_never_turns_misfit_into_fit(spec, host, rule):
    rule.level = "required"
    more = Spec(tuple([CompatibilitySet((*one.rules, rule), weight=one.weight) for one in spec.sets]))
    order = ["misfit", "unknown", "fit"]

    assert order.index(evaluate(more, host).verdict) <= order.index(evaluate(spec, host).verdict)


@given(specs, hosts, sets)
@law
def test_adding_a_set_never_turns_fit_into_misfit(spec, host, one):
    order = ["misfit", "unknown", "fit"]
    more = Spec((*spec.sets, one))

    assert order.index(evaluate(more, host).verdict) >= order.index(evaluate(spec, host).verdict)


@given(specs, hosts, rules)
@law
def test_a_preferred_rule_never_changes_the_verdict(spec, host, rule):
    rule.level = "preferred"
    more = Spec(tuple([CompatibilitySet((rule, *one.rules), weight=one.weight) for one in spec.sets]))

    assert evaluate(more, host).verdict == evaluate(spec, host).verdict


@given(specs, hosts, st.randoms(use_true_random=False))
@law
def test_the_order_of_rules_sets_and_terms_does_not_change_the_verdict(spec, host, random):
    def shuffled(items):
        return tuple(random.sample(items, len(items))) if items else ()

    def mixed(rule):
        features = None if rule.matcher.features is None else shuffled(rule.matcher.features)
        branches = None if rule.matcher.any is None else shuffled(rule.matcher.any)
        return Rule(rule.name, Matcher(features, branches), level=rule.level, when=rule.when)

    other = Spec(
        shuffled(
            [CompatibilitySet(shuffled([mixed(rule) for rule in one.rules]), weight=one.weight) for one in spec.sets]
        )
    )
    first, second = evaluate(spec, host), evaluate(other, host)

    assert first.verdict == second.verdict
    if first.chosen is not None:
        rank = [
            (result.sets[result.chosen].set.weight, result.sets[result.chosen].preferred) for result in (first, second)
        ]
        assert rank[0] == rank[1]


@given(specs, hosts)
@law
def test_evaluation_depends_on_nothing_but_its_inputs_and_changes_none(spec, host):
    before = copy.deepcopy((spec, host))
    shown = [str(tree(evaluate(spec, host))) for _ in range(2)]

    assert shown[0] == shown[1]
    assert shown[0] == str(tree(evaluate(*before)))
    assert (spec, host) == before


def tree(value):
    if isinstance(value, tuple | list):
        return [tree(one) for one in value]
    slots = getattr(type(value), "__slots__", None)
    return {slot: tree(getattr(value, slot)) for slot in slots} if slots else value


def learned(feature, draw):
    """The same feature with every unknown replaced by something that can be the truth."""

    def value(old):
        return draw(values) if isinstance(old, Unknown) else old

    def attributes(old):
        return {name: value(one) for name, one in old.items() if not isinstance(one, Unknown) or draw(st.booleans())}

    flags, found, instances = feature.flags, feature.attributes, feature.instances
    if flags is not None or feature.unknown_flags:
        flags = {*(flags or ()), *[name for name in feature.unknown_flags if draw(st.booleans())]}
    if flags is not None and feature.unknown is not None:
        flags = {*flags, *draw(st.sets(names))}
    if found is not None:
        more = draw(st.dictionaries(names, values)) if feature.unknown is not None else {}
        found = {**more, **attributes(found)} if not set(found) & set(more) else attributes(found)
    if instances is not None:
        instances = [attributes(one) for one in instances]
        if feature.unknown is not None:
            instances += draw(st.lists(st.dictionaries(names, values, max_size=2), max_size=2))
    return Feature(flags=flags, attributes=found, instances=instances)


@given(specs, hosts, st.data())
@settings(deadline=None, max_examples=400)
def test_knowing_more_never_changes_what_is_decided(spec, host, data):
    before = evaluate(spec, host)
    after = evaluate(spec, {name: learned(feature, data.draw) for name, feature in host.items()})

    if before.verdict != "unknown":
        assert after.verdict == before.verdict
    for one, other in zip(before.sets, after.sets, strict=True):
        assert one.result in ("unknown", other.result)


@given(specs, hosts)
@law
def test_a_host_of_which_nothing_is_known_decides_nothing_wrongly(spec, host):
    blind = evaluate(spec, {})

    if blind.verdict != "unknown":
        assert evaluate(spec, host).verdict == blind.verdict


@given(RESULTS, RESULTS, RESULTS)
def test_results_combine_as_kleene_says(one, two, three):
    assert all_of([one, two]) == all_of([two, one])
    assert any_of([one, two]) == any_of([two, one])
    assert all_of([one, all_of([two, three])]) == all_of([all_of([one, two]), three]) == all_of([one, two, three])
    assert any_of([one, any_of([two, three])]) == any_of([any_of([one, two]), three]) == any_of([one, two, three])
    assert all_of([one, any_of([two, three])]) == any_of([all_of([one, two]), all_of([one, three])])
    assert any_of([one, all_of([two, three])]) == all_of([any_of([one, two]), any_of([one, three])])
    assert all_of([one, any_of([one, two])]) == one == any_of([one, all_of([one, two])])
    assert negate(all_of([one, two])) == any_of([negate(one), negate(two)])
    assert negate(negate(one)) == one
    assert (all_of([]), any_of([])) == (MATCH, NOMATCH)
    assert all_of([one, NOMATCH]) == NOMATCH
    assert any_of([one, MATCH]) == MATCH
