"""IA3: the JSON Schema agrees with the checker wherever a schema can say it, and is never the stricter one."""

from __future__ import annotations

import copy
import json
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostfit.core import check as checker
from hostfit.core import checkrule, spec
from hostfit.core.check import check
from hostfit.core.write import to_tree

SCHEMA = json.loads(files("hostfit.core").joinpath("schema/spec-v1alpha1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

ONLY_THE_CHECKER = (
    "is not a usable pattern",
    "value must be a whole number",
    "value must be a version",
    "value must rise",
    "values are allowed, found more",
    "found number 5.0",
)
"""Beginnings or parts of what the schema's comment leaves to the checker."""


def test_the_schema_is_valid_and_closed():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"].endswith("2020-12/schema")
    assert SCHEMA["$id"] == "urn:hostfit:schema:spec-v1alpha1"

    def walk(node):
        if isinstance(node, dict):
            if node.get("type") == "object":
                assert "additionalProperties" in node
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(SCHEMA)


def test_the_schema_has_the_keys_and_words_of_the_checker():
    parts = SCHEMA["$defs"]
    assert set(SCHEMA["properties"]) == set(checker.SPEC_KEYS)
    assert set(parts["set"]["properties"]) == set(checker.SET_KEYS)
    assert set(parts["rule"]["properties"]) == set(checker.RULE_KEYS)
    assert set(parts["include"]["properties"]) == set(checker.INCLUDE_KEYS)
    assert set(parts["term"]["properties"]) == set(checkrule.TERM_KEYS)
    assert set(parts["expression"]["properties"]) == set(checkrule.EXPRESSION_KEYS)
    assert parts["expression"]["properties"]["op"]["enum"] == [*spec.OPERATORS, ""]


def agree(tree):
    """Both say the same of a document; give what they say."""
    valid = VALIDATOR.is_valid(tree)
    made, problems = check(tree)
    if made is not None:
        assert valid, [error.message for error in VALIDATOR.iter_errors(tree)]
    elif valid:
        left = [str(one) for one in problems if not any(part in one.message for part in ONLY_THE_CHECKER)]
        assert left == []
    return valid


FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(data=st.data())
def test_every_valid_document_is_valid_to_both(specs, data):
    tree = to_tree(data.draw(specs))
    assert VALIDATOR.is_valid(tree)
    assert check(tree)[1] == ()


_VALUES = st.sampled_from(
    [None, True, False, 0, 5, -1, 1.5, 5.0, 1 << 63, -(1 << 63), "", "x", "5", "v1alpha1", "version", "In",
     "Gt", "GeLe", "Exists", "required", "https://x", "sha256:" + "0" * 64, [], ["x"], ["5"], ["5", "6"],
     ["6", "5"], [None], {}, {"op": "Exists"},
     {"op": "In", "value": ["a"]}, {"x": {"op": "Ge", "value": ["5"]}}, [{"matchFeatures": []}], [{"feature": "a.b"}],
     [{"matchFeatures": [{"feature": "a.b"}]}], [{"name": "r", "matchAny": []}]]
)  # fmt: skip
_KEYS = st.sampled_from(
    sorted({*checker.SPEC_KEYS, *checker.SET_KEYS, *checker.RULE_KEYS, *checker.INCLUDE_KEYS, *checkrule.TERM_KEYS,
            *checkrule.EXPRESSION_KEYS, "values", "Op", "labels", "varsTemplate", ""})
)  # fmt: skip


def places(node, found):
    """Every mapping and list of a document."""
    if isinstance(node, dict | list):
        found.append(node)
        for value in node.values() if isinstance(node, dict) else node:
            places(value, found)
    return found


def mutate(data, tree):
    node = data.draw(st.sampled_from(places(tree, [])))
    value = copy.deepcopy(data.draw(_VALUES))
    if isinstance(node, list):
        kind = data.draw(st.sampled_from(["replace", "drop", "add"])) if node else "add"
        if kind == "add":
            node.append(value)
            return
        at = data.draw(st.integers(0, len(node) - 1))
        if kind == "drop":
            del node[at]
        else:
            node[at] = value
    elif node and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(node)))
        if data.draw(st.booleans()):
            del node[key]
        else:
            node[key] = value
    else:
        node[data.draw(_KEYS)] = value


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_checker_and_schema_agree_on_mutated_documents(specs, data):
    tree = copy.deepcopy(to_tree(data.draw(specs)))
    for _ in range(data.draw(st.integers(1, 2))):
        mutate(data, tree)
    agree(tree)


TERM = ("compatibilities", 0, "rules", 0, "matchFeatures", 0, "matchExpressions")


@pytest.mark.parametrize(
    ("path", "value", "valid"),
    [
        (("version",), "v1", False),
        (("compatibilities",), [], False),
        (("compatibilities", 0, "rules"), [], True),
        (("compatibilities", 0, "weight"), 1 << 63, False),
        (("compatibilities", 0, "weight"), "10", False),
        (("compatibilities", 0, "weights"), 10, False),
        (("compatibilities", 0, "runtimes"), ["../runc"], False),
        (("compatibilities", 0, "rules", 0, "name"), "", False),
        (("compatibilities", 0, "rules", 0, "level"), "must", False),
        (("compatibilities", 0, "rules", 0, "when"), {}, False),
        (("compatibilities", 0, "rules", 0, "labels"), {}, False),
        (("compatibilities", 0, "rules", 0, "varsTemplate"), "a=b", False),
        (("compatibilities", 0, "rules", 0, "documentation"), "ftp://x", False),
        (("compatibilities", 0, "rules", 0, "matchFeatures"), [], False),
        (("compatibilities", 0, "rules", 0, "matchAny"), [], True),
        (("compatibilities", 0, "rules", 0, "matchAny"), [{}], False),
        (TERM, None, False),
        ((*TERM, "x"), None, False),
        ((*TERM, "x"), {}, False),
        ((*TERM, "x"), {"op": ""}, True),
        ((*TERM, "x"), ["a"], False),
        ((*TERM, "x"), {"op": "In", "value": "a"}, False),
        ((*TERM, "x"), {"op": "In", "values": ["a"]}, False),
        ((*TERM, "x"), {"op": "In", "value": [5]}, True),
        ((*TERM, "x"), {"op": "In", "value": [6.1]}, False),
        ((*TERM, "x"), {"op": "In"}, False),
        ((*TERM, "x"), {"op": "Equals"}, False),
        ((*TERM, "x"), {"op": "Gt", "value": ["1", "2"]}, False),
        (("include",), [{"digest": "sha256:0"}], False),
        (("include",), [{"digest": "sha256:" + "0" * 64, "reference": "a b"}], False),
    ],
)  # fmt: skip
def test_schema_and_checker_on_one_change(path, value, valid):
    term = {"feature": "a.b", "matchExpressions": {"x": {"op": "Exists"}}}
    tree = {"version": "v1alpha1", "compatibilities": [{"rules": [{"name": "r", "matchFeatures": [term]}]}]}
    node = tree
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert agree(tree) is valid
    assert (check(tree)[0] is not None) is valid
