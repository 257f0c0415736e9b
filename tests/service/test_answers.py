"""hostfitd answers what Python would decide, keeps the report like it, and hands back what it cannot be sure of."""

from __future__ import annotations

import array
import hashlib
import json
import os
import socket

import pytest

from hostfit.core.paths import Paths
from hostfit.gate import keep
from hostfit.service import wire
from hostfit.service.decide import Decider
from hostfit.service.live import LiveHost

from .conftest import MISFIT, PATIENCE, SPEC, answer, question, until


def test_a_container_that_fits_starts_on_a_runtime_that_is_given_by_name(service):
    bundle = service.bundle(require=SPEC)

    found = service.ask(bundle)

    assert (found.action, found.line) == (wire.START, "")
    assert found.runtime in ("runc", "crun")
    assert found.digest == hashlib.sha256((bundle / "config.json").read_bytes()).hexdigest()


def test_a_container_that_does_not_fit_is_refused_with_the_line_and_the_report_is_there_at_once(service):
    found = service.ask(service.bundle(require=MISFIT), "c-refused")

    assert found.action == wire.DENY
    assert "hostfit_none: required present, found absent (hostfit why c-refused)" in found.line
    report = keep.find("c-refu", service.paths)
    assert (report["verdict"], report["line"]) == ("misfit", found.line)


def test_the_report_on_a_start_is_kept_too(service):
    service.ask(service.bundle(require=SPEC), "c-started")

    assert until(lambda: kept("c-started", service), "a report")["verdict"] == "fit"


def kept(container, service):
    try:
        return keep.find(container, service.paths)
    except keep.UsageError:
        return None


@pytest.mark.parametrize(
    ("notes", "action"),
    [({}, wire.START), ({"io.hostfit.runtime": "crun"}, wire.YOURSELF)],
    ids=["nothing else asked", "a runtime asked for"],
)
def test_a_container_of_a_pod_is_bound_to_its_sandbox_whose_record_only_root_reads(service, notes, action):
    bundle = service.bundle("pod")
    tree = json.loads((bundle / "config.json").read_text())
    pod = {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "s1"}
    (bundle / "config.json").write_text(json.dumps(tree | {"annotations": pod | notes}))

    if action == wire.YOURSELF:
        assert asked_raw(service, question(bundle)) == action
    else:
        found = service.ask(bundle)
        assert (found.action, found.sandbox) == (action, "s1")


def test_a_hook_is_told_to_go_on_without_a_runtime(service):
    found = service.ask(service.bundle(require=SPEC), "h1", entry="hook")

    assert (found.action, found.runtime) == (wire.START, "")


def test_a_hook_whose_state_names_another_bundle_decides_itself(service):
    other = service.bundle("other")
    state = json.dumps({"id": "c1", "bundle": str(other)}).encode()

    assert service.ask(service.bundle(), entry="hook") is not None
    assert asked_raw(service, wire.Question(entry="hook", bundle=str(service.bundle()), state=state)) == wire.YOURSELF


def asked_raw(service, one, config="config.json"):
    """Ask with a file of the bundle open as its configuration, and give the action of the answer."""
    fd = os.open(f"{one.bundle}/{config}", os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(service.socket)
        connection.sendmsg(
            [wire.encode_question(one)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        )
        os.close(fd)
        return answer(connection).action


def test_a_policy_that_changes_counts_for_the_next_question(service):
    bundle = service.bundle(require=MISFIT)
    assert service.ask(bundle).action == wire.DENY

    place = service.top / "etc"
    place.mkdir()
    (place / "hostfit.toml").write_text('[policy]\non_misfit = "warn"\n')
    assert service.ask(bundle).action == wire.START

    (place / "hostfit.toml").write_text('[policy]\non_misfit = "nonsense"\n')
    refused = service.ask(bundle)
    assert (refused.action, "policy cannot be used" in refused.line) == (wire.DENY, True)

    (place / "hostfit.toml").unlink()
    assert service.ask(bundle).action == wire.DENY


def test_the_break_glass_file_counts_for_the_next_question_while_it_is_there(service):
    refused = service.bundle(require=MISFIT)
    assert service.ask(refused).action == wire.DENY

    place = service.top / "etc"
    place.mkdir()
    (place / "disabled").touch()
    assert service.ask(refused).action == wire.START

    (place / "disabled").unlink()
    assert service.ask(refused).action == wire.DENY


def test_a_configuration_that_the_service_sees_elsewhere_is_handed_back(service):
    bundle = service.bundle(require=SPEC)
    (bundle / "other.json").write_bytes((bundle / "config.json").read_bytes())

    assert service.ask(bundle).action == wire.START
    assert asked_raw(service, question(bundle), "other.json") == wire.YOURSELF


def test_a_configuration_that_cannot_be_understood_is_handed_back(service):
    bundle = service.bundle()
    (bundle / "config.json").write_text('{"a": 1, "a": 2}')

    assert service.ask_once(bundle) is None


@pytest.mark.parametrize("form", ["{", "[]", "null"])
def test_nonsense_in_place_of_a_configuration_is_handed_back(form, service):
    bundle = service.bundle()
    (bundle / "config.json").write_text(form)

    assert service.ask_once(bundle) is None


def test_a_decision_that_breaks_is_handed_back_and_the_service_goes_on(tmp_path, monkeypatch):
    decider = Decider(Paths(*(f"{tmp_path}/{name}" for name in ("etc", "run", "var"))), LiveHost(listen=False))
    (tmp_path / "config.json").write_text("{}")

    def answered():
        fd = os.open(tmp_path / "config.json", os.O_RDONLY)
        try:
            return decider.answer(question(tmp_path), fd)
        finally:
            os.close(fd)

    with monkeypatch.context() as patch:
        patch.setattr(decider, "decide", lambda _: {}["broken"])
        broken, report = answered()

    assert (broken.action, report) == (wire.YOURSELF, None)
    until(lambda: answered()[0].action == wire.START, "an answer")
