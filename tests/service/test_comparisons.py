"""IS speed: what is kept between decisions gives the same answers as comparing and writing again."""

from __future__ import annotations

import json

import pytest

from hostfit.core import fastjson, flat, match
from hostfit.core.decision import Knobs, decide, judge
from hostfit.core.document import DEPLOYER, Document, Provenance
from hostfit.core.facts import Feature, Unknown
from hostfit.core.image import Resolution
from hostfit.facts import vocabulary
from hostfit.gate.report import Report, document_tree
from hostfit.oci.request import Bundle, Request
from hostfit.service.comparisons import Comparisons, Facts

TEXT = "kernel.loadedmodule.a exists; kernel.loadedmodule.b !exists; kernel.sysctl.kernel.ostype =Linux"


def spec(text=TEXT):
    return flat.parse(text, level="required", lookup=vocabulary.lookup, place="test")


def facts(*modules, ostype="Linux"):
    return {
        "kernel.loadedmodule": Feature(flags=modules),
        "kernel.sysctl": Feature(attributes={"kernel.ostype": ostype}),
    }


def shown(result):
    return document_tree(judge(Document(Provenance(DEPLOYER, "test"), spec=spec()), result, Knobs()))


def test_the_very_same_spec_on_the_very_same_facts_is_compared_once():
    kept, wanted, host = Comparisons(), spec(), facts("a")

    first = kept.evaluate(wanted, host)

    assert kept.evaluate(wanted, dict(host)) is first
    assert shown(first) == shown(match.evaluate(wanted, host))


@pytest.mark.parametrize("host", [
    facts(), facts("a", "b"), facts("a", ostype="other"), facts("a", ostype=Unknown("why")), {},
    facts("a") | {"kernel.sysctl": Feature(unknown=Unknown("why"))}, facts("a", "c"),
])  # fmt: skip
def test_any_other_fact_is_compared_anew(host):
    kept, wanted = Comparisons(), spec()
    kept.evaluate(wanted, facts("a"))

    for _ in range(2):
        assert shown(kept.evaluate(wanted, host)) == shown(match.evaluate(wanted, host))


def test_what_does_not_match_is_not_kept_for_its_reasons_are_added_later():
    kept, wanted, host = Comparisons(), spec(), facts("b")

    assert kept.evaluate(wanted, host) is not kept.evaluate(wanted, host)


def test_tags_are_compared_apart():
    kept, wanted, host = Comparisons(), spec(), facts("a")

    assert kept.evaluate(wanted, host).verdict == "fit"
    assert kept.evaluate(wanted, host, tag="other").verdict == "unknown"
    assert kept.evaluate(wanted, host).verdict == "fit"


def test_what_is_kept_has_an_end():
    kept, host = Comparisons(), facts("a")
    first = spec()
    result = kept.evaluate(first, host)

    for _ in range(1000):
        kept.sets(kept.evaluate(spec(), host))

    assert kept.evaluate(first, host) is not result
    assert len(kept._kept) == len(kept._texts) < 1000


def test_facts_that_are_read_anew_and_equal_are_the_same_value():
    last = Facts()
    first = last.same("a", Feature(flags=["x"]))

    assert last.same("a", Feature(flags=["x"])) is first
    assert last.same("b", Feature(flags=["x"])) is not first
    other = last.same("a", Feature(flags=["y"]))
    assert other.flags == {"y"}
    assert last.same("a", Feature(flags=["y"])) is other


@pytest.mark.parametrize("host", [facts("a"), facts("b"), {}])
def test_a_report_is_the_same_text_whoever_keeps_parts_of_it(host):
    kept, wanted = Comparisons(), spec()
    document = Document(Provenance(DEPLOYER, 'a "place"'), spec=wanted)
    invalid = Document(Provenance(DEPLOYER, "other"), state="broken", reason="why")
    request = Request(entry="runtime", verb="create", id="c1", bundle=Bundle("/bundle"))
    for _ in range(2):
        judgements = (judge(document, kept.evaluate(wanted, host), Knobs()), judge(invalid, None, Knobs()))
        report = Report(request, Resolution(""), decide(judgements), line="hostfit: line", when=1)

        assert report.json(kept.sets) == report.json() == fastjson.dumps(report.tree())
        assert json.loads(report.json()) == report.tree()
