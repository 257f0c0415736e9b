"""The report as JSON and as text: whole, escaped, and with what can be done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hostfit.core.document import ARTIFACT, BROKEN, UNSYNCED, Document, Provenance
from hostfit.core.facts import Feature
from hostfit.core.image import Image, Resolution
from hostfit.core.read import read_spec
from hostfit.gate import gate, render
from hostfit.gate.report import timestamp
from hostfit.sources.store import SpecStore

HOSTILE = "a\x1b[31m\u202eb\nc"
MATCH = """
version: v1alpha1
compatibilities:
- tag: amd
  weight: 2
  rules:
  - name: amd
    documentation: https://example.org/amd
    matchFeatures: [{feature: cpu.model, matchExpressions: {vendor_id: {op: In, value: [AMD]}}}]
  - name: either
    matchAny:
    - matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {kvm_amd: {op: Exists}}}]
    - matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["7"]}}}]
- tag: intel
  description: Intel hosts
  rules:
  - name: module
    documentation: https://example.org/gtp5g
    matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {gtp5g: {op: Exists}}}]
  - name: forwarding
    matchFeatures: [{feature: kernel.sysctl, matchExpressions: {net.ipv4.ip_forward: {op: In, value: ["1"]}}}]
  - name: nice
    level: preferred
    matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {fast: {op: Exists}}}]
  - name: elsewhere
    when: {matchFeatures: [{feature: cpu.model, matchExpressions: {vendor_id: {op: In, value: [AMD]}}}]}
    matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {amdgpu: {op: Exists}}}]
"""
IMAGE = Image(name="r.example/free5gc/upf:1", digest="sha256:" + "a" * 64, store="containers-storage")


@pytest.fixture
def report(site, host, request_of):
    spec = read_spec(MATCH, place="here")
    document = Document(
        Provenance("image", "label io.hostfit.spec", digest="sha256:" + "b" * 64, signer="me"), spec=spec
    )
    return gate.decide(request_of(), site.paths, host=host, resolution=Resolution("podman", IMAGE), extra=(document,))


def leaves(tree):
    return [
        leaf
        for document in tree["documents"]
        for one in document["sets"]
        for rule in one["rules"]
        for leaf in [*rule["expressions"], *rule["when"], *[leaf for branch in rule["any"] for leaf in branch]]
    ]


def test_report_holds_every_leaf_with_what_was_required_and_observed(report):
    tree = report.tree()
    (document,) = [one for one in tree["documents"] if one["digest"]]

    assert (tree["verdict"], tree["action"], tree["starts"], tree["lifted"]) == ("misfit", "deny", False, False)
    assert tree["image"] == {
        "name": "r.example/free5gc/upf:1", "digest": IMAGE.digest, "engine": "podman", "store": "containers-storage",
        "reason": "",
    }  # fmt: skip
    assert (document["source"], document["place"], document["signer"]) == ("image", "label io.hostfit.spec", "me")
    assert (document["knob"], document["action"], document["enforced"]) == ("on_misfit", "deny", True)
    assert [one["tag"] for one in document["sets"]] == ["amd", "intel"]
    assert {
        "feature": "kernel.sysctl", "element": "net.ipv4.ip_forward", "result": "nomatch", "required": "1",
        "observed": "0", "reason": "",
    }.items() <= next(one for one in leaves(tree) if one["feature"] == "kernel.sysctl").items()  # fmt: skip
    assert [len(rule["any"]) for rule in document["sets"][0]["rules"]] == [0, 2]


def test_report_is_json_and_agrees_with_the_published_schema(report):
    jsonschema = pytest.importorskip("jsonschema")
    from importlib.resources import files

    schema = json.loads((files("hostfit.cli") / "schema" / "report-v1.schema.json").read_text())

    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(report.tree())))


def test_every_text_from_outside_is_escaped(site, host, request_of):
    """R15: no control or bidi character of an image reaches a terminal."""
    image = Image(name=HOSTILE, digest=HOSTILE, store=HOSTILE)
    broken = Document(
        Provenance("image", HOSTILE, digest=HOSTILE, signer=HOSTILE), state=BROKEN, problems=(HOSTILE,), reason=HOSTILE
    )
    asked = request_of(f'kernel.version.full ="{"x" * 10}"', id=HOSTILE, bundle=HOSTILE)

    report = gate.decide(asked, site.paths, host=host, resolution=Resolution(HOSTILE, image, HOSTILE), extra=(broken,))

    written = json.dumps(report.tree(), ensure_ascii=False)
    shown = render.text(report.tree())
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]|\\\\u00", written), written
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert "a\\x1b[31m\\u202eb\\x0ac" in shown


def test_text_says_what_was_asked_and_what_was_found(report):
    text = render.text(report.tree(), width=100)

    assert text.startswith("hostfit: r.example/free5gc/upf:1 does not fit this host: ")
    for line in (
        "verdict:      misfit",
        "image:        r.example/free5gc/upf:1",
        "misfit: label io.hostfit.spec (from the image, signed by me)",
        "  on_misfit = deny",
        "  set 2: intel Intel hosts (nomatch)",
        "    [NO] module",
        "         NO kernel.loadedmodule gtp5g: required present, found absent",
        "         see https://example.org/gtp5g",
        "    [NO] nice (preferred)",
        "    [ok] elsewhere - does not apply here",
    ):
        assert line in text.split("\n"), text


def test_text_says_what_can_be_done(report):
    text = " ".join(render.text(report.tree(), width=200).split())

    for remedy in (
        "modprobe gtp5g, or install the package that has this module",
        "sysctl -w net.ipv4.ip_forward=1, and keep it in /etc/sysctl.d",
        "read about module: https://example.org/gtp5g",
        f'to accept this for one image: [[scope]] with digest = "{IMAGE.digest}" and on_misfit = "warn"',
        "a file in /etc/hostfit/images.d with mode: replace",
        "touch /etc/hostfit/disabled lifts this, but no demand for a runtime, until the file is removed",
    ):
        assert remedy in text
    assert "modprobe fast" not in text
    assert "amdgpu" not in text.partition("what can be done")[2]


@pytest.mark.parametrize(("damaged", "command"), [("specs", "sync"), ("looked-up", "sync --accept-older")])
def test_what_is_damaged_in_the_store_is_not_the_author_s_to_correct(site, host, request_of, damaged, command):
    """R16"""
    store = SpecStore(site.paths.var)
    document = store.put(MATCH.encode())
    store.record(IMAGE.digest, ((document, ""),), time="")
    name = {"specs": document, "looked-up": IMAGE.digest}[damaged]
    (Path(site.paths.var) / damaged / name.replace(":", "/")).write_text("{")
    report = gate.decide(request_of(), site.paths, host=host, resolution=Resolution("podman", IMAGE))
    text = " ".join(render.text(report.tree(), width=200).split())

    assert report.tree()["action"] == "deny"
    assert f"run `hostfit {command}` for this image: what the spec store has of it is damaged" in text
    assert "have the spec corrected" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_text_fits_the_terminal(report, width):
    for line in render.text(report.tree(), width=width).splitlines():
        assert len(line) <= width or " " not in line.strip(), line


@pytest.mark.parametrize("name", ["x;reboot", "$(reboot)", "--force", "a b", "`id`", "x\nreboot"])
def test_no_name_becomes_part_of_a_command_that_a_shell_would_misread(site, host, request_of, name):
    def rule(feature, expression):
        return {"name": feature, "matchFeatures": [{"feature": feature, "matchExpressions": {name: expression}}]}

    rules = [rule("kernel.loadedmodule", {"op": "Exists"}), rule("kernel.sysctl", {"op": "In", "value": ["1"]})]
    spec = read_spec(json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": rules}]}), place="here")
    found = Feature(flags=[]), Feature(attributes={})
    host.facts = dict(zip(("kernel.loadedmodule", "kernel.sysctl"), found, strict=True))
    extra = (Document(Provenance("image", "here"), spec=spec),)

    text = render.text(gate.decide(request_of(), site.paths, host=host, extra=extra).tree())

    assert "modprobe" not in text
    assert "sysctl -w" not in text


def test_text_of_other_outcomes_says_what_can_be_done(site, host, request_of):
    never = Document(Provenance(ARTIFACT, "artifacts"), state=UNSYNCED, reason="nobody looked")
    unsynced = gate.decide(request_of(), site.paths, host=host, extra=(never,))
    invalid = gate.decide(request_of("(("), site.paths, host=host)
    runtime = gate.decide(request_of(entry="runtime", runtime="mine"), site.paths, host=host)
    site.write("hostfit.toml", "[polcy]\n")
    policy = gate.decide(request_of(), site.paths, host=host)

    assert "hostfit sync" in render.text(unsynced.tree()).partition("what can be done")[2]
    assert "have the spec corrected" in render.text(invalid.tree())
    assert "name one that is installed as default" in " ".join(render.text(runtime.tree()).split())
    assert "mine: no such runtime in the policy" in render.text(runtime.tree())
    assert "correct the file and line above" in " ".join(render.text(policy.tree()).split())


@pytest.mark.parametrize("disabled", [False, True])
def test_break_glass_file_is_no_advice_where_it_is_there_and_lifts_nothing(site, host, request_of, runtime, disabled):
    if disabled:
        site.write("disabled", "")
    host.lookup = None
    asked = request_of("kernel.version.major =6", entry="runtime", annotations={"io.hostfit.runtime": "gone"})

    text = render.text(gate.decide(asked, site.paths, host=host).tree())

    assert "internal error" in text
    assert ("touch /etc/hostfit/disabled" in text) != disabled


def test_text_of_a_fit_gives_no_advice(site, host, request_of):
    assert "what can be done" not in render.text(gate.decide(request_of(), site.paths, host=host).tree())


def test_time_is_rfc_3339():
    assert timestamp(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123Z"


def test_question_of_a_person_gets_no_advice_about_starting(site, host, request_of):
    asked = request_of("kernel.loadedmodule.gtp5g exists", entry="check")

    text = render.text(gate.decide(asked, site.paths, host=host).tree())

    assert "modprobe gtp5g" in text
    assert "/etc/hostfit/disabled" not in text


def test_digest_that_is_none_is_not_put_into_advice(site, host, request_of):
    image = Image(name="x", digest='sha256:1" on_misfit = "allow')
    asked = request_of("kernel.loadedmodule.gtp5g exists")

    text = render.text(gate.decide(asked, site.paths, host=host, resolution=Resolution("podman", image)).tree())

    assert "[[scope]] with its name and on_misfit" in " ".join(text.split())
