"""IS hot-plug: what appears on the host is there in the very next decision, whatever was lost on the way."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import pyudev

from hostfit.core.facts import Wanted
from hostfit.facts import vocabulary
from hostfit.facts.host import Host
from hostfit.policy.compiled import SETTLED
from hostfit.service.devices import Devices
from hostfit.service.live import LiveHost
from hostfit.service.wire import DENY, START

from .conftest import services, until

LOOP_ADD, LOOP_REMOVE = 0x4C80, 0x4C81
UDEVD = "/lib/systemd/systemd-udevd"


@pytest.fixture(scope="module")
def decides(room):
    """Ask a service in the room whether something is there."""
    with services() as make:
        service = make(*room.enter)
        service.connection = room.connection
        service.start()

        def there(text):
            return service.require(text).action == START

        there.service = service
        yield there


LINKS = "network.link name={} kind={}"
DEVICES = "udev.device name={} subsystem=net"


@pytest.mark.parametrize("kind", ["veth", "ifb"])
@pytest.mark.parametrize("form", [LINKS, DEVICES], ids=["netlink", "udev"])
def test_a_link_is_there_in_the_next_decision_and_gone_in_the_one_after(form, kind, room, decides):
    asked = form.format("hf0", kind)
    assert not decides(asked)

    for _ in range(3):
        room.run("ip", "link", "add", "hf0", "type", kind)
        assert decides(asked)

        room.run("ip", "link", "del", "hf0")
        assert not decides(asked)


def test_what_changes_on_a_link_is_there_in_the_next_decision(room, decides):
    room.run("ip", "link", "add", "hf0", "type", "ifb")
    assert not decides("network.link name=hf0 kind=ifb mtu=1234")

    room.run("ip", "link", "set", "hf0", "mtu", "1234")
    assert decides("network.link name=hf0 kind=ifb mtu=1234")

    room.run("ip", "link", "set", "hf0", "name", "hf1")
    assert decides("network.link name=hf1 kind=ifb mtu=1234")
    assert decides("udev.device name=hf1 subsystem=net")
    assert not decides("udev.device name=hf0 subsystem=net")
    room.run("ip", "link", "del", "hf1")


def test_a_loop_device_is_there_in_the_next_decision(decides):
    with open("/dev/loop-control", "rb+", buffering=0) as control:
        for number in range(3000 + os.getpid() % 10_000, 20_000):
            asked = f"udev.device name=loop{number} subsystem=block; storage.block name=loop{number}"
            if os.path.exists(f"/sys/block/loop{number}"):
                continue
            assert not decides(asked)
            with contextlib.suppress(FileExistsError):
                fcntl.ioctl(control, LOOP_ADD, number)
                break
        try:
            assert decides(asked)
        finally:
            fcntl.ioctl(control, LOOP_REMOVE, number)
        assert not decides(asked)


def test_a_file_that_is_written_anew_counts_for_the_next_decision(room, decides, tmp_path):
    release = tmp_path / "os-release"
    release.write_text("ID=hf1\n")
    room.run("mount", "--bind", release, "/etc/os-release")
    try:
        until(lambda: time.time_ns() > release.stat().st_ctime_ns + SETTLED, "only what has settled is kept")
        assert decides("system.osrelease.ID =hf1")

        release.write_text("ID=hf2\n")

        assert decides("system.osrelease.ID =hf2")
        assert not decides("system.osrelease.ID =hf1")
    finally:
        room.run("umount", "/etc/os-release")


def test_a_storm_that_overruns_the_monitors_loses_nothing(room, decides):
    """While the service is stopped the kernel drops most of the events; then everything is read anew."""
    service = decides.service
    assert not decides(LINKS.format("last", "ifb"))
    assert not decides(DEVICES.format("last", "ifb"))
    os.kill(pid_of(service), signal.SIGSTOP)
    batch = "".join(f"link add hf{number} group 77 type ifb\n" for number in range(200))
    try:
        room.run("ip", "-batch", "-", input=batch + "link del group 77\nlink add last group 77 type ifb\n")
    finally:
        os.kill(pid_of(service), signal.SIGCONT)

    assert decides(LINKS.format("last", "ifb"))
    assert decides(DEVICES.format("last", "ifb"))
    assert not decides(LINKS.format("hf7", "ifb"))
    assert not decides(DEVICES.format("hf7", "ifb"))
    room.run("ip", "link", "del", "group", "77")


def test_devices_are_enumerated_again_when_the_monitor_lost_events(room):
    """A device that is not in the table stands for one of which the kernel dropped the event (ENOBUFS)."""
    with room.network():
        table = Devices(pyudev, pyudev.Context())
    table.read({"name"})
    (lo,) = [path for path in table._table if path.endswith("/net/lo")]
    del table._table[lo]
    for monitor in table._monitors.values():
        # The least that the kernel gives: a few events overrun it, too few to be a storm.
        with socket.socket(fileno=os.dup(monitor.fileno())) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)

    room.run("ip", "-batch", "-", input="link add hf3 type ifb\nlink del hf3\n" * 5)
    table.read({"name"})

    assert lo in table._table


@pytest.fixture
def strict(room):
    """A service in the room whose policy stops what cannot be told: only a link that is there starts anything."""
    with services() as make:
        service = make(*room.enter)
        Path(service.paths.etc).mkdir(mode=0o755)
        Path(service.paths.etc, "hostfit.toml").write_text('[policy]\non_unknown = "deny"\n')
        service.connection = room.connection
        yield service.start()


def test_decisions_go_on_during_a_storm(room, strict):
    batch = "".join(f"link add hf{n} group 77 type ifb\n" for n in range(200)) + "link del group 77\n"
    storm = subprocess.Popen([*room.enter, "ip", "-batch", "-"], stdin=subprocess.PIPE, text=True)
    try:
        storm.stdin.write(batch)
        storm.stdin.close()
        answers = 0
        while storm.poll() is None or answers < 5:
            # One that takes too long is handed back, which is right as well; most are answered.
            found = strict.ask_once(strict.bundle(require=LINKS.format("none", "ifb")))
            assert found is None or found.action == DENY
            answers += found is not None
    finally:
        storm.kill()
        storm.wait()

    assert answers


def pid_of(service):
    """The service itself: nsenter has become it."""
    return service.process.pid


def test_without_udevd_the_kernel_tells_and_with_it_its_rules_are_seen(room, decides, tmp_path):
    if not os.path.exists(UDEVD):
        pytest.skip("udevd is not installed")
    asked = "udev.device name=hf0 subsystem=net property.HOSTFIT_SEEN=yes"
    room.run("ip", "link", "add", "hf0", "type", "ifb")
    assert decides(DEVICES.format("hf0", "ifb"))
    assert not decides(asked)

    room.run("mkdir", "-p", "/run/udev/rules.d")
    rule = 'SUBSYSTEM=="net", KERNEL=="hf*", ENV{HOSTFIT_SEEN}="yes"'
    room.run("sh", "-c", f"echo '{rule}' > /run/udev/rules.d/90-hostfit.rules")
    # No rule of the machine is run a second time.
    for place in ("/lib/udev/rules.d", "/etc/udev/rules.d"):
        room.run("mount", "-t", "tmpfs", "none", place)
    udevd = subprocess.Popen([*room.enter, UDEVD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: room_has(room, "/run/udev/control"), "udevd must listen")
        room.run("ip", "link", "add", "hf1", "type", "ifb")
        until(lambda: decides(asked.replace("hf0", "hf1")), "the new link must have its property")
        room.run("udevadm", "trigger", "--action=change", "/sys/class/net/hf0")
        until(lambda: decides(asked), "the old link must have its property")
    finally:
        udevd.kill()
        udevd.wait()


def room_has(room, path):
    return subprocess.run([*room.enter, "test", "-e", path], check=False).returncode == 0


def test_live_facts_are_those_that_the_host_itself_gives():
    """Every feature, twice: as it is read first and as it is kept."""
    live, plain = LiveHost(), Host()
    passing = {
        "kernel.sysctl",
        "memory.size",
        "memory.swap",
        "memory.numa",
        "udev.device",
        "network.link",
        "device.node",
    }
    try:
        for _ in range(2):
            live.begin(None)
            for info in vocabulary.features():
                if info.name not in passing:
                    wanted = Wanted({info.name: None})
                    assert same(live, plain, wanted), info.name
    finally:
        live.close()


def same(live, plain, wanted):
    """Whether both give the same; other tests plug things in and out, so there is more than one try."""
    for _ in range(50):
        if live.read(wanted) == plain.read(wanted):
            return True
        time.sleep(0.05)
        live.begin(None)
    return False
