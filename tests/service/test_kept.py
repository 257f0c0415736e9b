"""IS facts: what cannot change is read once, and what can is read again as soon as its cause has changed."""

from __future__ import annotations

import shutil
import time

import pytest

from hostfit.core.facts import Feature, Wanted
from hostfit.policy.compiled import SETTLED
from hostfit.service import live, watch
from hostfit.service.live import LiveHost

from .conftest import until


class Counted:
    """Counts how often a host's probes are asked."""

    def __init__(self, monkeypatch, host):
        self.reads = 0
        original = type(host)._feature

        def counting(self_, *given):
            self.reads += 1
            return original(self_, *given)

        monkeypatch.setattr(type(host), "_feature", counting)


@pytest.fixture
def host():
    one = LiveHost(listen=False)
    yield one
    one.close()


def test_what_cannot_change_is_read_once(host, monkeypatch):
    counted = Counted(monkeypatch, host)

    for _ in range(3):
        host.begin(None)
        host.read(Wanted({"kernel.version": None}))

    assert counted.reads == 1


class File:
    """A file of the test's own that tells a fact, for nothing is known of the times of the machine's."""

    def __init__(self, host, path, counted):
        self.path, self.counted = path, counted
        self._host = host

    def told(self):
        """What the next decision is told, and how often the file has been read until then."""
        self._host.begin(None)
        found = self._host.read(Wanted({"system.osrelease": {"ID"}}))["system.osrelease"]
        return found.attributes["ID"], self.counted.reads

    def settles(self):
        """When what was written last can be told from what is written next."""
        return self.path.stat().st_ctime_ns + SETTLED


@pytest.fixture
def file(host, monkeypatch, tmp_path):
    path = tmp_path / "os-release"
    path.write_text("hf1")
    monkeypatch.setattr(LiveHost, "_feature", lambda _, root, *__: Feature(attributes={"ID": root.text(str(path))}))
    return File(host, path, Counted(monkeypatch, host))


def test_what_a_file_tells_is_read_once_until_it_is_written_anew(file):
    until(lambda: time.time_ns() > file.settles(), "only what has settled is kept")

    assert [file.told(), file.told()] == [("hf1", 1), ("hf1", 1)]
    file.path.write_text("hf2")
    assert file.told() == ("hf2", 2)


def test_a_file_that_has_just_changed_is_read_each_time_for_it_may_change_again_unseen(file):
    def more():
        file.path.write_text("hf1")
        (_, first), (_, second) = file.told(), file.told()
        # On a busy machine the time may be over: then once more.
        return [second - first] if time.time_ns() < file.settles() else None

    assert until(more, "two decisions in time") == [1]


@pytest.mark.parametrize("feature", ["pci.device", "cpu.cpuid"])
def test_what_devices_tell_is_read_again_after_an_event_of_any_of_them(feature, room, monkeypatch):
    """The event is real, and the devices are none: there are machines without any."""
    monkeypatch.setattr(LiveHost, "_feature", lambda *_: Feature(instances=[]))
    with room.network():
        host = LiveHost()
    counted = Counted(monkeypatch, host)

    def reads():
        host.begin(None)
        host.read(Wanted({feature: None}))
        return counted.reads

    try:
        until(lambda: reads() == reads(), "it must be kept while nothing happens")
        before = counted.reads
        room.run("ip", "link", "add", "hf2", "type", "ifb")
        assert reads() > before
        room.run("ip", "link", "del", "hf2")
    finally:
        host.close()


@pytest.mark.parametrize("cause", ["_MICROCODE", "_ONLINE"])
def test_late_microcode_and_offline_cpus_are_seen(cause, host, monkeypatch, tmp_path):
    (tmp_path / "told").write_text("1\n")
    monkeypatch.setattr(live, cause, str(tmp_path / "told"))
    counted = Counted(monkeypatch, host)

    for _ in range(3):
        host.begin(None)
        host.read(Wanted({"cpu.cpuid": {"AVX2"}}))
    assert counted.reads == 1
    (tmp_path / "told").write_text("2\n")
    host.begin(None)
    host.read(Wanted({"cpu.cpuid": {"AVX2"}}))

    assert counted.reads == 2


def test_a_file_that_is_replaced_is_read_again(tmp_path):
    (tmp_path / "file").write_text("one")
    root = watch.Watched()
    root.stat(str(tmp_path / "file"))
    root.exists(str(tmp_path / "missing"))
    until(root.settled, "the files must settle")
    assert root.unchanged()

    (tmp_path / "missing").write_text("new")
    assert not root.unchanged()

    shutil.rmtree(tmp_path)
    assert not root.unchanged()


def test_what_is_kept_has_a_bound(host, monkeypatch):
    monkeypatch.setattr(live, "_MOST", 10)
    for number in range(50):
        host.read(Wanted({"kernel.cmdline": {f"option{number}"}}))

    assert len(host._kept) == 10
