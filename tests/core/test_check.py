"""The checker: caps, all problems at once, the vocabulary in lint, and that no tree can break it."""

from __future__ import annotations

import copy
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core import limits, suggest
from hostfit.core.check import check, is_digest
from hostfit.core.problem import Problem, at_key
from hostfit.core.write import to_tree

RULE = {"name": "r", "matchFeatures": [{"feature": "cpu.cpuid", "matchExpressions": {"AVX2": {"op": "Exists"}}}]}


def document(**keys):
    return {"version": "v1alpha1", "compatibilities": [{"rules": [RULE]}], **keys}


def messages(tree, **keywords):
    spec, problems = check(tree, **keywords)
    assert (spec is None) == bool(problems)
    return [str(problem) for problem in problems]


def test_the_smallest_document_is_valid():
    assert messages(document()) == []


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_spec_that_can_be_written_is_valid(specs, data):
    spec = data.draw(specs)
    assert check(to_tree(spec)) == (spec, ())


def expressions(count):
    return {f"e{at}": {"op": "Exists"} for at in range(count)}


def rule_of(terms):
    return document(compatibilities=[{"rules": [{"name": "r", "matchFeatures": terms}]}])


AT = "compatibilities[0].rules[0].matchFeatures[0].matchExpressions"


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (
            document(compatibilities=[{"rules": [RULE]}] * 65),
            "compatibilities: at most 64 compatibility sets are allowed, found 65",
        ),
        (
            document(compatibilities=[{"rules": [RULE] * 257}]),
            "compatibilities[0].rules: at most 256 rules are allowed, found 257",
        ),
        (
            rule_of([{"feature": "a.b", "matchExpressions": expressions(4097)}]),
            f"{AT}.e4096: at most 4096 expressions are allowed in a document, found more",
        ),
        (
            rule_of([{"feature": "a.b", "matchExpressions": {"x": {"op": "In", "value": ["a"] * 1025}}}]),
            f"{AT}.x.value: at most 1024 values are allowed, found 1025",
        ),
        (
            rule_of([{"feature": "a.b", "matchExpressions": {"x": {"op": "InRegexp", "value": ["a"] * 257}}}]),
            f"{AT}.x: at most 256 regular expressions are allowed in a document, found more",
        ),
        (
            rule_of([{"feature": "a.b", "matchExpressions": {"x": {"op": "InRegexp", "value": ["\u00fc" * 513]}}}]),
            f"{AT}.x: at most 1024 bytes are allowed in a regular expression, found more",
        ),
        (
            rule_of([{"feature": "a.b", "matchExpressions": {"x": {"op": "In", "value": ["\u00fc" * 32769]}}}]),
            f"{AT}.x.value[0]: at most 65536 bytes of text are allowed, found more",
        ),
        (
            document(compatibilities=[{"rules": [RULE], "weight": 1 << 63}]),
            "compatibilities[0].weight: an integer of 64 bits is required, found a larger one",
        ),
        (
            document(compatibilities=[{"rules": [RULE], "description": [0] * 20_000}]),
            "document: at most 20000 values are allowed, found more",
        ),
        (
            document(include=[{"digest": "sha256:" + "0" * 64}] * 65),
            "include: at most 64 included specs are allowed, found 65",
        ),
        (
            rule_of([{"feature": "a.b", "matchExpressions": {"x" * 70_000: {"op": "Exists"}}}]),
            at_key(AT, "x" * 70_000) + ": at most 65536 bytes of text are allowed, found more",
        ),
    ],
    ids=[
        "sets",
        "rules",
        "expressions",
        "values",
        "patterns",
        "pattern",
        "text",
        "integer",
        "nodes",
        "includes",
        "key",
    ],
)
def test_every_cap_is_kept(tree, message):
    assert messages(tree) == [message]


def test_caps_are_not_off_by_one():
    values = {"op": "In", "value": ["a" * 65536] + ["a"] * 1023}
    patterns = {"op": "InRegexp", "value": ["a" * 1024] + ["a"] * 255}
    assert messages(rule_of([{"feature": "a.b", "matchExpressions": {"x": values, "y": patterns}}])) == []
    sets = document(compatibilities=[{"rules": [RULE], "weight": 2**63 - 1}] * 64)
    assert messages(sets) == []
    assert messages(document(compatibilities=[{"rules": [RULE] * 256, "weight": -(2**63)}])) == []
    assert messages(rule_of([{"feature": "a.b", "matchExpressions": expressions(4096)}])) == []


def test_a_tree_nested_too_deep_is_refused_without_recursion():
    deep = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert messages(deep) == ["document: at most 32 levels of nesting are allowed, found more"]
    cyclic = document()
    cyclic["include"] = [cyclic]
    assert len(messages(cyclic)) == 1


def test_a_document_full_of_unknown_keys_is_refused_quickly():
    tree = document(**{f"compatibilitys{at}": 1 for at in range(9000)})
    start = time.process_time()
    found = messages(tree)
    assert time.process_time() - start < 0.5
    assert len(found) == 101
    assert found[-1] == "document: further problems are not listed"


def test_all_problems_are_reported_at_once():
    bad = document(
        version="v2",
        compatibilities=[
            {
                "rules": [{"matchFeatures": [{"feature": ""}]}, {"name": "s", "matchAny": [{}]}],
                "weight": 1.5,
                "tags": "x",
            }
        ],
        include=[{"digest": "sha256:0"}, {"reference": "a b"}],
    )
    assert messages(bad) == [
        'version: "v1alpha1" is required, found "v2"',
        'compatibilities[0].tags: key "tags" is not known; did you mean "tag"?',
        'compatibilities[0].rules[0]: key "name" is required',
        "compatibilities[0].rules[0].matchFeatures[0].feature: a text is required, found an empty one",
        (
            "compatibilities[0].rules[1].matchAny[0]: matchFeatures with "
            "at least one item is required; as it is it always matches"
        ),
        "compatibilities[0].weight: an integer is required, found number 1.5",
        'include[0].digest: a digest sha256:<64 hex digits> is required, found "sha256:0"',
        'include[1]: key "digest" is required',
        'include[1].reference: a repository of at most 1024 characters is required, found "a b"',
    ]


def test_an_unknown_feature_or_element_is_a_problem_for_lint_only(tree, vocabulary):
    slip = tree({"op": "Exists"}, feature="kernel.versoin")
    assert messages(slip) == []
    assert messages(slip, lookup=vocabulary) == [
        (
            'compatibilities[0].rules[0].matchFeatures[0].feature: feature "kernel.versoin" is not known; '
            'did you mean "kernel.version"?'
        )
    ]
    slip = tree({"op": "Exists"}, element="fulll")
    assert messages(slip) == []
    assert messages(slip, lookup=vocabulary) == [
        f'{AT}.fulll: element "fulll" of feature "kernel.version" is not known; did you mean "full"?'
    ]
    assert messages(tree({"op": "Exists"}, feature="kernel.sysctl", element="any.thing"), lookup=vocabulary) == []
    assert messages(tree({"op": "Exists"}, feature="no.such"), lookup=vocabulary) == [
        'compatibilities[0].rules[0].matchFeatures[0].feature: feature "no.such" is not known'
    ]


def test_hostfits_own_keys():
    when = {
        "matchFeatures": [{"feature": "cpu.model", "matchExpressions": {"vendor_id": {"op": "In", "value": ["AMD"]}}}]
    }
    tree = document(
        compatibilities=[
            {
                "rules": [{**RULE, "level": "preferred", "when": when, "documentation": "https://example.org/a"}],
                "runtimes": ["runc", "kata-qemu"],
                "documentation": "http://example.org",
            }
        ],
        include=[{"digest": "sha512:" + "0" * 128, "reference": "registry.example/base"}],
    )
    spec, problems = check(tree)
    assert problems == ()
    rule = spec.sets[0].rules[0]
    assert (rule.level, rule.documentation, spec.sets[0].runtimes) == (
        "preferred", "https://example.org/a", ("runc", "kata-qemu"),
    )  # fmt: skip
    assert rule.when.features[0].expressions["vendor_id"].values == ("AMD",)
    assert spec.includes[0].reference == "registry.example/base"
    bad = copy.deepcopy(tree)
    one = bad["compatibilities"][0]
    one["rules"][0].update(level="mandatory", when={}, documentation="javascript:alert(1)")
    one["runtimes"] = ["../x", "runc"]
    assert messages(bad) == [
        (
            "compatibilities[0].rules[0].when: matchFeatures or matchAny with "
            "at least one item is required; as it is it always matches"
        ),
        'compatibilities[0].rules[0].level: one of required, preferred is required, found "mandatory"',
        'compatibilities[0].rules[0].documentation: a link https://... is required, found text "javascript:alert(1)"',
        'compatibilities[0].runtimes: names of runtimes are required, found text "../x"',
    ]


def test_a_document_may_only_include_others():
    assert messages({"version": "v1alpha1", "include": [{"digest": "sha256:" + "a" * 64}]}) == []
    assert messages({"version": "v1alpha1", "include": []}) == [
        "document: compatibilities with at least one set is required, found none"
    ]


def test_the_empty_operator_is_valid_where_it_is_written_out(tree):
    assert messages(tree({"op": ""})) == []


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["version", "compatibilities", "rules", "name", "matchFeatures", "matchAny", "op", "value", "x"]
            )
            | st.integers(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(junk=_JUNK, rules=_JUNK, expression=_JUNK)
def test_any_tree_gives_a_spec_or_problems_on_one_line_each(junk, rules, expression):
    for tree in (
        junk,
        document(compatibilities=[{"rules": rules}]),
        rule_of([{"feature": "a.b", "matchExpressions": {"x": expression}, "matchName": expression}]),
    ):
        for message in messages(tree):
            assert message.isprintable()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("wieght", "weight"),
        ("Weight", "weight"),
        ("match_features", "matchFeatures"),
        ("matchFeature", "matchFeatures"),
        ("nam", "name"),
        ("xyz", ""),
        ("", ""),
        ("x" * 100, ""),
    ],
)
def test_did_you_mean(word, expected):
    assert suggest.closest(word, ("name", "weight", "matchFeatures", "matchAny")) == expected


@pytest.mark.parametrize("word", ["kernel.versio", "kernel.version2", "kernel.verison", "Kernel.Versiom"])
def test_did_you_mean_asks_a_vocabulary_that_does_not_list_itself(word, vocabulary):
    assert suggest.by_lookup(word, vocabulary) == "kernel.version"


@pytest.mark.parametrize(
    ("digest", "good"),
    [
        ("sha256:" + "a" * 64, True),
        ("sha512:" + "0" * 128, True),
        ("sha256:" + "A" * 64, False),
        ("sha256:" + "a" * 63, False),
        ("md5:" + "a" * 32, False),
        ("sha256:" + "a" * 64 + "\n", False),
        ("", False),
    ],
)
def test_digests(digest, good):
    assert is_digest(digest) is good


def test_paths_and_problems_are_safe_to_show():
    assert at_key("a[0]", "sgx.enabled") == 'a[0]["sgx.enabled"]'
    assert at_key("", "x") == "x"
    assert at_key("a", "\x1b[2J") == 'a["\\x1b[2J"]'
    problem = Problem("clause 1", "wrong", source="x" * 100 + "\ny", column=102)
    before, caret = problem.excerpt().split("\n")
    assert caret.index("^") == before.index("y")
    assert Problem("", "wrong").excerpt() == ""
    assert limits.DEPTH == 32
