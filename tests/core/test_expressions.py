"""NFD's operators: every vector says what NFD answers and what hostfit answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hostfit.core import expressions
from hostfit.core.facts import Unknown
from hostfit.core.spec import OPERATORS, Expression

VECTORS = [
    vector
    for name in ("operators.json", "versions.json")
    for vector in json.loads((Path(__file__).parent / "vectors" / name).read_text(encoding="utf-8"))
]
NFD = {"true": "match", "false": "nomatch", "error": "invalid"}


def expression(vector):
    tree = vector["expr"]
    return Expression(tree["op"], tuple(tree["value"]), tree["type"])


def value(vector):
    given = vector["input"]
    return Unknown(given["unknown"]) if "unknown" in given else given["value"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_an_operator_answers_as_its_vector_says(vector):
    asked = expression(vector)
    result, reason = expressions.evaluate(asked, vector["input"].get("present", False), value(vector))

    expected = vector["expect"]["result"]
    if expected == "invalid":
        assert expressions.faults(asked)
        return
    assert expressions.faults(asked) == ()
    assert result == expected
    assert bool(reason) or result != "unknown"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_hostfit_and_nfd_agree_unless_a_difference_is_named(vector):
    same = NFD[vector["nfd"]["result"]] == vector["expect"]["result"]

    assert same != ("difference" in vector)


def kind(given):
    return "undetermined" if "unknown" in given else "absent" if not given["present"] else "present"


def test_every_operator_has_vectors_on_present_and_absent_elements():
    covered = {(vector["expr"]["op"], kind(vector["input"])) for vector in VECTORS}

    assert {(op, where) for op in (*OPERATORS, "") for where in ("present", "absent")} <= covered
    assert len(VECTORS) >= 250


@pytest.mark.parametrize("given", ["5", "a", "aa", "", "5.15", "true", None])
def test_an_expression_with_faults_never_matches_a_value_and_never_raises(given):
    """Only what NFD does not look at either, such as the value of an absent element, is left to `faults`."""
    for vector in VECTORS:
        if vector["expect"]["result"] == "invalid" and vector.get("difference") != "pattern-subset":
            assert expressions.evaluate(expression(vector), True, given)[0] != "match", vector["id"]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (Expression("In", ("Intel",)), "Intel"),
        (Expression("In", ("Intel", "AMD")), "one of Intel, AMD"),
        (Expression("In", ("",)), '""'),
        (Expression("In", tuple("abcdefghij")), "one of a, b, c, d, e, f, g, h and 2 more"),
        (Expression("NotIn", ("a",)), "not a"),
        (Expression("NotIn", ("a", "b")), "none of a, b"),
        (Expression("InRegexp", ("^a",)), "matching ^a"),
        (Expression("Exists"), "present"),
        (Expression("DoesNotExist"), "absent"),
        (Expression("Gt", ("5",)), "> 5"),
        (Expression("Ge", ("5.15",), "version"), ">= 5.15 (version)"),
        (Expression("GtLt", ("1", "5")), "> 1 and < 5"),
        (Expression("GeLe", ("1", "5"), "version"), ">= 1 and <= 5 (version)"),
        (Expression("IsTrue"), "true"),
        (Expression("IsFalse"), "false"),
        (Expression(""), "anything"),
    ],
)
def test_what_is_required_is_short_text(asked, text):
    assert expressions.required(asked) == text


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (Expression("Equals", ("a",)),
         f'op is not an operator: required one of {", ".join(OPERATORS)}, found "Equals"'),
        (Expression("In"), "value must not be empty with In: required at least 1, found 0"),
        (Expression("Exists", ("a",)), "value must be empty with Exists: required none, found 1"),
        (Expression("Gt", ("1", "2")), "value must have exactly 1 with Gt: found 2"),
        (Expression("GeLe", ("1",)), "value must have exactly 2 with GeLe: found 1"),
        (Expression("Gt", ("x",)), 'value must be a whole number: found "x"'),
        (Expression("Gt", ("5_1",), "version"), 'value must be a version of one to three numbers: found "5_1"'),
        (Expression("GeLe", ("5", "1")), 'value must rise: found "5" before "1"'),
        (Expression("Gt", ("1",), "semver"), 'type must be "version" or absent with Gt: found "semver"'),
        (Expression("InRegexp", ("a(",)), 'value "a(" is not a usable pattern at offset 1: missing closing )'),
        (Expression("InRegexp", ("\\pL",)),
         'value "\\\\pL" is not a usable pattern at offset 0: Unicode classes (\\p) are valid RE2 but not supported'),
    ],
)  # fmt: skip
def test_a_fault_says_what_is_required_and_what_was_found(asked, fault):
    assert expressions.faults(asked) == (fault,)


def test_one_evaluation_compiles_a_pattern_once():
    work = expressions.Work()
    asked = Expression("InRegexp", ("^a", "b$"))

    expressions.evaluate(asked, True, "xb", work)
    programs = dict(work.programs)
    expressions.evaluate(asked, True, "yb", work)

    assert {name: id(program) for name, program in work.programs.items()} == {
        name: id(program) for name, program in programs.items()
    }
    assert set(programs) == {"^a", "b$"}


def test_patterns_without_steps_left_are_unknown():
    asked = Expression("InRegexp", ("^(a|b)*a(a|b){90}$",))

    result, reason = expressions.evaluate(asked, True, "ab" * 1000, expressions.Work(1000))

    assert (result, reason) == ("unknown", expressions.SPENT)
