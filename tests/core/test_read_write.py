"""Documents in and out: JSON, YAML and the compiled form say the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core import compiled, fastjson, limits
from hostfit.core.errors import SpecError
from hostfit.core.read import read_spec, read_tree
from hostfit.core.write import to_json, to_tree, to_yaml

FEW = settings(max_examples=25, deadline=None)

NFD_EXAMPLE = """
# An image that needs a kernel with a module and one of two makers of CPUs.
version: v1alpha1
compatibilities:
- description: "My image requirements"
  rules:
  - name: "kernel and cpu"
    matchFeatures:
    - feature: kernel.loadedmodule
      matchExpressions:
        vfio-pci: {op: Exists}
        ip_tables: {op: Exists}
    - feature: cpu.model
      matchExpressions:
        vendor_id: {op: In, value: ["Intel", "AMD"]}
  - name: "one of available nics"
    matchAny:
    - matchFeatures:
      - feature: pci.device
        matchExpressions:
          vendor: {op: In, value: ["0eee"]}
          class: {op: In, value: ["0200"]}
    - matchFeatures:
      - feature: cpu.cpuid
        matchName: {op: InRegexp, value: ["^AVX"]}
"""


def test_a_document_written_for_nfd_is_read_as_it_stands():
    spec = read_spec(NFD_EXAMPLE, place="example.yaml")
    kernel, nics = spec.sets[0].rules
    assert kernel.name == "kernel and cpu"
    assert list(kernel.matcher.features[0].expressions) == ["vfio-pci", "ip_tables"]
    assert nics.matcher.features is None
    assert nics.matcher.any[0][0].expressions["class"].values == ("0200",)
    assert nics.matcher.any[1][0].name.op == "InRegexp"
    assert nics.matcher.any[1][0].path == "compatibilities[0].rules[1].matchAny[1].matchFeatures[0]"


@FEW
@given(data=st.data())
def test_what_is_written_as_json_is_read_back_equal(specs, data):
    spec = data.draw(specs)
    assert read_spec(to_json(spec), place="x", yaml=False) == spec


@FEW
@given(data=st.data())
def test_what_is_written_as_yaml_is_read_back_equal(specs, data):
    spec = data.draw(specs)
    text = to_yaml(spec)
    assert text.isascii()
    assert read_spec(text, place="x") == spec


def test_json_after_a_comment_is_yaml_and_reads_the_same():
    text = json.dumps(to_tree(read_spec(NFD_EXAMPLE, place="x")))
    assert read_spec("# a comment\n" + text, place="x") == read_spec(text, place="x")


@FEW
@given(data=st.data())
def test_the_compiled_form_gives_the_spec_back_with_its_paths(specs, data):
    spec = read_spec(to_json(data.draw(specs)), place="x")
    again = compiled.load(json.loads(fastjson.dumps(compiled.dump(spec))))
    assert again == spec
    assert [rule.path for one in again.sets for rule in one.rules] == [
        rule.path for one in spec.sets for rule in one.rules
    ]


@pytest.mark.parametrize("form", [None, [], {}, "x", [2, "v1alpha1", [], []]])
def test_a_compiled_form_of_another_version_is_refused(form):
    with pytest.raises(ValueError, match="compiled spec"):
        compiled.load(form)


def test_nothing_that_is_only_a_default_is_written():
    text = (
        '{"version":"v1alpha1","compatibilities":[{"rules":[{"name":"r","matchFeatures":'
        '[{"feature":"cpu.cpuid","matchExpressions":{"AVX2":{"op":"Exists"}}}]}]}]}'
    )
    assert to_json(read_spec(text, place="x")) == text


def test_yaml_comes_out_in_block_style():
    text = """\
version: v1alpha1
compatibilities:
  - weight: 10
    rules:
      - name: "two words"
        matchFeatures:
          - feature: kernel.version
            matchExpressions:
              full: {op: GtLt, value: ["5.15", "6.1"], type: version}
"""
    assert to_yaml(read_spec(text, place="x")) == text


def test_feature_names_are_taken_in_lower_case_and_elements_as_they_are():
    spec = read_spec(
        "{version: v1alpha1, compatibilities: [{rules: [{name: r, matchFeatures: [{feature: System.osRelease,"
        " matchExpressions: {VERSION_ID: {op: Exists}}}]}]}]}",
        place="x",
    )
    assert set(spec.wanted().elements) == {"system.osrelease"}
    assert spec.wanted().elements["system.osrelease"] == {"VERSION_ID"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe{}", "document: text in UTF-8 is required, found other bytes"),
        ("\ud800", "document: text in UTF-8 is required, found other bytes"),
        (b"", "document: a mapping is required, found nothing (null)"),
        ("[]", "document: a mapping is required, found a list"),
        ("a: [", None),
        (b"{" + b" " * limits.DOCUMENT, f"document: at most {limits.DOCUMENT} bytes are allowed"),
        ('{"version": "v1alpha1", "version": "v1alpha1"}', 'document: key "version" is there twice'),
        ('{"version": NaN}', "document: NaN is no JSON number"),
        ("{" + '"a":[' * 40 + "]" * 40 + "}", None),
    ],
)
def test_what_is_no_document_is_refused_with_a_reason(data, message):
    with pytest.raises(SpecError) as caught:
        read_spec(data, place="annotation x")
    assert caught.value.exit_code == 5
    assert caught.value.message.startswith("annotation x: " + (message or "document"))
    assert "\n" not in caught.value.message


def test_the_error_counts_its_problems_and_keeps_all_of_them():
    with pytest.raises(SpecError) as caught:
        read_spec("version: v2\ncompatibilities: [{rules: [], wieght: 1}]\n", place="s.yaml")
    assert caught.value.message == ('s.yaml: version (line 1): "v1alpha1" is required, found "v2" (+1 more)')
    assert [problem.path for problem in caught.value.problems] == ["version", "compatibilities[0].wieght"]


def test_annotations_take_json_only():
    assert read_tree("version: v1alpha1", yaml=False)[2] is not None
    assert read_tree('{"version": "v1alpha1"}', yaml=False) == ({"version": "v1alpha1"}, {}, None)


def test_a_byte_order_mark_is_no_part_of_the_document():
    assert read_tree("\ufeff{}".encode()) == ({}, {}, None)
    assert read_tree("\ufeffa: b".encode())[0] == {"a": "b"}
