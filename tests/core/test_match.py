"""Terms, rules, sets and whole documents against facts, each beside what NFD answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hostfit.core import read
from hostfit.core.errors import SpecError
from hostfit.core.expressions import SPENT
from hostfit.core.facts import Feature, Unknown
from hostfit.core.match import evaluate
from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term

VECTORS = json.loads((Path(__file__).parent / "vectors" / "documents.json").read_text(encoding="utf-8"))


def facts(tree):
    """NFD's Features as facts; `unknown` is hostfit's, and `nothing` a feature that is known to hold nothing."""
    names = {name for kind in tree.values() for name in kind}
    found = {}
    for name in names:
        flags = tree.get("flags", {}).get(name)
        attributes = tree.get("attributes", {}).get(name)
        instances = tree.get("instances", {}).get(name)
        why = tree.get("unknown", {}).get(name, {})
        values = None if attributes is None else dict(attributes["elements"])
        if values is not None:
            values.update({element: Unknown(reason) for element, reason in why.get("elements", {}).items()})
        found[name] = Feature(
            flags=None if flags is None else flags["elements"],
            attributes=values,
            instances=None if instances is None else [one["attributes"] for one in instances["elements"]],
            unknown=Unknown(why["reason"]) if "reason" in why else None,
        )
    return found


def leaves(result):
    return [
        leaf
        for one in result.sets
        for rule in one.rules
        for term in (*rule.features, *[term for branch in rule.any for term in branch])
        for leaf in term.expressions
    ]


def spec(*terms):
    return Spec((CompatibilitySet((Rule("r", Matcher(tuple(terms))),)),))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_document_is_judged_as_its_vector_says(vector):
    expected = vector["expect"]
    if expected["result"] == "invalid":
        with pytest.raises(SpecError):
            read.read_spec(vector["document"], place="vector")
        return
    result = evaluate(
        read.read_spec(vector["document"], place="vector"), facts(vector["features"]), tag=vector.get("tag", "")
    )

    assert result.verdict == expected["result"]
    if "chosen" in expected:
        assert result.chosen == expected["chosen"]
    assert (result.chosen is not None) == (result.verdict == "fit")
    for leaf in leaves(result):
        assert leaf.required
        assert leaf.observed
        assert leaf.reason or leaf.result != "unknown"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_hostfit_and_nfd_agree_unless_a_difference_is_named(vector):
    """NFD's own reading combines nothing, so only documents of one rule can agree by themselves."""
    nfd = vector["nfd"]["result"]
    every = {"true": "fit", "false": "misfit", "error": "invalid"}
    words = set(nfd.replace("|", " ").split())

    if "difference" not in vector:
        # A document of several rules agrees where all of them match, or where the same reading gives the verdict.
        sets = [set(one.split()) == {"true"} for one in nfd.split("|")]
        reading = every[nfd] if nfd in every else "fit" if any(sets) else "misfit"
        assert vector["expect"]["result"] == reading
    elif words <= {"true", "false"} and len(nfd.split()) == 1:
        assert vector["expect"]["result"] != every[nfd]


def one_leaf(expressions, feature, name="f.f", matches=None):
    result = evaluate(spec(Term(name, expressions, matches)), {name: feature})
    (leaf,) = leaves(result)
    return leaf.result, leaf.observed, leaf.reason


EXISTS = {"a": Expression("Exists")}


@pytest.mark.parametrize(
    ("feature", "shown"),
    [
        (Feature(flags=["a"]), ("match", "present", "")),
        (Feature(flags=[]), ("nomatch", "absent", "")),
        (Feature(attributes={"a": "x"}), ("match", "x", "")),
        (Feature(attributes={"a": ""}), ("match", '""', "")),
        (Feature(attributes={"a": Unknown("/x: EIO")}), ("unknown", "unknown", "/x: EIO")),
        (Feature(flags=[], unknown_flags={"a": Unknown("/y: EIO")}), ("unknown", "unknown", "/y: EIO")),
        (Feature(unknown=Unknown("/z: EIO")), ("unknown", "unknown", "/z: EIO")),
        (Feature(instances=[]), ("nomatch", "no such device", "")),
        (Feature(instances=[{"a": "1"}]), ("match", "1", "")),
        (Feature(instances=[{"b": "1"}]), ("nomatch", "absent", "")),
        (Feature(instances=[{"a": Unknown("/w: EIO")}]), ("unknown", "unknown", "/w: EIO")),
    ],
)
def test_a_leaf_says_what_was_observed(feature, shown):
    assert one_leaf(EXISTS, feature) == shown


def test_a_feature_that_nobody_knows_is_named_in_the_reason():
    result = evaluate(spec(Term("no.such", EXISTS)), {})

    assert [(leaf.result, leaf.reason) for leaf in leaves(result)] == [("unknown", "nothing is known of no.such here")]


def test_the_device_that_came_closest_is_shown():
    devices = Feature(
        instances=[
            {"vendor": "8086", "class": "0200"}, {"vendor": "10de", "class": "0403"},
            {"vendor": "8086", "class": "0601"}, {"vendor": "1022", "class": "0604"},
        ]
    )  # fmt: skip
    asked = {"vendor": Expression("In", ("10de",)), "class": Expression("In", ("0302",))}
    result = evaluate(spec(Term("pci.device", asked)), {"pci.device": devices})

    assert [(leaf.element, leaf.result, leaf.observed) for leaf in leaves(result)] == [
        ("vendor", "match", "10de"),
        ("class", "nomatch", "none of 4"),
    ]


def test_the_attribute_that_few_devices_match_counts_for_more():
    modules = [{"name": f"m{index}", "state": "loaded"} for index in range(20)] + [
        {"name": "gtp5g", "state": "loadable"}
    ]
    asked = {"state": Expression("In", ("loaded",)), "name": Expression("In", ("gtp5g",))}
    result = evaluate(spec(Term("kernel.module", asked)), {"kernel.module": Feature(instances=modules)})

    assert [(leaf.result, leaf.observed) for leaf in leaves(result)] == [("nomatch", "loadable"), ("match", "gtp5g")]


def test_values_are_listed_where_no_device_has_the_required_one():
    gpus = Feature(instances=[{"memory": "8192"}, {"memory": "16384"}, {"memory": "8192"}])

    assert one_leaf({"memory": Expression("Ge", ("40000",))}, gpus) == ("nomatch", "8192, 16384", "")


def test_no_leaf_of_an_unknown_list_of_devices_counts_as_missing():
    seen = Feature(instances=[{"vendor": "8086"}], unknown=Unknown("/sys/bus/pci: EACCES"))

    assert one_leaf({"vendor": Expression("In", ("10de",))}, seen) == ("unknown", "8086", "/sys/bus/pci: EACCES")


@pytest.mark.parametrize(
    ("feature", "shown"),
    [
        (Feature(flags=["AVX", "SSE"]), ("match", "AVX", "")),
        (Feature(flags=["SSE", "FMA3"]), ("nomatch", "none of 2 names", "")),
        (Feature(flags=[]), ("nomatch", "no names", "")),
        (Feature(flags=["SSE"], unknown_flags={"AVX2": Unknown("/p: EIO")}), ("unknown", "none of 1 names", "/p: EIO")),
        (Feature(flags=["SSE"], unknown_flags={"FMA3": Unknown("/p: EIO")}), ("nomatch", "none of 1 names", "")),
    ],
)
def test_a_name_leaf_says_which_name_matched(feature, shown):
    assert one_leaf(None, feature, matches=Expression("InRegexp", ("^AVX",))) == shown


def test_a_rule_that_does_not_apply_is_neutral_and_not_evaluated():
    rule = Rule("r", Matcher((Term("f.f", EXISTS),)), when=Matcher((Term("g.g", EXISTS),)))
    result = evaluate(Spec((CompatibilitySet((rule,)),)), {"f.f": Feature(flags=[]), "g.g": Feature(flags=[])})
    outcome = result.sets[0].rules[0]

    assert (result.verdict, outcome.result, outcome.applies, outcome.features) == ("fit", "match", "nomatch", ())
    assert [leaf.observed for term in outcome.when for leaf in term.expressions] == ["absent"]


def test_a_spec_without_sets_asks_for_nothing():
    assert evaluate(Spec(()), {}).verdict == "fit"


def test_a_tag_that_no_set_carries_is_named():
    result = evaluate(Spec((CompatibilitySet((), tag="a"),)), {}, tag="b")

    assert (result.verdict, result.sets, result.reason) == ("unknown", (), 'no set has the tag "b"')


def test_names_of_vars_are_listed_anew_for_every_rule():
    sees = Matcher((Term("rule.matched", None, Expression("In", ("b",))),))
    rules = (
        Rule("first", Matcher(), vars={"a": "1"}),
        Rule("too-early", sees, level="preferred"),
        Rule("second", Matcher(), vars={"b": "1"}),
        Rule("seen", sees),
    )
    result = evaluate(Spec((CompatibilitySet(rules),)), {})

    assert [one.result for one in result.sets[0].rules] == ["match", "nomatch", "match", "match"]


def test_evaluation_takes_time_in_proportion_to_the_expressions(monkeypatch):
    """SEC2: counted in comparisons, not seconds."""
    from hostfit.core import instances

    calls = []
    real = instances.evaluate
    monkeypatch.setattr(instances, "evaluate", lambda *given: calls.append(1) or real(*given))
    counts = []
    for size in (512, 4096):
        asked = {f"e{index}": Expression("In", ("y",)) for index in range(size)}
        values = {f"e{index}": "y" for index in range(size)}
        calls.clear()
        assert evaluate(spec(Term("f.f", asked)), {"f.f": Feature(attributes=values)}).verdict == "fit"
        counts.append(len(calls))

    assert counts == [512, 4096]


def test_a_document_that_compares_too_much_is_unknown():
    devices = Feature(instances=[{"name": f"m{index}"} for index in range(5000)])
    terms = [Term("x.y", {"name": Expression("In", (f"x{index}",))}) for index in range(400)]
    result = evaluate(spec(*terms), {"x.y": devices})
    last = leaves(result)[-1]

    assert (last.result, last.reason) == ("unknown", SPENT)


@pytest.mark.parametrize("expressions", [None, {}], ids=["no expressions", "empty expressions"])
@pytest.mark.parametrize(
    "nothing", [{"flags": ()}, {"attributes": {}}, {"instances": ()}], ids=["flags", "attributes", "instances"]
)
def test_a_feature_of_which_nothing_could_be_read_is_not_taken_for_present(nothing, expressions):
    unread = Feature(**nothing, unknown=Unknown("/proc/f: EACCES"))
    partly = Feature(flags={"x"}, unknown=Unknown("/proc/f: EACCES"))

    result = evaluate(spec(Term("a.b", expressions)), {"a.b": unread})

    assert result.verdict == "unknown"
    assert [leaf.reason for leaf in leaves(result)] == ["/proc/f: EACCES"]
    assert evaluate(spec(Term("a.b", expressions)), {"a.b": partly}).verdict == "fit"
