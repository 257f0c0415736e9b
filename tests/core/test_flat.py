"""The flat form: what it means and that it renders back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core import flat
from hostfit.core.errors import SpecError
from hostfit.core.facts import Feature
from hostfit.core.match import evaluate
from hostfit.core.read import read_spec
from hostfit.core.spec import Expression
from hostfit.core.write import to_json

DESIGN = (
    "kernel.version.full >=5.15 <6.12; kernel.loadedmodule.gtp5g exists; kernel.sysctl.net.ipv4.ip_forward =1; "
    "cpu.cpuid.AVX2 exists; pci.device vendor=10de class=0302 || vendor=15b3; os.glibc.version >=2.31"
)


@pytest.fixture
def said(parse):
    """The terms of the first clause as (feature, {element: (op, values, type)}), one list for each alternative."""

    def run(text):
        matcher = parse(text).sets[0].rules[0].matcher
        groups = [matcher.features] if matcher.any is None else matcher.any
        return [
            [(one.feature, {name: (e.op, e.values, e.type) for name, e in one.expressions.items()}) for one in group]
            for group in groups
        ]

    return run


def test_the_example_of_the_design_means_what_it_says(parse):
    spec = parse(DESIGN)
    features = [rule.matcher.features for rule in spec.sets[0].rules]
    assert [rule.name for rule in spec.sets[0].rules] == DESIGN.split("; ")
    assert [term.expressions for term in features[0]] == [
        {"full": Expression("Ge", ("5.15",), "version")},
        {"full": Expression("Lt", ("6.12",), "version")},
    ]
    assert (features[1][0].feature, features[1][0].expressions) == (
        "kernel.loadedmodule",
        {"gtp5g": Expression("Exists")},
    )
    assert (features[2][0].feature, features[2][0].expressions) == (
        "kernel.sysctl", {"net.ipv4.ip_forward": Expression("In", ("1",))},
    )  # fmt: skip
    assert features[4] is None
    assert [[term.expressions for term in terms] for terms in spec.sets[0].rules[4].matcher.any] == [
        [{"vendor": Expression("In", ("10de",)), "class": Expression("In", ("0302",))}],
        [{"vendor": Expression("In", ("15b3",))}],
    ]


def test_the_level_holds_for_every_clause(parse):
    assert {rule.level for rule in parse(DESIGN, "preferred").sets[0].rules} == {"preferred"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kernel.version.major >4", [[("kernel.version", {"major": ("Gt", ("4",), "")})]]),
        ("kernel.version.full >=5.15 <=6.1", [[("kernel.version", {"full": ("GeLe", ("5.15", "6.1"), "version")})]]),
        ("kernel.version.major <7 >4", [[("kernel.version", {"major": ("GtLt", ("4", "7"), "")})]]),
        ("os.glibc.version !=2.31", [[("os.glibc", {"version": ("NotIn", ("2.31",), "")})]]),
        ("cpu.model.vendor_id in:Intel,AMD", [[("cpu.model", {"vendor_id": ("In", ("Intel", "AMD"), "")})]]),
        ("cpu.model.vendor_id !in:VIA,Hygon", [[("cpu.model", {"vendor_id": ("NotIn", ("VIA", "Hygon"), "")})]]),
        ("kernel.config.LSM ~apparmor", [[("kernel.config", {"LSM": ("InRegexp", ("apparmor",), "")})]]),
        ("kernel.config.KVM !exists", [[("kernel.config", {"KVM": ("DoesNotExist", (), "")})]]),
        ("kernel.config.KVM true", [[("kernel.config", {"KVM": ("IsTrue", (), "")})]]),
        ("kernel.config.KVM false", [[("kernel.config", {"KVM": ("IsFalse", (), "")})]]),
        ("cpu.cpuid.AVX2 true", [[("cpu.cpuid", {"AVX2": ("Exists", (), "")})]]),
        ("cpu.cpuid.AVX2 false", [[("cpu.cpuid", {"AVX2": ("DoesNotExist", (), "")})]]),
        ("cpu.cpuid.AVX10_VERSION >=2", [[("cpu.cpuid", {"AVX10_VERSION": ("Ge", ("2",), "")})]]),
        ("kernel.sysctl.vm.nr_hugepages >=1024", [[("kernel.sysctl", {"vm.nr_hugepages": ("Ge", ("1024",), "")})]]),
        ("kernel.sysctl.x.version <1.2", [[("kernel.sysctl", {"x.version": ("Lt", ("1.2",), "version")})]]),
        ("pci.device exists", [[("pci.device", {})]]),
        ("pci.device.vendor =10de", [[("pci.device", {"vendor": ("In", ("10de",), "")})]]),
        (
            "pci.device.vendor =10de class=02",
            [[("pci.device", {"vendor": ("In", ("10de",), ""), "class": ("In", ("02",), "")})]],
        ),
        ("pci.device sriov_totalvfs>=1 <=8", [[("pci.device", {"sriov_totalvfs": ("GeLe", ("1", "8"), "")})]]),
        ("pci.device vendor in:10de,15b3 class exists", None),
        (
            "kernel.version.full =5.0.0-23-generic || >=5.4 <5.5",
            [
                [("kernel.version", {"full": ("In", ("5.0.0-23-generic",), "")})],
                [
                    ("kernel.version", {"full": ("Ge", ("5.4",), "version")}),
                    ("kernel.version", {"full": ("Lt", ("5.5",), "version")}),
                ],
            ],
        ),
        ('kernel.config.LSM ="a b"', [[("kernel.config", {"LSM": ("In", ("a b",), "")})]]),
        ('kernel.config.LSM =a" "b', [[("kernel.config", {"LSM": ("In", ("a b",), "")})]]),
        ('kernel.config.LSM in:"a,b",c,""', [[("kernel.config", {"LSM": ("In", ("a,b", "c", ""), "")})]]),
        ('kernel.config.LSM =""', [[("kernel.config", {"LSM": ("In", ("",), "")})]]),
        (r'kernel.config.LSM ~"^a\.b; \"x\\."', [[("kernel.config", {"LSM": ("InRegexp", ('^a\\.b; "x\\.',), "")})]]),
        ("kernel.config.LSM ~^(a|b)||c$", [[("kernel.config", {"LSM": ("InRegexp", ("^(a|b)||c$",), "")})]]),
        ('"kernel.config.A B" exists', [[("kernel.config", {"A B": ("Exists", (), "")})]]),
        ('pci.device "exists"=1', [[("pci.device", {"exists": ("In", ("1",), "")})]]),
        (
            "cpu.model vendor_id=AMD family>=25",
            [[("cpu.model", {"vendor_id": ("In", ("AMD",), ""), "family": ("Ge", ("25",), "")})]],
        ),
        ("Kernel.Version.full exists", [[("kernel.version", {"full": ("Exists", (), "")})]]),
    ],
)  # fmt: skip
def test_terms(said, text, expected):
    if expected is None:
        expected = [[("pci.device", {"vendor": ("In", ("10de", "15b3"), ""), "class": ("Exists", (), "")})]]
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "feature", "element"),
    [
        ("gpu.intel.version >=3", "gpu.intel", "version"),
        ("gpu.intel.xe.version.full true", "gpu.intel", "xe.version.full"),
        ("gpu.intel model=arc", "gpu.intel", "model"),
    ],
)
def test_a_feature_nobody_knows_is_parsed_and_its_result_unknown(parse, text, feature, element):
    """SM2: a spec newer than hostfit stops nothing by itself."""
    spec = parse(text)
    assert spec.wanted().elements == {feature: {element}}
    assert evaluate(spec, {}).verdict == "unknown"


_NAMES = [
    "kernel.version.full",
    "kernel.sysctl.net.ipv4.ip_forward",
    "kernel.config.X",
    "os.glibc.version",
    "new.thing.a",
]
_VALUE = st.text(st.characters(blacklist_categories=("Cs",)), max_size=8) | st.sampled_from(
    ["", "a b", "a,b", ";", "||", '"', "\\", "=x", "~", "!", "in:x", "exists", "5.15", "x\ny"]
)


def _written(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_TERM = st.one_of(
    st.sampled_from(["exists", "!exists", "true", "false", ">=5.15", "<6", ">1.2.3", "<=7"]),
    st.builds(lambda op, value: op + _written(value), st.sampled_from(["=", "!="]), _VALUE),
    st.builds(
        lambda op, values: op + ",".join(map(_written, values)),
        st.sampled_from(["in:", "!in:"]),
        st.lists(_VALUE, min_size=1, max_size=3),
    ),
)
_GROUP = st.lists(_TERM, min_size=1, max_size=3).map(" ".join)
_PLAIN = st.builds(
    lambda name, groups: f"{name} {' || '.join(groups)}",
    st.sampled_from(_NAMES),
    st.lists(_GROUP, min_size=1, max_size=2),
)
_ATTRIBUTES = st.dictionaries(_VALUE.filter(bool), _TERM, min_size=1, max_size=3).map(
    lambda chosen: " ".join([f"{_written(name)} {term}" for name, term in chosen.items()])
)
_DEVICE = st.lists(_ATTRIBUTES, min_size=1, max_size=2).map(lambda groups: "pci.device " + " || ".join(groups))
_FLAT = st.lists(_PLAIN | _DEVICE | st.just("pci.device exists"), min_size=1, max_size=3).map(" ; ".join)


@settings(max_examples=150, deadline=None)
@given(text=_FLAT, level=st.sampled_from(["required", "preferred"]))
def test_what_is_parsed_renders_back(vocabulary, text, level):
    spec = flat.parse(text, level=level, lookup=vocabulary, place="x")
    shown = flat.render(spec, lookup=vocabulary)
    assert flat.parse(shown, level=level, lookup=vocabulary, place="x") == spec
    assert flat.render(spec, lookup=vocabulary) == shown
    assert flat.parse(flat.render(spec), level=level, lookup=vocabulary, place="x") == spec
    assert read_spec(to_json(spec), place="x") == spec


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('ab.cpu.id =!<>~:,;|"\\\n1x\x00\u202e'), max_size=30))
def test_any_text_gives_a_spec_or_problems_on_one_line_each(vocabulary, text):
    problems = ()
    try:
        flat.parse(text, level="required", lookup=vocabulary, place="x")
    except SpecError as error:
        problems = error.problems
    for problem in problems:
        assert str(problem).isprintable()
        assert problem.excerpt().replace("\n", "").isprintable()


def document(rule="", one=""):
    rule = rule or ", matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]"
    return f"version: v1alpha1\ncompatibilities: [{{rules: [{{name: r{rule}}}]{one}}}]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (document(one=", weight: 3"), "compatibilities[0].weight: the flat form cannot say weight"),
        (document(one=", tag: x"), "compatibilities[0].tag: the flat form cannot say tag"),
        (
            document(rule=", vars: {a: b}, matchFeatures: [{feature: cpu.cpuid}]"),
            "compatibilities[0].rules[0].vars: the flat form cannot say vars",
        ),
        (
            document(rule=", matchFeatures: [{feature: cpu.cpuid}]"),
            "compatibilities[0].rules[0].matchFeatures[0]: the flat form cannot say a term without matchExpressions",
        ),
        (
            document(rule=", matchFeatures: [{feature: cpu.cpuid, matchName: {op: In, value: [a]}}]"),
            "compatibilities[0].rules[0].matchFeatures[0]: the flat form cannot say matchName",
        ),
        (
            document(
                rule=", matchAny: [{matchFeatures: [{feature: a.b, matchExpressions: {x: {op: Exists}}}]},"
                " {matchFeatures: [{feature: c.d, matchExpressions: {x: {op: Exists}}}]}]"
            ),
            "matchAny: alternatives must be about one feature to be a clause of the flat form",
        ),
        (
            document(rule=", matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: In, value: [a]}}}]"),
            "compatibilities[0].rules[0]: the flat form cannot say this with the types of the vocabulary",
        ),
        (
            document(rule=", matchFeatures: [{feature: a.b, matchExpressions: {x: {op: InRegexp, value: [a, b]}}}]"),
            "matchExpressions: the flat form cannot say several patterns in InRegexp",
        ),
        (
            "version: v1alpha1\ninclude: [{digest: 'sha256:" + "0" * 64 + "'}]",
            "include: the flat form cannot name further specs",
        ),
    ],
)
def test_what_the_flat_form_cannot_say_is_named(vocabulary, text, message):
    with pytest.raises(SpecError) as caught:
        flat.render(read_spec(text, place="x"), lookup=vocabulary)
    assert caught.value.message == message


def test_a_document_of_plain_rules_becomes_clauses(vocabulary):
    text = """
version: v1alpha1
compatibilities:
- rules:
  - name: one
    matchFeatures:
    - {feature: kernel.version, matchExpressions: {full: {op: Ge, value: ["5.15"], type: version}}}
    - {feature: cpu.model, matchExpressions: {vendor_id: {op: In, value: [Intel, AMD]}, family: {op: Gt, value: ["5"]}}}
    matchAny:
    - matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["10de"]}}}]
    - matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["15b3"]}}}]
"""
    assert flat.render(read_spec(text, place="x"), lookup=vocabulary) == (
        "kernel.version.full >=5.15; cpu.model vendor_id in:Intel,AMD family>5; pci.device vendor=10de || vendor=15b3"
    )


def test_two_terms_on_one_device_and_on_two_are_told_apart(parse):
    """A device of one vendor and another of the right class do not make a device of both."""
    facts = {
        "pci.device": Feature(instances=[{"vendor": "10de", "class": "0200"}, {"vendor": "15b3", "class": "0302"}])
    }
    assert evaluate(parse("pci.device vendor=10de class=0302"), facts).verdict == "misfit"
    assert evaluate(parse("pci.device vendor=10de; pci.device class=0302"), facts).verdict == "fit"


def test_gtp5g_on_either_of_two_kernels(parse):
    """CH4: kernel 5.0.0-23-generic or 5.4.x, in one clause."""
    spec = parse("kernel.version.full =5.0.0-23-generic || >=5.4 <5.5")
    verdicts = [
        evaluate(spec, {"kernel.version": Feature(attributes={"full": full})}).verdict
        for full in ("5.0.0-23-generic", "5.4.0-150-generic", "5.0.0-24-generic", "5.5.0", "5.15.0-1-amd64")
    ]
    assert verdicts == ["fit", "fit", "misfit", "misfit", "misfit"]
