"""device.node against find(1) and a tree; and what all probes of devices must not do."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hostfit.core.facts import Unknown, Wanted
from hostfit.facts.host import Host
from hostfit.facts.probes import devices

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
HOT = (
    "pci",
    "usb",
    "netdevices",
    "netlinks",
    "linkkinds",
    "sriov",
    "rdma",
    "udev",
    "nvidia",
    "amdgpu",
    "cdi",
    "devices",
)
FORBIDDEN = {
    "re",
    "json",
    "typing",
    "enum",
    "dataclasses",
    "collections",
    "functools",
    "contextlib",
    "pathlib",
    "logging",
}
FORBIDDEN |= {"subprocess", "socket", "struct", "signal", "threading", "importlib", "hashlib", "string", "yaml"}


def test_live_nodes_are_those_that_find_lists():
    said = subprocess.run(
        ["find", "/dev", "-xdev", "(", "-type", "c", "-o", "-type", "b", ")", "-printf", "%y %p\n"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")[:-1]

    found = Host().read(Wanted({"device.node": None}))["device.node"]
    assert found.unknown is None
    assert sorted(f"{one['type']} {one['path']}" for one in found.instances) == sorted(said)


def test_live_numbers_are_those_of_the_node():
    null = os.stat("/dev/null")
    found = Host().read(Wanted({"device.node": None}))["device.node"].instances

    expected = {"path": "/dev/null", "type": "c", "major": str(os.major(null.st_rdev)), "minor": "3"}
    assert expected in found


@pytest.mark.skipif(os.geteuid() != 0, reason="device nodes are made by root")
def test_nodes_of_a_tree_are_found_in_directories_and_links_are_none(tree):
    root = tree({"/dev/bus/usb/001/.keep": "", "/dev/file": "x"}, links={"/dev/link": "kvm"})
    os.mknod(root + "/dev/kvm", stat.S_IFCHR | 0o600, os.makedev(10, 232))
    os.mknod(root + "/dev/bus/usb/001/002", stat.S_IFCHR | 0o600, os.makedev(189, 1))
    found = Host(root).read(Wanted({"device.node": None}))["device.node"]

    assert found.unknown is None
    assert found.instances == (
        {"path": "/dev/bus/usb/001/002", "type": "c", "major": "189", "minor": "1"},
        {"path": "/dev/kvm", "type": "c", "major": "10", "minor": "232"},
    )


def test_tree_without_dev_says_nothing_on_device_nodes(feature):
    assert feature("device.node", {"/proc/version": ""}).unknown == Unknown("/dev: ENOENT")


def test_walk_ends_at_a_depth_and_says_so(feature):
    found = feature("device.node", {"/dev" + "/a" * 9: None})

    assert found.unknown is not None
    assert "more than 6 levels" in found.unknown.reason


@pytest.mark.skipif(os.geteuid() != 0, reason="device nodes are made by root")
def test_list_ends_at_a_number_and_says_so(tree, monkeypatch):
    monkeypatch.setattr(devices, "_MOST", 2)
    root = tree({"/dev": None})
    for minor in range(3):
        os.mknod(f"{root}/dev/n{minor}", stat.S_IFCHR | 0o600, os.makedev(1, minor))
    found = Host(root).read(Wanted({"device.node": None}))["device.node"]

    assert len(found.instances) == 2
    assert found.unknown == Unknown("/dev: more than 2 nodes")


def test_probes_import_nothing_slow_until_they_need_it():
    script = (
        f"import sys; sys.path.insert(0, {SOURCE!r}); before = set(sys.modules)\n"
        "for name in sys.argv[1:]: __import__('hostfit.facts.probes.' + name)\n"
        "from hostfit.facts import vocabulary\n"
        "for table in 'pci usb network udev nvidia amdgpu cdi device'.split(): vocabulary._table(table)\n"
        "print(' '.join(set(sys.modules) - before))\n"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", script, *HOT], check=True, capture_output=True, text=True)
    imported = set(run.stdout.split())

    assert "hostfit.facts.probes.sriov" in imported
    assert not imported & FORBIDDEN


def test_reading_devices_writes_nothing_and_sends_no_ioctl():
    """No probe changes the host: files are opened for reading, netlink (16) is all that is talked to, nothing is run.

    AF_UNIX (1) is the pair of sockets by which an event loop wakes itself, -1 one made from a descriptor.
    """
    script = (
        f"import sys; sys.path.insert(0, {SOURCE!r})\n"
        "from hostfit.oci import site; site.enable()\n"
        "import pyroute2\n"
        "from hostfit.facts.host import Host\nfrom hostfit.core.facts import Wanted\n"
        "bad = []\n"
        "def hook(event, args):\n"
        "    if event == 'open' and isinstance(args[2], int) and args[2] & 3: bad.append((event, args))\n"
        "    if event == 'socket.__new__' and args[1] not in (-1, 1, 16): bad.append((event, args[1:]))\n"
        "    if event in ('fcntl.ioctl', 'subprocess.Popen', 'os.exec', 'os.posix_spawn', 'os.fork', 'os.system'):\n"
        "        bad.append(event)\n"
        "host = Host()\n"
        "names = [row.name for row in host.features() if row.name.partition('.')[0] in sys.argv[1:]]\n"
        "sys.addaudithook(hook)\n"
        "host.read(Wanted(dict.fromkeys(names)))\n"
        "print(len(names), bad)\n"
    )
    domains = ["pci", "usb", "network", "udev", "nvidia", "amdgpu", "cdi", "device"]
    run = subprocess.run([sys.executable, "-c", script, *domains], check=True, capture_output=True, text=True)

    assert run.stdout == "15 []\n"
