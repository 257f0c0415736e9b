"""The first line alone says what is wrong, whatever the image is called and whatever its spec contains."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core.decision import Candidate, Knobs, decide, failed, judge
from hostfit.core.document import ARTIFACT, BROKEN, DEPLOYER, IMAGE, MISSING, UNSYNCED, Document, Provenance
from hostfit.core.facts import Feature, Unknown
from hostfit.core.image import Image, Resolution
from hostfit.core.match import evaluate
from hostfit.core.read import read_spec
from hostfit.core.results import ExpressionResult, RuleResult, SetResult, SpecResult, TermResult
from hostfit.core.spec import CompatibilitySet, Matcher, Rule, Spec
from hostfit.gate.render import first_line
from hostfit.gate.words import RECLASSIFIED, broken, line, safe, short_id
from hostfit.oci.request import Bundle, Request

ID = "0123456789ab" + "c" * 52
UPF = Image(name="r.example/free5gc/upf:v3.4")
FACTS = {
    "kernel.loadedmodule": Feature(flags=["overlay"]),
    "kernel.version": Feature(attributes={"full": "6.1.0-13-amd64", "major": "6"}),
    "pci.device": Feature(instances=[{"vendor": "8086", "class": "0200"}, {"vendor": "1af4", "class": "0300"}]),
    "system.name": Feature(attributes={}, unknown=Unknown("/proc/sys/kernel/hostname: EACCES")),
    "cpu.model": Feature(attributes={"vendor_id": "Intel"}),
}


def rules(text):
    return read_spec(f"version: v1alpha1\ncompatibilities:\n- rules:\n{text}", place="here")


def rule(name, feature, *expressions):
    found = ", ".join(expressions)
    return f"  - {{name: {name}, matchFeatures: [{{feature: {feature}, matchExpressions: {{{found}}}}}]}}\n"


GTP5G = rule("gtp5g", "kernel.loadedmodule", "gtp5g: {op: Exists}")
NEWER = rule("newer", "kernel.version", "full: {op: Ge, type: version, value: ['99']}")
HOSTNAME = rule("hostname", "system.name", "nodename: {op: In, value: [a]}")


def told(*documents, image=UPF, knobs=None, lifted=False, container=ID):
    judgements = tuple(
        judge(one, evaluate(one.spec, FACTS) if one.spec is not None else None, knobs or Knobs()) for one in documents
    )
    request = Request(entry="runtime", verb="create", id=container, bundle=Bundle("/b"))
    return first_line(request, Resolution("podman", image), decide(judgements, lifted=lifted))


def of(spec, place="annotation", authority=IMAGE):
    return Document(Provenance(authority, place), spec=spec)


WHY = "(hostfit why 0123456789ab)"
MORE = "(+1 more; hostfit why 0123456789ab)"
MISFIT = "hostfit: r.example/free5gc/upf:v3.4 does not fit this host: "
UNSURE = "hostfit: warning: r.example/free5gc/upf:v3.4: cannot tell whether it fits this host: "


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], "hostfit: r.example/free5gc/upf:v3.4 fits this host"),
        (
            [of(rules(GTP5G))],
            f"{MISFIT}kernel.loadedmodule gtp5g: required present, found absent {WHY}",
        ),
        (
            [of(rules(GTP5G + NEWER + HOSTNAME))],
            f"{MISFIT}kernel.loadedmodule gtp5g: required present, found absent {MORE}",
        ),
        (
            [of(rules(NEWER)), of(rules(GTP5G)), of(rules(HOSTNAME))],
            f"{MISFIT}kernel.version full: required >= 99 (version), found 6.1.0-13-amd64 {MORE}",
        ),
        (
            [
                of(
                    rules(
                        rule(
                            "gpu", "pci.device", "vendor: {op: In, value: ['10de']}", "class: {op: In, value: ['0302']}"
                        )
                    )
                )
            ],
            f"{MISFIT}pci.device vendor: required 10de, found 8086, 1af4 {MORE}",
        ),
        (
            [of(rules(HOSTNAME))],
            f"{UNSURE}system.name nodename: required a, found unknown (/proc/sys/kernel/hostname: EACCES) {WHY}",
        ),
        (
            [
                Document(
                    Provenance(IMAGE, "label x"),
                    state=BROKEN,
                    problems=("a: b", "c: d"),
                    reason="a: b",
                )
            ],
            f"hostfit: r.example/free5gc/upf:v3.4: invalid compatibility spec in label x: a: b {MORE}",
        ),
        (
            [Document(Provenance(ARTIFACT, "artifacts"), state=UNSYNCED, reason="nobody looked")],
            f"hostfit: warning: {UPF.name}: compatibility unknown until `hostfit sync`: nobody looked {WHY}",
        ),
        (
            [Document(Provenance(IMAGE, "annotation"), state=MISSING, reason="sha256:aa is not in the store")],
            f"{UNSURE}sha256:aa is not in the store {WHY}",
        ),
    ],
    ids=["fit", "misfit", "several rules", "several documents", "device", "unknown", "invalid", "unsynced", "missing"],
)
def test_first_line(documents, expected):
    assert told(*documents) == expected


def test_worst_document_with_the_strictest_action_is_named_first():
    unknown, misfit = of(rules(HOSTNAME)), of(rules(GTP5G))

    assert "gtp5g" in told(unknown, misfit)
    assert "nodename" in told(misfit, unknown, knobs=Knobs(on_misfit="warn", on_unknown="deny"))


def test_set_that_came_closest_is_named():
    spec = Spec((*rules(GTP5G + NEWER).sets, *rules(NEWER).sets))

    assert told(of(spec)).endswith(f"kernel.version full: required >= 99 (version), found 6.1.0-13-amd64 {WHY}")


def test_condition_that_is_unknown_is_named():
    """IA2a: a rule for hosts that cannot be told from others."""
    spec = read_spec(
        "version: v1alpha1\ncompatibilities:\n- rules:\n  - name: x\n    when:\n      matchFeatures: [{feature: "
        "system.name, matchExpressions: {nodename: {op: In, value: [a]}}}]\n    matchFeatures: [{feature: "
        "kernel.loadedmodule, matchExpressions: {gtp5g: {op: Exists}}}]\n",
        place="here",
    )

    assert "system.name nodename: required a, found unknown" in told(of(spec))


@pytest.mark.parametrize(
    ("knobs", "lifted", "start"),
    [
        (Knobs(), False, "hostfit: r.example"),
        (Knobs(), True, "hostfit: break-glass file lifted: r.example"),
        (Knobs(on_misfit="warn"), False, "hostfit: warning: r.example"),
        (Knobs(on_misfit="allow"), False, "hostfit: allowed: r.example"),
    ],
)
def test_first_line_says_what_was_done_about_it(knobs, lifted, start):
    assert told(of(rules(GTP5G)), knobs=knobs, lifted=lifted).startswith(start)


def test_without_an_image_the_container_is_named():
    assert told(of(rules(GTP5G)), image=None).startswith("hostfit: container 0123456789ab does not fit this host: ")
    assert told(of(rules(GTP5G)), image=None, container="").startswith("hostfit: this bundle does not fit this host: ")
    nothing = Request(entry="check", verb="check", id="", bundle=Bundle(""))
    assert first_line(nothing, Resolution(""), decide(())) == "hostfit: this spec fits this host"


@pytest.mark.parametrize(
    ("container", "shown"), [(ID, ID[:12]), ("web", "web"), ("A" * 64, "A" * 64), ("a\nb", "a\\x0ab")]
)
def test_container_is_named_as_engines_name_it(container, shown):
    assert short_id(container) == shown


@pytest.mark.parametrize("phrase", RECLASSIFIED)
def test_phrase_that_engines_reclassify_is_broken(phrase):
    for text in (phrase, phrase.upper(), f"x{phrase}y", f"{phrase} {phrase}"):
        assert phrase not in broken(text).lower()
        assert broken(text).replace("\\x20", " ") == text


def test_other_text_stays_as_it_is():
    assert broken("required loaded, found absent") == "required loaded, found absent"
    assert safe("r.example/free5gc/upf:v3.4") == "r.example/free5gc/upf:v3.4"
    assert safe("größe\u202e") == "gr\\xf6\\xdfe\\u202e"


hostile = st.one_of(
    st.text(max_size=80),
    st.sampled_from(list(RECLASSIFIED)),
    st.lists(st.sampled_from([*RECLASSIFIED, "\n", "\x1b[31m", "\u202e", "\\", "é", "x" * 300]), max_size=8).map(
        "".join
    ),
)


def check(text):
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 1024
    assert text.startswith("hostfit: ")
    assert [phrase for phrase in RECLASSIFIED if phrase in text.lower()] == []


@settings(deadline=None, max_examples=200)
@given(st.lists(hostile, min_size=9, max_size=9), st.integers(1, 30), st.sampled_from(["misfit", "unknown", "invalid"]))
def test_line_is_safe_for_engines_whatever_it_is_about(texts, count, verdict):
    name, container, feature, element, required, observed, reason, place, rule_name = texts
    result = {"misfit": "nomatch", "unknown": "unknown", "invalid": "nomatch"}[verdict]
    leaf = ExpressionResult(feature, element, result, required=required, observed=observed, reason=reason)
    outcome = RuleResult(Rule(rule_name, Matcher()), result, features=(TermResult(feature, result, (leaf,) * count),))
    spec = SpecResult(verdict, (SetResult(CompatibilitySet(()), result, (outcome,), 0),), None, reason)
    one = judge(Document(Provenance(DEPLOYER, place), spec=Spec(())), spec, Knobs())
    request = Request(entry="runtime", verb="create", id=container, bundle=Bundle("/b"))

    check(first_line(request, Resolution("x", Image(name=name)), decide((one,))))


@settings(deadline=None)
@given(hostile, hostile, hostile)
def test_line_about_an_error_is_safe_for_engines(error, name, container):
    request = Request(entry="runtime", verb="create", id=container, bundle=Bundle("/b"))

    check(first_line(request, Resolution(""), failed(f"policy cannot be used: {error}", candidates=(Candidate(name),))))


@settings(deadline=None)
@given(hostile)
def test_any_line_at_all_is_made_safe(text):
    check(line("hostfit: " + text))


def test_long_line_keeps_where_to_read_on():
    text = told(Document(Provenance(IMAGE, "p" * 5000), state=BROKEN, problems=("q" * 5000,), reason="q"))

    check(text)
    assert text.endswith(WHY)
    longest = failed("policy cannot be used: " + "x" * 5000)
    request = Request(entry="runtime", verb="create", id=ID, bundle=Bundle("/b"))
    assert first_line(request, Resolution(""), longest).endswith(f"... {WHY}")
