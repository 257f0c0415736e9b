"""Every document that NFD misreads in silence or dies of, each with the message that hostfit gives instead."""

from __future__ import annotations

import pytest

from hostfit.core import lint
from hostfit.core.errors import SpecError
from hostfit.core.read import read_spec

HEAD = "version: v1alpha1\ncompatibilities:\n- rules:\n  - name: r\n    matchFeatures:\n"
TERM = HEAD + "    - feature: kernel.version\n      matchExpressions:\n"
AT = "compatibilities[0].rules[0]"
MATCHED = AT + ".matchFeatures[0].matchExpressions"
ALWAYS = "matchFeatures or matchAny with at least one item is required; as it is it always matches"
OPS = "one of In, NotIn, InRegexp, Exists, DoesNotExist, Gt, Ge, Lt, Le, GtLt, GeLe, IsTrue, IsFalse is required"

ROWS = [
    (
        "unknown op",
        TERM + "        full: {op: Equals, value: [x]}\n",
        [f'{MATCHED}.full.op (line 8): {OPS}, found "Equals"'],
    ),
    (
        "op in another case",
        TERM + "        full: {op: exists}\n",
        [f'{MATCHED}.full.op (line 8): {OPS}, found "exists"; did you mean "Exists"?'],
    ),
    (
        "too few values",
        TERM + "        full: {op: In}\n",
        [f"{MATCHED}.full (line 8): value must not be empty with In: required at least 1, found 0"],
    ),
    (
        "too many values",
        TERM + '        full: {op: Gt, value: ["1", "2"]}\n',
        [f"{MATCHED}.full (line 8): value must have exactly 1 with Gt: found 2"],
    ),
    (
        "values where none belong",
        TERM + "        full: {op: Exists, value: [x]}\n",
        [f"{MATCHED}.full (line 8): value must be empty with Exists: required none, found 1"],
    ),
    (
        "value of the empty operator",
        TERM + '        full: {op: "", value: [x]}\n',
        [f"{MATCHED}.full (line 8): value must be empty with the empty operator"],
    ),
    (
        "bad pattern",
        TERM + '        full: {op: InRegexp, value: ["a(b"]}\n',
        [f'{MATCHED}.full (line 8): value "a(b" is not a usable pattern at offset 1: missing closing )'],
    ),
    (
        "bad type",
        TERM + '        full: {op: Gt, value: ["1"], type: semver}\n',
        [f'{MATCHED}.full.type (line 8): "version" is required, found "semver"'],
    ),
    (
        "value that is no number",
        TERM + '        major: {op: Gt, value: ["0x10"]}\n',
        [f'{MATCHED}.major (line 8): value must be a whole number: found "0x10"'],
    ),
    (
        "value that is no version",
        TERM + '        full: {op: Ge, value: ["5.15_1"], type: version}\n',
        [f'{MATCHED}.full (line 8): value must be a version of one to three numbers: found "5.15_1"'],
    ),
    (
        "range that does not rise",
        TERM + '        major: {op: GtLt, value: ["6", "5"]}\n',
        [f'{MATCHED}.major (line 8): value must rise: found "6" before "5"'],
    ),
    (
        "missing op",
        TERM + "        full: {value: [x]}\n",
        [f'{MATCHED}.full (line 8): key "op" is required; without it the expression always matches'],
    ),
    (
        "operator instead of op",
        TERM + "        full: {operator: Exists}\n",
        [
            f'{MATCHED}.full.operator (line 8): key "operator" is not known; did you mean "op"?',
            f'{MATCHED}.full (line 8): key "op" is required; without it the expression always matches',
        ],
    ),
    (
        "empty expression",
        TERM + "        full: {}\n",
        [f'{MATCHED}.full (line 8): key "op" is required; without it the expression always matches'],
    ),
    (
        "values instead of value",
        TERM + "        full: {op: In, values: [x]}\n",
        [f'{MATCHED}.full.values (line 8): key "values" is not known; did you mean "value"?'],
    ),
    (
        "misspelt matcher, and so a rule that always matches",
        "version: v1alpha1\ncompatibilities:\n- rules:\n  - name: r\n    matchFeature: []\n",
        [
            f'{AT}.matchFeature (line 5): key "matchFeature" is not known; did you mean "matchFeatures"?',
            f"{AT} (line 4): {ALWAYS}",
        ],
    ),
    (
        "key in another case, which NFD takes",
        "version: v1alpha1\nCompatibilities: []\n",
        [
            'Compatibilities (line 2): key "Compatibilities" is not known; did you mean "compatibilities"?',
            "document: compatibilities with at least one set is required, found none",
        ],
    ),
    (
        "null expression",
        TERM + "        full:\n",
        [f"{MATCHED}.full (line 8): a mapping with op is required, found nothing (null); write {{op: Exists}}"],
    ),
    (
        "shorthand list",
        TERM + '        full: ["0fff"]\n',
        [f'{MATCHED}.full (line 8): a mapping with op is required, found a list; write {{op: In, value: ["..."]}}'],
    ),
    (
        "scalar value",
        TERM + "        full: {op: In, value: x}\n",
        [f'{MATCHED}.full.value (line 8): a list of values is required, found text "x"; write ["x"]'],
    ),
    (
        "unknown version",
        "version: v1beta1\ncompatibilities:\n- rules: []\n",
        ['version (line 1): "v1alpha1" is required, found "v1beta1"'],
    ),
    (
        "no version",
        "compatibilities:\n- rules: []\n",
        ['document: key "version" is required; write version: v1alpha1'],
    ),
    (
        "no name",
        "version: v1alpha1\ncompatibilities:\n- rules:\n  - matchFeatures: [{feature: cpu.cpuid}]\n",
        [f'{AT} (line 4): key "name" is required'],
    ),
    (
        "empty name",
        'version: v1alpha1\ncompatibilities:\n- rules:\n  - name: ""\n    matchFeatures: [{feature: cpu.cpuid}]\n',
        [f"{AT}.name (line 4): a text is required, found an empty one"],
    ),
    (
        "no rules",
        "version: v1alpha1\ncompatibilities:\n- description: x\n",
        ['compatibilities[0] (line 3): key "rules" is required'],
    ),
    (
        "rules that are null",
        "version: v1alpha1\ncompatibilities:\n- rules:\n",
        ["compatibilities[0].rules (line 3): a list of rules is required, found nothing (null)"],
    ),
    (
        "octal",
        TERM + "        full: {op: In, value: [0200]}\n",
        [f'{MATCHED}.full.value[0] (line 8): unquoted 0200 is the number 128 in YAML 1.1; write "0200"'],
    ),
    (
        "fraction that loses its zero",
        TERM + "        full: {op: In, value: [6.10]}\n",
        [f'{MATCHED}.full.value[0] (line 8): unquoted 6.10 is the number 6.1 in YAML 1.1; write "6.10"'],
    ),
    (
        "booleans by other names",
        TERM + "        full: {op: In, value: [y, on, no]}\n",
        [
            f'{MATCHED}.full.value[0] (line 8): unquoted y is true in YAML 1.1; write "y"',
            f'{MATCHED}.full.value[1] (line 8): unquoted on is true in YAML 1.1; write "on"',
            f'{MATCHED}.full.value[2] (line 8): unquoted no is false in YAML 1.1; write "no"',
        ],
    ),
    (
        "element name that is a boolean",
        TERM + "        no: {op: Exists}\n",
        [f'{MATCHED}.no (line 8): unquoted no is false in YAML 1.1; write "no"'],
    ),
    (
        "base sixty, underscores, hex, null, date, exponent",
        TERM + "        full: {op: In, value: [12:30:45, 1_000, 0x1F, ~, 2024-01-01, 1e3, .5]}\n",
        [
            (
                f"{MATCHED}.full.value[0] (line 8): unquoted 12:30:45 is the "
                f'number 45045 (base 60) in YAML 1.1; write "12:30:45"'
            ),
            f'{MATCHED}.full.value[1] (line 8): unquoted 1_000 is the number 1000 in YAML 1.1; write "1_000"',
            f'{MATCHED}.full.value[2] (line 8): unquoted 0x1F is the number 31 in YAML 1.1; write "0x1F"',
            f'{MATCHED}.full.value[3] (line 8): unquoted ~ is null in YAML 1.1; write "~"',
            f'{MATCHED}.full.value[4] (line 8): unquoted 2024-01-01 is a date in YAML 1.1; write "2024-01-01"',
            f'{MATCHED}.full.value[5] (line 8): unquoted 1e3 is the number 1000 in YAML 1.1; write "1e3"',
            f'{MATCHED}.full.value[6] (line 8): unquoted .5 is the number 0.5 in YAML 1.1; write ".5"',
        ],
    ),
    (
        "alternative that always matches",
        "version: v1alpha1\ncompatibilities:\n- rules:\n  - name: r\n    matchAny: [{}]\n",
        [f"{AT}.matchAny[0] (line 5): matchFeatures with at least one item is required; as it is it always matches"],
    ),
    (
        "template",
        TERM + '        full: {op: Exists}\n    varsTemplate: "a=b"\n',
        [
            (
                f"{AT}.varsTemplate (line 9): varsTemplate is not supported "
                f"(it needs Go templates); write the values under vars"
            )
        ],
    ),
    (
        "keys of another kind of rule",
        TERM + "        full: {op: Exists}\n    labels: {a: b}\n    taints: []\n",
        [
            (
                f"{AT}.labels (line 9): labels has no meaning in an image's "
                f"spec, NFD drops it without a word; leave it out"
            ),
            (
                f"{AT}.taints (line 10): taints has no meaning in an image's "
                f"spec, NFD drops it without a word; leave it out"
            ),
        ],
    ),
    (
        "feature missing",
        HEAD + "    - matchExpressions: {full: {op: Exists}}\n",
        [f'{AT}.matchFeatures[0] (line 6): key "feature" is required'],
    ),
    (
        "term that is a text",
        HEAD + "    - cpu.cpuid\n",
        [f'{AT}.matchFeatures[0] (line 6): a mapping is required, found text "cpu.cpuid"'],
    ),
    (
        "weight that is a text",
        'version: v1alpha1\ncompatibilities:\n- weight: "10"\n  rules: []\n',
        ['compatibilities[0].weight (line 3): an integer is required, found text "10"'],
    ),
]


@pytest.mark.parametrize(("document", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_bad_document_is_refused_with_this_message(document, expected):
    with pytest.raises(SpecError) as caught:
        read_spec(document, place="spec.yaml")
    found = [str(problem) for problem in caught.value.problems]
    assert found == expected
    more = f" (+{len(found) - 1} more)" if len(found) > 1 else ""
    assert caught.value.message == f"spec.yaml: {found[0]}{more}"


def test_json_numbers_with_a_fraction_are_refused_and_integers_taken():
    text = (
        '{"version": "v1alpha1", "compatibilities": [{"rules": [{"name": "r", "matchFeatures": [{"feature": "a.b",'
        '"matchExpressions": {"x": {"op": "In", "value": [%s]}}}]}]}]}'
    )
    spec = read_spec(text % "5, true", place="x")
    assert spec.sets[0].rules[0].matcher.features[0].expressions["x"].values == ("5", "true")
    with pytest.raises(SpecError) as caught:
        read_spec(text % "6.10", place="x")
    assert str(caught.value.problems[0]) == (
        f"{AT}.matchFeatures[0].matchExpressions.x.value[0]: a text "
        f"is required, found number 6.1; write it in double quotes"
    )


def test_unquoted_scalars_that_read_as_written_are_taken():
    spec = read_spec(TERM + "        full: {op: In, value: [5, true, 5.15, 6.1.0, Intel]}\n", place="x")
    values = spec.sets[0].rules[0].matcher.features[0].expressions["full"].values
    assert values == ("5", "true", "5.15", "6.1.0", "Intel")


def test_empty_rules_and_duplicate_names_are_valid_and_warned_about(vocabulary):
    rule = "  - name: r\n    matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]\n"
    empty = read_spec("version: v1alpha1\ncompatibilities:\n- rules: []\n", place="x")
    twice = read_spec("version: v1alpha1\ncompatibilities:\n- rules:\n" + rule + rule, place="x")
    assert [str(one) for one in lint.warnings(empty, lookup=vocabulary)] == [
        "compatibilities[0]: the set has no required rule, so it fits every host"
    ]
    assert [str(one) for one in lint.warnings(twice, lookup=vocabulary)] == [
        'compatibilities[0]: two rules are named "r"; a diagnostic cannot tell them apart'
    ]


def test_a_host_value_that_does_not_fit_an_operator_does_not_make_a_document_invalid():
    """Validity never depends on the host: kernel.version.revision may be empty, the expression is valid."""
    spec = read_spec(TERM + '        revision: {op: Gt, value: ["1"]}\n', place="x")
    assert spec.sets[0].rules[0].matcher.features[0].expressions["revision"].op == "Gt"
