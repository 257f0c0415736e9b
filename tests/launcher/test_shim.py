"""IS launcher: a start through containerd's own shim needs no Python; all other calls of a shim are Python's."""

from __future__ import annotations

import json
import stat

import pytest

from hostfit.policy import compiled
from hostfit.service import wire

from .conftest import SHIM, Service, answering, run

FLAGS = ("-namespace", "k8s.io", "-address", "/run/c.sock", "-publish-binary", "/usr/bin/containerd", "-id")
LINE = "hostfit: x does not fit this host: cpu.count online: required >= 4, found 2"


def said(**fields):
    return answering(wire.Answer(wire.START, **{"runtime": "runc", **fields}))


@pytest.fixture
def shims(place, probe):
    """An installation whose shim of runc is the probe, and which has a neighbouring bundle."""
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "runc"\n[runtime.runc]\nshim = "{probe.path}"\n')
    compiled.compile_policy(place.paths)
    place.tasks = place.top / "k8s.io"
    for name in ("c1", "s1"):
        (place.tasks / name).mkdir(parents=True)
        (place.tasks / name / "config.json").write_text('{"ociVersion": "1.0.2"}')
    place.note = {"runtime": "runc", "shim": str(probe.path)}
    return place


def start(shims, *words, name=None, **options):
    """Start c1; Python, where it is asked, refuses."""
    launcher = shims.launcher(SHIM, name, starts=False, line="hostfit: python was asked")
    return run(launcher, *(words or (*FLAGS, "c1", "start")), cwd=shims.tasks / "c1", **options)


def test_a_start_is_recorded_as_python_records_it_and_becomes_the_shim(shims, probe):
    with Service(shims, said()) as service:
        done = start(
            shims, name="containerd-shim-hostfit-runc-v2", input=b"options", env={"TTRPC_ADDRESS": "/t", "X": ""}
        )

    assert done.returncode == 37, done.stderr
    [asked] = service.questions
    assert (asked.entry, asked.verb, asked.id, asked.bundle, asked.runtime) == (
        "shim", "start", "c1", str(shims.tasks / "c1"), "runc",
    )  # fmt: skip
    assert asked.environ == {"GRPC_ADDRESS": "/run/c.sock", "TTRPC_ADDRESS": "/t", "NAMESPACE": "k8s.io"}
    seen = probe.take()
    assert (seen["stdin"], seen["environ"]) == (b"options", b"TTRPC_ADDRESS=/t\0X=\0")
    record = shims.tasks / "c1/hostfit.json"
    assert json.loads(record.read_text()) == shims.note
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert shims.asked == []


def test_a_refusal_is_a_line_without_an_end(shims):
    with Service(shims, answering(wire.Answer(wire.DENY, line=LINE))):
        done = start(shims)

    assert (done.returncode, done.stdout, done.stderr.decode(), shims.asked) == (1, b"", LINE, [])


def test_a_container_shares_the_shim_that_its_sandbox_was_recorded_with(shims):
    (shims.tasks / "s1/hostfit.json").write_text(json.dumps(shims.note, separators=(",", ":")))
    with Service(shims, said(sandbox="s1")):
        assert start(shims).returncode == 37

    assert (shims.tasks / "c1/hostfit.json").read_bytes() == (shims.tasks / "s1/hostfit.json").read_bytes()
    assert shims.asked == []


PYTHONS = {
    "another runtime": (said(runtime="crun"), ()),
    "a sandbox without a record": (said(sandbox="s1"), ()),
    "a sandbox elsewhere": (said(sandbox="../s1"), ()),
    "a sandbox on another shim": (said(sandbox="s2"), ()),
    "another configuration": (said(digest="0" * 64), ()),
    "no answer": (answering(wire.Answer(wire.YOURSELF)), ()),
    "two dashes": (said(), ("--id", "c1", "start")),
    "a value attached": (said(), ("-id=c1", "start")),
    "a word too many": (said(), (*FLAGS, "c1", "start", "x")),
}


@pytest.mark.parametrize("case", PYTHONS)
def test_whatever_else_it_is_python_decides(case, shims):
    treat, words = PYTHONS[case]
    (shims.tasks / "s2").mkdir()
    (shims.tasks / "s2/hostfit.json").write_text(json.dumps({**shims.note, "shim": "/other"}, separators=(",", ":")))
    with Service(shims, treat):
        done = start(shims, *words)

    assert (done.returncode, done.stderr) == (1, b"hostfit: python was asked")
    assert len(shims.asked) == 1
    assert not (shims.tasks / "c1/hostfit.json").exists()


@pytest.mark.parametrize("words", [("delete",), ("-info",), ()])
def test_what_starts_nothing_is_python_s_too(words, shims, probe):
    with Service(shims, said()) as service:
        done = start(shims, *(*FLAGS, "c1", *words) if words != ("-info",) else words)

    assert (done.returncode, service.questions) == (37, [])
