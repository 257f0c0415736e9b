"""`hostfit report`: one file with policy, findings, facts and the last decisions, by the schema, without secrets."""

from __future__ import annotations

import json
import stat

import jsonschema
import pytest

from hostfit.cli.main import main
from hostfit.cli.schemas import schema_text
from hostfit.core.paths import Paths
from hostfit.gate import gate
from hostfit.oci.request import Bundle, Request

ONE, OTHER = "3f2a1b" + "0" * 58, "3f2a1c" + "0" * 58
NAMES = {"version", "time", "left_out", "hostfit", "programs", "policy", "doctor", "setup", "facts", "decisions"}


@pytest.fixture
def decided(prefix):
    """Two containers were decided on, one of them refused."""
    paths = Paths(etc=f"{prefix}/etc/hostfit", run=f"{prefix}/run/hostfit", var=f"{prefix}/var/lib/hostfit")
    (prefix / "run/hostfit").chmod(0o755)
    for container, clause in ((ONE, "kernel.version.major >=1"), (OTHER, "kernel.loadedmodule.nosuch exists")):
        bundle = Bundle("/bundles/" + container, annotations={"io.hostfit.require": clause})
        report = gate.decide(Request(entry="runtime", verb="create", id=container, bundle=bundle, runtime=""), paths)
        gate.publish(report, paths)


@pytest.fixture
def report(hostfit):
    """The report on standard output, checked with the schema."""

    def call(*words):
        done = hostfit("report", "--output", "-", *words)
        assert (done.code, done.err) == (0, "")
        assert done.out.isascii()
        document = json.loads(done.out)
        jsonschema.Draft202012Validator(json.loads(schema_text("bugreport-v1"))).validate(document)
        return document

    return call


def test_it_has_what_a_maintainer_asks_for(report, decided):
    document = report()

    assert set(document) == NAMES
    assert document["policy"]["summary"][1] == "default runtime: runc or crun"
    assert "kernel.version" in document["facts"]["attributes"]
    assert document["hostfit"]["packages"]["PyYAML"]


def test_decisions_are_those_of_why_with_the_same_ids(report, hostfit, decided):
    document = report()

    assert [one["id"] for one in document["decisions"]] == [OTHER, ONE]
    assert document["decisions"][0] == json.loads(hostfit("why", OTHER, "--format", "json").out)


def test_findings_are_those_of_doctor_with_the_same_ids(report, hostfit):
    assert report()["doctor"] == json.loads(hostfit("doctor", "--format", "json").out)


def test_fewer_decisions_on_request(report, decided):
    assert [one["id"] for one in report("--decisions", "1")["decisions"]] == [OTHER]


def test_an_invalid_policy_is_told_in_its_place(report, prefix):
    (prefix / "etc/hostfit/hostfit.toml").write_text('[policy]\non_misfit = "password=hunter2"\n')

    document = report()

    assert "on_misfit" in document["policy"]["error"]
    assert "hunter2" not in json.dumps(document)


def test_the_file_is_its_owner_s_alone(hostfit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    done = hostfit("report", "--decisions", "0")

    (path,) = tmp_path.glob("hostfit-report-*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert done.out.startswith(f"{path.name}: written; left out: values of environment variables and annotations;")
    assert json.loads(path.read_text())["decisions"] == []


def test_a_place_that_cannot_be_written_is_a_usage_error(hostfit, tmp_path):
    done = hostfit("report", "--output", tmp_path / "none" / "x")

    assert (done.code, "required writable, found ENOENT" in done.err) == (2, True)


def test_a_number_that_is_none_is_a_usage_error():
    assert main(["report", "--decisions", "-1"]) == 2
