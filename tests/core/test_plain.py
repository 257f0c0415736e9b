"""`Spec.evaluate` takes any mapping of facts (TW2, TW4)."""

from __future__ import annotations

import pytest

from hostfit.core.facts import Feature, Unknown
from hostfit.core.plain import features
from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term


def spec(feature, **expressions):
    return Spec((CompatibilitySet((Rule("r", Matcher((Term(feature, expressions),))),)),))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Feature(flags=["a"]), Feature(flags=["a"])),
        ({"a": "1", "b": 2, "c": True, "d": None}, Feature(attributes={"a": "1", "b": "2", "c": "true"})),
        ({"a": Unknown("why")}, Feature(attributes={"a": Unknown("why")})),
        ({"a", "b"}, Feature(flags=["a", "b"])),
        (frozenset(), Feature(flags=[])),
        ([{"a": 1}, {"b": False}], Feature(instances=[{"a": "1"}, {"b": "false"}])),
        ((), Feature(instances=[])),
        (Unknown("why"), Feature(unknown=Unknown("why"))),
    ],
)
def test_plain_values_are_features(value, expected):
    assert features({"Some.Feature": value}) == {"some.feature": expected}


@pytest.mark.parametrize("value", [None, "text", 1, {1, 2}, ["flag"], {"a": 1.5}, {"a": ["b"]}, [{"a": b"x"}]])
def test_anything_else_is_a_mistake_of_the_program(value):
    with pytest.raises(TypeError, match=r"^some\.feature: "):
        features({"some.feature": value})


def test_evaluate_answers_as_the_function_does():
    asked = spec("a.b", x=Expression("In", ("1",)))

    assert asked.evaluate({"a.b": {"x": 1}}).verdict == "fit"
    assert asked.evaluate({"A.B": {"x": "2"}}).verdict == "misfit"
    assert asked.evaluate({}).verdict == "unknown"
    assert asked.evaluate({"a.b": {"x": 1}}, tag="t").verdict == "unknown"
