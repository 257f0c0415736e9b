"""One journal entry per decision, in journald's own protocol, seen by a socket that receives it."""

from __future__ import annotations

import array
import fcntl
import os
import re
import socket
import time
from pathlib import Path

import pytest

from hostfit.core.decision import DENY, Decision
from hostfit.core.image import Image, Resolution
from hostfit.gate import gate, journal
from hostfit.gate.report import Report

GTP5G = "kernel.loadedmodule.gtp5g exists"
CATALOGUE = Path(__file__).resolve().parents[2] / "systemd" / "hostfit.catalog"


class Receiver:
    """A datagram socket such as journald's; understands what it is sent as journald does."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(2)
        self.sealed = False

    def datagram(self):
        data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        for level, kind, content in ancillary:
            assert (level, kind, data) == (socket.SOL_SOCKET, socket.SCM_RIGHTS, b"")
            (fd,) = array.array("i", content)
            seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
            self.sealed = seals == fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
            with open(fd, "rb") as file:
                file.seek(0)
                data = file.read()
        return data

    def entry(self):
        data, fields = self.datagram(), []
        while data:
            head, _, rest = data.partition(b"\n")
            if b"=" in head:
                name, _, value = head.partition(b"=")
                data = rest
            else:
                name, length = head, int.from_bytes(rest[:8], "little")
                value, data = rest[8 : 8 + length], rest[8 + length :]
                assert data[:1] == b"\n"
                data = data[1:]
            fields.append((name.decode(), value.decode()))
        return fields


@pytest.fixture
def receiver(tmp_path):
    one = Receiver(tmp_path / "journal")
    yield one
    one.socket.close()


@pytest.fixture
def send(receiver, site, tmp_path):
    def to(report, **places):
        return journal.send(
            report,
            report.tree(),
            site.paths,
            journal=receiver.path,
            syslog=places.get("syslog", f"{tmp_path}/no-syslog"),
        )

    return to


@pytest.fixture
def sent(receiver, send):
    def one(report):
        assert send(report)
        return receiver.entry()

    return one


def test_entry_has_the_fields_by_which_people_search(site, host, request_of, receiver, send):
    resolution = Resolution("podman", Image(name="r.example/free5gc/upf:1", digest="sha256:" + "a" * 64))
    report = gate.decide(
        request_of("kernel.loadedmodule.gtp5g exists; kernel.version.full >=99"),
        site.paths,
        host=host,
        resolution=resolution,
    )

    assert send(report)

    fields = receiver.entry()
    entry = dict(fields)
    assert entry["MESSAGE"] == report.line
    assert entry["MESSAGE_ID"] == journal.MESSAGE_IDS["refused"]
    assert entry["PRIORITY"] == "3"
    assert entry["SYSLOG_IDENTIFIER"] == "hostfit"
    assert (entry["HOSTFIT_VERDICT"], entry["HOSTFIT_ACTION"]) == ("misfit", "deny")
    assert (entry["HOSTFIT_IMAGE"], entry["HOSTFIT_CONTAINER_ID"]) == ("r.example/free5gc/upf:1", "c0ffee")
    assert entry["HOSTFIT_KNOB"] == "on_misfit"
    assert "io.hostfit.require" in entry["HOSTFIT_DOCUMENT"]
    rules = [value for name, value in fields if name == "HOSTFIT_RULE"]
    assert rules == [GTP5G, "kernel.version.full >=99"]
    assert '"verdict":"misfit"' in entry["HOSTFIT_REPORT"]
    assert all(re.fullmatch("[A-Z][A-Z0-9_]{0,63}", name) for name in entry), list(entry)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("", {}), ("started", "6", "")),
        ((GTP5G, {}), ("refused", "3", "")),
        ((GTP5G, {"hostfit.toml": '[policy]\non_misfit = "warn"\n'}), ("warned", "4", "")),
        ((GTP5G, {"hostfit.toml": '[policy]\non_misfit = "allow"\n'}), ("started", "6", "")),
        ((GTP5G, {"disabled": ""}), ("lifted", "4", "1")),
        (("", {"hostfit.toml": "[polcy]\n"}), ("error", "3", "")),
    ],
)
def test_each_outcome_has_its_own_message(site, decide, sent, given, expected):
    require, files = given
    for name, text in files.items():
        site.write(name, text)

    entry = dict(sent(decide(require)))

    kind, priority, lifted = expected
    assert (entry["MESSAGE_ID"], entry["PRIORITY"]) == (journal.MESSAGE_IDS[kind], priority)
    assert entry.get("HOSTFIT_LIFTED", "") == lifted


def test_every_message_has_an_entry_in_the_catalogue():
    listed = re.findall(r"^-- ([0-9a-f]{32})$", CATALOGUE.read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(journal.MESSAGE_IDS.values())
    assert len(set(listed)) == 5


def test_catalogue_names_only_fields_that_entries_have():
    source = Path(journal.__file__).read_text()

    for field in re.findall(r"@([A-Z_]+)@", CATALOGUE.read_text()):
        assert f'"{field}"' in source, field


def test_crash_sends_its_traceback_whole(decide, sent, monkeypatch):
    monkeypatch.setattr(gate, "candidates_for", None)
    report = decide()

    entry = dict(sent(report))

    assert entry["HOSTFIT_TRACEBACK"] == report.traceback
    assert entry["HOSTFIT_TRACEBACK"].count("\n") > 3
    assert "internal error (TypeError)" in entry["HOSTFIT_ERROR"]


@pytest.mark.parametrize(
    "value", ["plain", "two\nlines", "\n", "ends\n", "a=b", "=", "é\u202e", "\ud800", "x" * 70_000]
)
def test_any_value_arrives_as_it_was_sent(receiver, value):
    journal._deliver(receiver.path, journal.encode([("BEFORE", "1"), ("FIELD", value), ("AFTER", "2")]))

    expected = value.encode("utf-8", "backslashreplace").decode()
    assert receiver.entry() == [("BEFORE", "1"), ("FIELD", expected), ("AFTER", "2")]


def test_name_cannot_add_a_field(site, host, request_of, receiver, send):
    image = Image(name="x\nMESSAGE=forged\nHOSTFIT_VERDICT=fit")
    report = gate.decide(
        request_of(GTP5G, id="y\nPRIORITY=7"), site.paths, host=host,
        resolution=Resolution("podman", image),
    )  # fmt: skip

    send(report)

    names = [name for name, _ in receiver.entry()]
    assert names.count("MESSAGE") == names.count("HOSTFIT_VERDICT") == names.count("PRIORITY") == 1


def test_entry_too_long_for_a_datagram_goes_as_a_sealed_file(receiver):
    value = "x" * (8 << 20)

    assert journal._deliver(receiver.path, journal.encode([("FIELD", value)]))

    assert receiver.entry() == [("FIELD", value)]
    assert receiver.sealed


def test_no_descriptor_is_left_behind(receiver):
    before = len(os.listdir("/proc/self/fd"))

    journal._deliver(receiver.path, journal.encode([("FIELD", "x" * (8 << 20))]))

    assert len(os.listdir("/proc/self/fd")) == before


def test_without_journald_syslog_gets_the_line(site, host, request_of, tmp_path):
    syslog = Receiver(tmp_path / "log")
    report = gate.decide(request_of(GTP5G), site.paths, host=host)

    assert journal.send(report, report.tree(), site.paths, journal=f"{tmp_path}/none", syslog=syslog.path)

    expected = report.line.removeprefix("hostfit: ")
    assert syslog.datagram().decode() == f"<27>hostfit[{os.getpid()}]: {expected}"
    syslog.socket.close()


def test_without_either_nothing_happens(site, host, request_of, tmp_path):
    report = gate.decide(request_of(), site.paths, host=host)

    assert not journal.send(report, {}, site.paths, journal=f"{tmp_path}/none", syslog=f"{tmp_path}/none")


def test_journal_that_does_not_read_is_not_waited_for(site, host, request_of, receiver, send):
    report = gate.decide(request_of(), site.paths, host=host)
    while send(report):
        pass
    start = time.monotonic()

    assert not send(report)

    assert time.monotonic() - start < 0.5


def test_journal_that_died_leaves_a_socket_behind(decide, receiver, send, tmp_path):
    receiver.socket.close()
    syslog = Receiver(tmp_path / "log")

    assert send(decide(), syslog=syslog.path)
    syslog.socket.close()


def test_report_without_image_or_documents_can_be_sent(site, request_of, receiver, send):
    report = Report(request_of(), Resolution(""), Decision(DENY, "unknown", ()), line="hostfit: x")

    assert send(report)
    assert dict(receiver.entry())["MESSAGE"] == "hostfit: x"
