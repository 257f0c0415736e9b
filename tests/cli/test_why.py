"""`hostfit why`: the kept report by id or prefix, as text and as the JSON of the published schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from hostfit.cli.schemas import report_schema_text
from hostfit.core.paths import Paths
from hostfit.gate import gate
from hostfit.oci.request import Bundle, Request

ONE, OTHER = "3f2a1b" + "0" * 58, "3f2a1c" + "0" * 58


@pytest.fixture
def decided(prefix):
    """Two containers were decided on, one of them refused."""
    paths = Paths(etc=f"{prefix}/etc/hostfit", run=f"{prefix}/run/hostfit", var=f"{prefix}/var/lib/hostfit")
    (prefix / "run/hostfit").chmod(0o755)
    for container, clause in ((ONE, "kernel.loadedmodule.nosuch exists"), (OTHER, "kernel.version.major >=1")):
        bundle = Bundle("/bundles/" + container, annotations={"io.hostfit.require": clause})
        report = gate.decide(Request(entry="runtime", verb="create", id=container, bundle=bundle, runtime=""), paths)
        gate.publish(report, paths)


@pytest.mark.parametrize("name", [ONE, ONE[:12], "3f2a1b"])
def test_an_id_or_a_prefix_shows_the_report(hostfit, decided, name):
    done = hostfit("why", name)

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == (
        "hostfit: container 3f2a1b000000 does not fit this host: kernel.loadedmodule nosuch: "
        "required present, found absent (hostfit why 3f2a1b000000)"
    )
    assert "what can be done:" in done.out


def test_json_keeps_to_the_published_schema(hostfit, decided):
    report = json.loads(hostfit("why", ONE, "--format", "json").out)

    jsonschema.Draft202012Validator(json.loads(report_schema_text())).validate(report)
    assert (report["id"], report["verdict"], report["starts"]) == (ONE, "misfit", False)


def test_a_prefix_of_two_names_both(hostfit, decided):
    done = hostfit("why", "3f2a1")

    assert done.code == 2
    assert done.err.splitlines() == [
        "hostfit: container 3f2a1: required an id or unique prefix, found 2 that match",
        f"  hint: {ONE}, {OTHER}",
    ]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ffff", "container ffff: required a kept report, found none"),
        ("", "CONTAINER: required an id or the beginning of one, found an empty word"),
    ],
)
def test_what_was_never_decided_is_said(hostfit, decided, name, complaint):
    done = hostfit("why", name)

    assert (done.code, done.err.splitlines()[0]) == (2, f"hostfit: {complaint}")
