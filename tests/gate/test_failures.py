"""R16: what goes wrong on the way to a decision denies, and what the break-glass file lifts of that."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hostfit.core import match
from hostfit.core.errors import SourceError
from hostfit.gate import gate, journal
from hostfit.gate.report import CRASH, POLICY
from hostfit.sources import collect, resolve

from .conftest import MISSING_MODULE, outcome


def test_break_glass_file_lifts_the_denial_and_shows_the_verdict(site, host, request_of):
    site.write("disabled", "")

    report = gate.decide(request_of(MISSING_MODULE), site.paths, host=host)

    assert outcome(report) == ("misfit", "warn", True, 1)
    assert report.decision.lifted
    assert report.line.startswith("hostfit: break-glass file lifted: container c0ffee does not fit this host: ")


def test_break_glass_file_leaves_alone_what_starts_anyway(site, host, request_of):
    site.write("disabled", "")

    report = gate.decide(request_of(), site.paths, host=host)

    assert (report.decision.lifted, report.decision.action) == (False, "allow")


class TestPolicy:
    """A policy that cannot be used."""

    def test_denies_in_one_line_with_file_line_key_required_and_found(self, site, host, request_of):
        file = site.write("hostfit.toml", '[policy]\non_misfit = "sometimes"\n')

        report = gate.decide(request_of(), site.paths, host=host)

        assert outcome(report) == ("unknown", "deny", False, 2)
        assert report.error_kind == POLICY
        assert report.line == (
            f"hostfit: policy cannot be used: {file}:2: policy.on_misfit: required one of allow, warn, deny, "
            'found "sometimes" (hostfit why c0ffee)'
        )

    @pytest.mark.parametrize("entry", ["runtime", "hook"])
    def test_is_lifted_by_the_break_glass_file_where_its_runtimes_are_certain(
        self, site, host, request_of, runtime, entry
    ):
        site.write("hostfit.toml", '[policy]\non_misfit = "sometimes"\n')
        site.write("disabled", "")

        report = gate.decide(request_of(entry=entry), site.paths, host=host)

        assert (report.starts, report.decision.lifted, report.runtime_path) == (True, True, runtime)

    def test_is_not_lifted_where_the_isolation_that_it_asks_for_is_not_known(self, site, host, request_of):
        site.write("hostfit.toml", '[policy]\ndefault = "runsc"\n[runtime.runsc]\nisolation = "two"\n')
        site.write("disabled", "")

        report = gate.decide(request_of(entry="runtime"), site.paths, host=host)

        assert kept(report) == "which runtimes it demands is not known"

    @pytest.mark.parametrize(
        "mistake",
        [
            '[policy]\ndefualt = "strong"\n',
            '[polcy]\ndefault = "strong"\n',
            '[policy]\nalowed = ["strong"]\n',
            '[[scope]]\nimage = "*"\nalowed = ["strong"]\n',
            '[[scop]]\nimage = "*"\nallowed = ["strong"]\n',
            "[rutime.strong]\nisolation = 3\n",
        ],
    )  # fmt: skip
    def test_is_not_lifted_where_a_misspelt_key_may_have_asked_for_a_runtime(
        self, site, host, request_of, runtime, mistake
    ):
        site.write("hostfit.toml", f'{mistake}[runtime.strong]\nbinary = "{runtime}"\n')
        site.write("disabled", "")

        report = gate.decide(request_of(entry="runtime"), site.paths, host=host)

        assert kept(report) == "which runtimes it demands is not known"

    @pytest.mark.parametrize(
        "mistake",
        [
            '[policy]\ntag = 1\npreference = 1\non_error = "no"\n',
            '[[scope]]\nimage = "*"\non_unknown = "no"\n',
            '[[scope]]\ndigest = "sha256:1"\non_unknown = "warn"\n',
            "[signer.x]\nverify = 1\n",
            '[[trust]]\nunsigned = "no"\n',
            "[sync]\nregistries = 1\n",
        ],
    )  # fmt: skip
    def test_is_lifted_where_the_mistake_is_in_something_else(self, site, host, request_of, runtime, mistake):
        site.write("hostfit.toml", mistake)
        site.write("disabled", "")

        assert gate.decide(request_of(entry="runtime"), site.paths, host=host).runtime_path == runtime

    def test_is_lifted_where_the_mistake_is_in_a_spec_for_an_image(self, site, host, request_of, runtime):
        site.write("images.d/x.yaml", "images: 1\n")
        site.write("disabled", "")

        assert gate.decide(request_of(entry="runtime"), site.paths, host=host).runtime_path == runtime


class TestCrash:
    """Whatever goes wrong inside."""

    @pytest.fixture
    def crashing(self, host):
        def lookup(feature):
            raise ZeroDivisionError(feature)

        host.lookup = lookup
        return host

    def test_denies_and_keeps_the_traceback_for_the_journal(self, site, crashing, request_of, capfd):
        report = gate.decide(request_of(MISSING_MODULE), site.paths, host=crashing)

        assert outcome(report) == ("unknown", "deny", False, 4)
        assert report.error_kind == CRASH
        assert report.line == "hostfit: internal error (ZeroDivisionError); the journal has it (hostfit why c0ffee)"
        assert "ZeroDivisionError: kernel.loadedmodule" in report.traceback
        assert capfd.readouterr() == ("", "")

    def test_denies_whatever_on_error_says(self, site, crashing, request_of):
        site.write("hostfit.toml", '[policy]\non_error = "allow"\n')

        assert not gate.decide(request_of(MISSING_MODULE), site.paths, host=crashing).starts

    def test_is_lifted_by_the_break_glass_file(self, site, crashing, request_of, runtime):
        site.write("disabled", "")

        report = gate.decide(request_of(MISSING_MODULE, entry="runtime"), site.paths, host=crashing)

        assert (report.starts, report.runtime_path, report.decision.lifted) == (True, runtime, True)
        assert report.line.startswith("hostfit: break-glass file lifted: internal error")

    def test_of_the_renderer_denies_too(self, site, host, request_of, monkeypatch):
        monkeypatch.setattr(gate, "_line", None)

        report = gate.decide(request_of(), site.paths, host=host)

        assert (report.starts, report.line) == (False, "hostfit: internal error; the journal has it")

    @pytest.mark.parametrize("error", [MemoryError(), RecursionError(), SystemError("x"), OSError(5, "x")])
    def test_of_any_kind_denies(self, site, host, request_of, monkeypatch, error):
        def fails(*_args, **_fields):
            raise error

        monkeypatch.setattr(match, "evaluate", fails)

        assert not gate.decide(request_of(MISSING_MODULE), site.paths, host=host).starts


def kept(report):
    """Why the break-glass file did not lift a denial, as the engine's user and the journal are told."""
    assert (report.starts, report.decision.lifted, report.runtime_path) == (False, False, "")
    told = dict(journal.fields(report, {}))["HOSTFIT_ERROR"].partition(
        "; the break-glass file lifts only verdicts, and "
    )
    assert told[1] + told[2] in report.line
    return told[2]


class TestUnjudged:
    """SEC2: the break-glass file lifts no start that cannot be judged where the policy may demand another runtime."""

    WHEN = '[{ name = "r", matchFeatures = [{ feature = "request.annotation" }] }]'

    @pytest.fixture(params=["policy", "crash", "bundle"])
    def decide(self, request, site, host, request_of, runtime, monkeypatch):
        """A start that cannot be judged, for each reason, under a policy with some further lines."""

        def one(lines="", annotations=None, **fields):
            site.write("disabled", "")
            site.write("hostfit.toml", lines)
            asked = request_of(entry="runtime", annotations=annotations, **fields)
            if request.param == "policy":
                site.write("conf.d/50-wrong.toml", '[policy]\non_misfit = "sometimes"\n')
            elif request.param == "crash":
                monkeypatch.setattr(gate, "Judging", None)
            else:
                asked.bundle.problem = "config.json: not valid JSON"
            return gate.decide(asked, site.paths, host=host)

        return one

    @pytest.fixture
    def strong(self, runtime):
        return f'[runtime.strong]\nbinary = "{runtime}"\n'

    def test_starts_on_the_default_where_nothing_else_can_be_demanded(self, decide, runtime, strong):
        report = decide(f"{strong}isolation = 3\n")

        assert (report.starts, report.decision.lifted, report.runtime_path) == (True, True, runtime)

    def test_starts_where_what_can_be_demanded_isolates_no_more(self, decide, runtime, strong):
        assert decide(f"{strong}when = {self.WHEN}\n").runtime_path == runtime

    @pytest.mark.parametrize("lines", ['[policy]\non_error = "warn"\n', ""])
    def test_is_denied_where_a_runtime_that_isolates_more_may_be_for_it(self, decide, strong, lines):
        report = decide(f"{lines}{strong}isolation = 3\nwhen = {self.WHEN}\n")

        assert kept(report) == "the policy may demand strong, of isolation 3"

    @pytest.mark.parametrize("table", ["[policy]", '[[scope]]\nimage = "*/tenant/*"'])
    def test_is_denied_where_the_default_may_not_be_allowed(self, decide, strong, table):
        report = decide(f'{strong}{table}\nallowed = ["strong"]\n')

        assert kept(report) == "the policy may not allow mine"

    def test_is_denied_where_the_deployer_asks_for_more(self, decide, strong):
        report = decide(f"{strong}isolation = 3\n", {"io.hostfit.runtime": "strong"})

        assert kept(report) == "the deployer demands strong, of isolation 3"

    def test_is_denied_where_the_deployer_asks_for_what_is_not_there(self, decide):
        report = decide(annotations={"io.hostfit.runtime": "a\x1bb"})

        assert kept(report) == r"the deployer demands a\x1bb, which the policy does not have"

    def test_is_denied_where_the_default_cannot_be_used(self, decide, runtime):
        Path(runtime).unlink()

        assert kept(decide()) == f"no runtime can be used: mine: {runtime}: ENOENT"

    @pytest.mark.parametrize(
        ("sandbox", "why"),
        [
            ("strong", "the pod's sandbox is of kind strong"),
            ("/gone", "the pod's sandbox runs on /gone, for which the policy has no runtime"),
        ],
    )
    def test_is_denied_in_a_pod_whose_sandbox_is_of_another_kind(self, decide, strong, sandbox, why):
        report = decide(f'{strong}kernel = "own"\n', {"io.kubernetes.cri.sandbox-id": "s1"}, sandbox=sandbox)

        assert kept(report) == why

    def test_starts_in_a_pod_of_its_kind(self, decide, runtime):
        assert decide(annotations={"io.kubernetes.cri.sandbox-id": "s1"}, sandbox="mine").runtime_path == runtime


class TestSources:
    """Stores that are broken or slow."""

    def test_that_are_broken_are_judged_by_on_error(self, site, host, request_of, monkeypatch):
        def broken(_request):
            raise SourceError("containers.json: not valid JSON")

        monkeypatch.setattr(resolve, "resolve", broken)

        report = gate.decide(request_of(), site.paths, host=host)

        assert outcome(report) == ("invalid", "deny", False, 5)
        assert "containers.json: not valid JSON" in report.line

    @pytest.mark.parametrize("what", ["resolve", "documents"])
    def test_that_hang_are_given_up_and_judged_by_on_error(self, site, host, request_of, monkeypatch, what):
        """R9: evaluation has an end."""
        module = resolve if what == "resolve" else collect
        monkeypatch.setattr(module, what, lambda *_args, **_fields: time.sleep(30))
        monkeypatch.setattr(gate, "SECONDS", 0.2)
        start = time.monotonic()

        report = gate.decide(request_of(), site.paths, host=host)

        assert time.monotonic() - start < 2
        assert outcome(report) == ("invalid", "deny", False, 5)
        assert "took too long" in report.line


class TestProbes:
    """Facts that take too long."""

    def test_that_hang_make_their_own_feature_unknown_and_no_other(self, site, host, request_of, monkeypatch):
        quick = host.read

        def read(wanted):
            if "system.name" in wanted.elements:
                time.sleep(30)
            return quick(wanted)

        host.read = read
        monkeypatch.setattr(gate, "SECONDS", 0.3)

        report = gate.decide(request_of("kernel.version.full >=99; system.name.nodename =a"), site.paths, host=host)

        assert report.decision.verdict == "misfit"

    def test_that_swallow_every_exception_are_given_up_all_the_same(self, site, host, request_of, monkeypatch):
        def read(_wanted):
            for _ in range(3):
                try:
                    time.sleep(30)
                except Exception:  # noqa: BLE001 - the bad habit that is tested
                    continue
            return {}

        host.read = read
        monkeypatch.setattr(gate, "SECONDS", 0.2)
        start = time.monotonic()

        report = gate.decide(request_of(MISSING_MODULE), site.paths, host=host)

        assert time.monotonic() - start < 2
        assert report.decision.verdict == "unknown"


def test_comparison_that_takes_too_long_is_invalid(site, host, request_of, monkeypatch):
    monkeypatch.setattr(match, "evaluate", lambda *_args, **_fields: time.sleep(30))
    monkeypatch.setattr(gate, "SECONDS", 0.2)

    report = gate.decide(request_of(MISSING_MODULE), site.paths, host=host)

    assert outcome(report) == ("invalid", "deny", False, 5)


def test_failures_of_journal_and_disk_change_nothing(site, host, request_of, monkeypatch):
    from hostfit.gate import keep

    def fails(*_args):
        raise OSError(28, "x")

    monkeypatch.setattr(journal, "send", fails)
    monkeypatch.setattr(keep, "keep", fails)
    report = gate.decide(request_of(), site.paths, host=host)

    gate.publish(report, site.paths)

    assert report.starts
