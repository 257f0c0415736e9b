"""One request, one decision: what every entry point relies on."""

from __future__ import annotations

import json

import pytest

from hostfit.core import match
from hostfit.core.document import ARTIFACT, UNSYNCED, Document, Provenance
from hostfit.core.image import Image, Resolution
from hostfit.core.results import SpecResult
from hostfit.core.spec import Spec
from hostfit.gate import gate
from hostfit.gate.report import RUNTIME

from .conftest import MISSING_MODULE, outcome

KERNEL_6 = """
  version: v1alpha1
  compatibilities:
  - rules:
    - name: kernel
      matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: In, value: ["6"]}}}]
"""
UPF = Image(
    name="r.example/free5gc/upf:1", names=("r.example/free5gc/upf:1",), digest="sha256:" + "a" * 64, store="here"
)


def test_container_without_any_spec_starts(site, host, request_of):
    """IA7: runtimes that know nothing of compatibility still run a usable image, and so does hostfit."""
    report = gate.decide(request_of(), site.paths, host=host)

    assert outcome(report) == ("fit", "allow", True, 0)
    assert host.asked == {}


def test_container_that_fits_starts(site, host, request_of):
    report = gate.decide(request_of("kernel.version.full >=5.15; cpu.model.vendor_id =Intel"), site.paths, host=host)

    assert outcome(report) == ("fit", "allow", True, 0)


def test_container_that_does_not_fit_is_refused(site, host, request_of):
    report = gate.decide(request_of(MISSING_MODULE), site.paths, host=host)

    assert outcome(report) == ("misfit", "deny", False, 1)
    assert report.line == (
        "hostfit: container c0ffee does not fit this host: kernel.loadedmodule gtp5g: required present, found absent "
        "(hostfit why c0ffee)"
    )


def test_only_facts_that_the_spec_names_are_read(site, host, request_of):
    gate.decide(request_of("kernel.version.full >=5.15"), site.paths, host=host)

    assert host.asked == {"kernel.version": {"full"}}


def test_fact_that_cannot_be_determined_is_warned_about(site, host, request_of):
    report = gate.decide(request_of("system.name.nodename =a"), site.paths, host=host)

    assert outcome(report) == ("unknown", "warn", True, 3)


def test_spec_that_is_not_valid_is_refused(site, host, request_of):
    report = gate.decide(request_of("kernel.version.full >=>= 5"), site.paths, host=host)

    assert outcome(report) == ("invalid", "deny", False, 5)


@pytest.mark.parametrize("case", [
    ("on_misfit", MISSING_MODULE, "misfit"),
    ("on_unknown", "system.name.nodename =a", "unknown"),
    ("on_error", "((", "invalid"),
])  # fmt: skip
@pytest.mark.parametrize(("action", "starts"), [("deny", False), ("warn", True), ("allow", True)])
def test_each_knob_decides_its_case(site, decide, case, action, starts):
    knob, require, verdict = case
    site.write("hostfit.toml", f'[policy]\n{knob} = "{action}"\n')

    report = decide(require)

    assert (report.decision.verdict, report.decision.action, report.starts) == (verdict, action, starts)


def test_image_that_nobody_looked_up_has_its_own_knob(site, host, request_of):
    site.write("hostfit.toml", '[policy]\non_unsynced = "deny"\n')
    never = Document(Provenance(ARTIFACT, "artifacts"), state=UNSYNCED, reason="nobody looked")

    report = gate.decide(request_of(), site.paths, host=host, extra=(never,))

    assert outcome(report) == ("unknown", "deny", False, 3)
    assert report.decision.judgements[0].knob == "on_unsynced"


def test_administrators_spec_adds_to_the_others(site, host, request_of):
    """IA4, IA6: all specs found must hold."""
    site.write("images.d/upf.yaml", "images: ['*/free5gc/upf:*']\nspec:\n" + KERNEL_6)

    report = gate.decide(request_of(MISSING_MODULE), site.paths, host=host, resolution=Resolution("podman", UPF))

    found = [(one.document.provenance.authority, one.verdict) for one in report.decision.judgements]
    assert found[:2] == [("administrator", "fit"), ("deployer", "misfit")]
    assert report.decision.action == "deny"


def test_administrators_spec_may_replace_the_others_but_not_what_the_caller_brings(site, host, request_of):
    site.write("images.d/upf.yaml", "images: ['*/free5gc/upf:*']\nmode: replace\nspec:\n" + KERNEL_6)
    resolution = Resolution("podman", UPF)

    replaced = gate.decide(request_of(MISSING_MODULE), site.paths, host=host, resolution=resolution)
    brought = Document(Provenance("deployer", "file x"), spec=replaced.decision.judgements[0].document.spec)
    with_more = gate.decide(request_of(MISSING_MODULE), site.paths, host=host, resolution=resolution, extra=(brought,))

    assert [one.document.provenance.place for one in replaced.decision.judgements] == ["images.d/upf.yaml"]
    assert replaced.decision.verdict == "fit"
    assert [one.document.provenance.place for one in with_more.decision.judgements] == ["images.d/upf.yaml", "file x"]


def test_store_that_does_not_answer_leaves_a_container_in_its_strict_scope(site, host, request_of):
    site.write("hostfit.toml", '[[scope]]\nimage = "registry.example/critical/*"\non_unknown = "deny"\n')
    named = {"io.kubernetes.cri.image-name": "registry.example/critical/db:1"}
    unresolved = Resolution("containerd", None, "containerd: ECONNREFUSED")

    strict = gate.decide(request_of(annotations=named), site.paths, host=host, resolution=unresolved)
    other = gate.decide(request_of(), site.paths, host=host, resolution=unresolved)

    assert outcome(strict) == ("unknown", "deny", False, 3)
    assert outcome(other) == ("unknown", "warn", True, 3)


def test_same_input_gives_the_same_report(site, host, request_of):
    asked = request_of(f"{MISSING_MODULE}; system.name.nodename =a")

    one, other = [gate.decide(asked, site.paths, host=host).tree() for _ in range(2)]

    assert {**one, "time": ""} == {**other, "time": ""}


def test_tag_of_the_policy_chooses_among_sets(site, host, request_of, monkeypatch):
    seen = []

    def evaluate_(_spec, _facts, *, tag):
        seen.append(tag)
        return SpecResult("fit", (), None)

    monkeypatch.setattr(match, "evaluate", evaluate_)
    site.write("hostfit.toml", '[policy]\ntag = "edge"\n')
    extra = (Document(Provenance("deployer", "x"), spec=Spec(())),)

    gate.decide(request_of(), site.paths, host=host, extra=extra)
    gate.decide(request_of(), site.paths, host=host, extra=extra, tag="core")

    assert seen == ["edge", "core"]


def test_tag_says_nothing_about_what_can_have_none(site, host, request_of):
    """The flat form holds whatever the policy's tag is; a document without that tag is unknown."""
    site.write("hostfit.toml", '[policy]\ntag = "edge"\n')
    matcher = {"feature": "kernel.version", "matchExpressions": {"major": {"op": "Exists"}}}
    rules = [{"name": "a", "matchFeatures": [matcher]}]
    document = json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": rules}]})

    flat = gate.decide(request_of(MISSING_MODULE), site.paths, host=host)
    whole = gate.decide(request_of(annotations={"io.hostfit.spec": document}), site.paths, host=host)

    assert outcome(flat)[:2] == ("misfit", "deny")
    assert 'no set has the tag "edge"' in whole.line


class TestRuntime:
    """The runtime that takes the container."""

    def test_is_the_policys_default(self, site, host, request_of, runtime):
        report = gate.decide(request_of(entry="runtime"), site.paths, host=host)

        assert (report.decision.runtime, report.runtime_path, report.starts) == ("mine", runtime, True)

    def test_is_the_one_that_the_entry_point_was_called_for(self, site, host, request_of, runtime):
        site.write("hostfit.toml", f'[runtime.other]\nbinary = "{runtime}"\n')

        assert gate.decide(request_of(runtime="other"), site.paths, host=host).decision.runtime == "other"

    def test_that_the_policy_does_not_have_is_refused(self, site, host, request_of):
        report = gate.decide(request_of(entry="runtime", runtime="mine"), site.paths, host=host)

        assert (report.starts, report.error_kind, report.runtime_path) == (False, RUNTIME, "")
        assert report.line == (
            "hostfit: no runtime can be used: mine: no such runtime in the policy (hostfit why c0ffee)"
        )

    @pytest.mark.parametrize("lifted", [False, True])
    def test_that_others_could_have_written_is_refused_break_glass_or_not(
        self, site, host, request_of, runtime, lifted
    ):
        """R3: nothing is executed that is not root's alone."""
        (site.etc / "runtime").chmod(0o777)
        if lifted:
            site.write("disabled", "")

        report = gate.decide(request_of(entry="runtime"), site.paths, host=host)

        assert (report.starts, report.runtime_path) == (False, "")
        assert "must not be writable by group or others, found mode 0777" in report.line
        assert ("; the break-glass file lifts only verdicts" in report.line) == lifted

    def test_that_is_missing_is_named_by_symbol(self, site, host, request_of, runtime):
        (site.etc / "runtime").unlink()

        report = gate.decide(request_of(entry="runtime"), site.paths, host=host)

        assert f"mine: {runtime}: ENOENT" in report.line

    def test_that_is_missing_does_not_concern_the_hook(self, site, host, request_of, runtime):
        (site.etc / "runtime").unlink()

        assert gate.decide(request_of(entry="hook"), site.paths, host=host).starts

    def test_with_a_kernel_of_its_own_is_not_judged_by_the_hosts(self, site, host, request_of, runtime):
        site.write("hostfit.toml", '[runtime.mine]\nkernel = "own"\nisolation = 2\n')

        report = gate.decide(request_of(f"{MISSING_MODULE}; cpu.model.vendor_id =Intel"), site.paths, host=host)

        assert report.decision.verdict == "unknown"
        assert host.asked == {"cpu.model": {"vendor_id"}}


def test_refusal_keeps_its_reason_where_no_runtime_can_be_used_either(site, decide, runtime):
    (site.etc / "runtime").unlink()

    report = decide(MISSING_MODULE, entry="runtime")

    assert outcome(report) == ("misfit", "deny", False, 1)
    assert "gtp5g" in report.line
