"""A small vocabulary, and generators of specs and documents."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from hostfit.core import flat
from hostfit.core.spec import CompatibilitySet, Expression, Include, Matcher, Rule, Spec, Term
from hostfit.core.vocabulary import ATTRIBUTE, FLAG, HEX, INSTANCE, NUMBER, TEXT, VERSION, ElementInfo, FeatureInfo


def _row(name, *elements, open_kinds=(), open_comparison=TEXT):
    made = tuple([ElementInfo(*element, "") for element in elements])
    return FeatureInfo(
        name, meaning="", source="", link="", elements=made, open_kinds=open_kinds, open_comparison=open_comparison
    )


_ROWS = (
    _row("kernel.version", ("full", ATTRIBUTE, VERSION), ("major", ATTRIBUTE, NUMBER)),
    _row("kernel.loadedmodule", open_kinds=(FLAG,)),
    _row("kernel.module", ("name", INSTANCE, TEXT), open_kinds=(INSTANCE,)),
    _row("kernel.sysctl", open_kinds=(ATTRIBUTE,)),
    _row("kernel.config", open_kinds=(ATTRIBUTE,)),
    _row("cpu.cpuid", ("AVX2", FLAG, TEXT), ("AVX512F", FLAG, TEXT), ("AVX10_VERSION", ATTRIBUTE, NUMBER)),
    _row("cpu.model", ("vendor_id", ATTRIBUTE, TEXT), ("family", ATTRIBUTE, NUMBER)),
    _row(
        "pci.device",
        ("vendor", INSTANCE, HEX),
        ("class", INSTANCE, HEX),
        ("device", INSTANCE, HEX),
        ("sriov_totalvfs", INSTANCE, NUMBER),
    ),
    _row("os.glibc", ("version", ATTRIBUTE, VERSION)),
    _row("nvidia.gpu", ("count", ATTRIBUTE, NUMBER), ("model", INSTANCE, TEXT)),
)
VOCABULARY = {row.name: row for row in _ROWS}

_ANY_TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
_WORD = st.sampled_from(
    ["a", "b.c", "no", "5", "6.10", "0200", "true", "~", "null", "x y", "ü", "a:b", "- a", "#", "{"]
)
_TEXT = _ANY_TEXT | _WORD
_NAME = _TEXT.filter(bool)
_NUMBER = st.integers(-(2**40), 2**40)
_VERSION = st.lists(st.integers(0, 999), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))


def _rising(values):
    return values.filter(lambda pair: pair[0] < pair[1]).map(lambda pair: tuple(map(str, pair)))


_EXPRESSION = st.one_of(
    st.builds(
        Expression,
        st.sampled_from(["In", "NotIn"]),
        st.lists(_TEXT, min_size=1, max_size=3).map(tuple),
        st.sampled_from(["", "version"]),
    ),
    st.builds(Expression, st.sampled_from(["Exists", "DoesNotExist", "IsTrue", "IsFalse", ""])),
    st.builds(
        Expression, st.just("InRegexp"), st.lists(st.sampled_from(["^a+$", "[0-9]", "x|y"]), min_size=1).map(tuple)
    ),
    st.builds(Expression, st.sampled_from(["Gt", "Ge", "Lt", "Le"]), _NUMBER.map(lambda one: (str(one),))),
    st.builds(
        Expression, st.sampled_from(["Gt", "Ge", "Lt", "Le"]), _VERSION.map(lambda one: (one,)), st.just("version")
    ),
    st.builds(Expression, st.sampled_from(["GtLt", "GeLe"]), _rising(st.tuples(_NUMBER, _NUMBER))),
)
_TERM = st.builds(
    Term,
    st.sampled_from(["cpu.cpuid", "kernel.version", "pci.device"]) | _NAME.map(str.lower).filter(bool),
    st.none() | st.dictionaries(_NAME, _EXPRESSION, max_size=3),
    st.none() | _EXPRESSION,
)
_TERMS = st.lists(_TERM, min_size=1, max_size=3).map(tuple)
_ALTERNATIVES = st.lists(_TERMS, min_size=1, max_size=3).map(tuple)
_MATCHER = st.one_of(
    st.builds(Matcher, _TERMS, st.none() | _ALTERNATIVES | st.just(())),
    st.builds(Matcher, st.none() | st.just(()), _ALTERNATIVES),
)
_LINK = st.sampled_from(["", "https://example.org/gtp5g", "http://example.org/?a=b#c"])
_RULE = st.builds(
    Rule,
    _NAME,
    _MATCHER,
    level=st.sampled_from(["required", "preferred"]),
    when=st.none() | _MATCHER,
    vars=st.dictionaries(_NAME, _TEXT, max_size=2),
    documentation=_LINK,
)
_SET = st.builds(
    CompatibilitySet,
    st.lists(_RULE, max_size=3).map(tuple),
    weight=st.integers(-(2**63), 2**63 - 1),
    tag=_TEXT,
    description=_TEXT,
    documentation=_LINK,
    runtimes=st.lists(st.sampled_from(["runc", "kata-qemu", "5"]), max_size=2).map(tuple),
)
_INCLUDE = st.builds(
    Include,
    st.sampled_from(["sha256:" + "0f" * 32, "sha512:" + "a9" * 64]),
    st.sampled_from(["", "registry.example/base/os"]),
)
_SPEC = st.builds(
    Spec, st.lists(_SET, min_size=1, max_size=2).map(tuple), includes=st.lists(_INCLUDE, max_size=2).map(tuple)
) | st.builds(Spec, st.just(()), includes=st.lists(_INCLUDE, min_size=1, max_size=2).map(tuple))


@pytest.fixture(scope="session")
def vocabulary():
    """A lookup as rules see it."""
    return VOCABULARY.get


@pytest.fixture
def parse(vocabulary):
    """Parses a flat form."""

    def run(text, level="required", **keywords):
        return flat.parse(text, level=level, lookup=vocabulary, place="annotation", **keywords)

    return run


@pytest.fixture(scope="session")
def specs():
    """A strategy for valid specs of every shape."""
    return _SPEC


@pytest.fixture
def tree():
    """Builds a document around one expression."""

    def build(expression, feature="kernel.version", element="full"):
        term = {"feature": feature, "matchExpressions": {element: expression}}
        return {"version": "v1alpha1", "compatibilities": [{"rules": [{"name": "r", "matchFeatures": [term]}]}]}

    return build
