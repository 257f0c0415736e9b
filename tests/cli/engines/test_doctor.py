"""`hostfit doctor`: nothing found where all is well, an engine without hostfit, and the form of findings (CH8)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hostfit.cli.checks.findings import KINDS

TREE = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("engine", "files"),
    [
        ("podman", {}),
        ("crio", {"etc/crio/crio.conf": ""}),
        ("containerd", {"etc/containerd/config.toml": "version = 2\n"}),
    ],
)
def test_nothing_is_wrong_after_setup(ready, doctor, engine, files):
    ids, code, document = doctor(ready(engine, "--default", files=files), engine)

    assert (ids, code) == (set(), 0)
    assert document["engines"] == [{"name": engine, "containers": "every"}]


def test_docker_can_always_be_asked_for_another_runtime(ready, doctor):
    ids, code, _ = doctor(ready("docker", "--default"))

    assert (ids, code) == ({"runtime-choice"}, 0)


@pytest.mark.parametrize("engine", ["containerd", "crio", "docker", "podman", "k3s", "rke2"])
def test_an_engine_without_hostfit_is_an_error(make_host, doctor, engine):
    ids, code, document = doctor(make_host(engine), engine)

    assert ("not-set-up" in ids, code) == (True, 1)
    assert document["engines"] == [{"name": engine, "containers": "none"}]


@pytest.mark.parametrize("engine", ["containerd", "crio", "docker", "podman"])
def test_a_runtime_that_must_be_asked_for_is_a_warning(ready, doctor, engine):
    ids, code, document = doctor(ready(engine, files={"etc/crio/crio.conf": ""} if engine == "crio" else {}), engine)

    assert ("not-default" in ids, code) == (True, 3)
    assert document["engines"] == [{"name": engine, "containers": "asked"}]


def test_text_is_one_line_a_finding_with_its_fix(ready, capsys):
    host = ready("podman")
    capsys.readouterr()

    assert host.hostfit("doctor", "podman") == 3

    found = "only containers that ask for hostfit are checked; fix: run hostfit setup podman --default"
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"podman: warning: not-default: {found}",
        "podman: containers that ask for it go through hostfit",
    ]


def test_an_unknown_engine_is_a_usage_error(make_host, capsys):
    assert make_host().hostfit("doctor", "rkt") == 2
    assert "engine rkt: required one of containerd" in capsys.readouterr().err


def test_every_finding_is_shown_by_a_test_or_needs_a_live_host():
    """The rest is in tests/system/test_setup.py."""
    shown = [*Path(__file__).parent.glob("test_doctor*.py"), TREE / "tests/system/test_setup.py"]

    named = {name for path in shown for name in re.findall(r"""["']([a-z-]+)["']""", path.read_text())}
    assert [one.id for one in KINDS if one.id not in named] == []


def test_why_and_the_journal_name_findings_as_doctor_does():
    known = {one.id for one in KINDS}
    why = re.findall(r"hostfit doctor: ([a-z-]+)", (TREE / "src/hostfit/gate/remedies.py").read_text())
    catalogue = " ".join((TREE / "systemd/hostfit.catalog").read_text().split())
    journal = re.findall(
        r'"hostfit doctor" shows (?:it|what is still wrong,) as ([a-z-]+)(?: or ([a-z-]+))?', catalogue
    )

    assert (len(why), len(journal)) == (4, 2)
    assert {*why, *[one for pair in journal for one in pair if one]} <= known


def test_findings_have_names_and_sentences_of_one_form():
    for one in KINDS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.id)
        assert one.severity in ("error", "warning", "note")
        assert [text for text in (one.meaning, one.fix) if text.endswith(".")] == []
    assert len({one.id for one in KINDS}) == len(KINDS)
