"""udev.device: both ways of reading agree, and udev's database is read in the form that it has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostfit.core.facts import Feature, Unknown, Wanted
from hostfit.facts.host import Host
from hostfit.facts.probes import udev
from hostfit.facts.root import Root

DISK = "/sys/class/block/sda/"
DATABASE = """S:disk/by-id/ata-EXAMPLE
S:disk/by-path/pci-0000:00:17.0-ata-1
W:3
I:4711000
E:ID_BUS=ata
E:ID_MODEL=EXAMPLE
E:DM_UDEV_RULES_VSN=a=b
G:systemd
Q:systemd
V:1
"""


def test_live_devices_read_from_files_are_those_that_pyudev_gives():
    """pyudev as oracle: every device, every attribute, every property."""
    context = udev.pyudev_context()
    if context is None:
        pytest.skip("no libudev")
    ours, complete = udev._from_files(Root(), None)
    theirs, _ = udev._through_pyudev(context, None)

    assert complete
    assert len(ours) > 50
    assert sorted(ours, key=lambda one: one["property.DEVPATH"]) == sorted(
        theirs, key=lambda one: one["property.DEVPATH"]
    )


def test_live_host_is_read_through_pyudev(monkeypatch):
    monkeypatch.setattr(udev, "_through_pyudev", lambda context, names: ([{"name": "through pyudev"}], True))

    assert udev.read(Root(), "udev.device", None).instances == ({"name": "through pyudev"},)


def test_live_host_without_pyudev_is_read_from_files(monkeypatch):
    monkeypatch.setattr(udev, "pyudev_context", lambda: None)
    found = Host().read(Wanted({"udev.device": {"name", "subsystem"}}))["udev.device"]

    assert {"name": "lo", "subsystem": "net"} in found.instances


def test_device_of_a_tree_has_kernel_and_udev_properties(feature):
    files = {
        DISK + "uevent": "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n",
        "/run/udev/data/b8:0": DATABASE,
    }
    (found,) = feature("udev.device", files, links={DISK + "subsystem": "../../block"}).instances

    assert found == {
        "name": "sda",
        "subsystem": "block",
        "devtype": "disk",
        "devnode": "/dev/sda",
        "property.DEVPATH": "/class/block/sda",
        "property.SUBSYSTEM": "block",
        "property.MAJOR": "8",
        "property.MINOR": "0",
        "property.DEVNAME": "/dev/sda",
        "property.DEVTYPE": "disk",
        "property.ID_BUS": "ata",
        "property.ID_MODEL": "EXAMPLE",
        "property.DM_UDEV_RULES_VSN": "a=b",
        "property.USEC_INITIALIZED": "4711000",
        "property.DEVLINKS": "/dev/disk/by-id/ata-EXAMPLE /dev/disk/by-path/pci-0000:00:17.0-ata-1",
        "property.TAGS": ":systemd:",
        "property.CURRENT_TAGS": ":systemd:",
    }


@pytest.mark.parametrize(
    ("path", "uevent", "subsystem", "key"),
    [
        ("/sys/class/net/eth0/", "INTERFACE=eth0\nIFINDEX=3\n", "net", "n3"),
        ("/sys/class/misc/kvm/", "MAJOR=10\nMINOR=232\nDEVNAME=kvm\n", "misc", "c10:232"),
        ("/sys/bus/pci/devices/0000:00:1f.0/", "DRIVER=lpc_ich\n", "pci", "+pci:0000:00:1f.0"),
    ],
)
def test_database_is_found_by_node_by_link_or_by_name(feature, path, uevent, subsystem, key):
    files = {path + "uevent": uevent, f"/run/udev/data/{key}": "E:ID_FOUND=yes\n"}
    (found,) = feature("udev.device", files, links={path + "subsystem": f"../../{subsystem}"}).instances

    assert found["property.ID_FOUND"] == "yes"


def test_only_properties_that_are_asked_for_are_given(feature):
    files = {DISK + "uevent": "MAJOR=8\nMINOR=0\nDEVNAME=sda\n", "/run/udev/data/b8:0": DATABASE}

    found = feature("udev.device", files, {"property.ID_BUS"}, links={DISK + "subsystem": "../../block"})

    assert found.instances == ({"property.ID_BUS": "ata"},)


def test_name_with_a_slash_is_given_as_the_kernel_means_it(feature):
    (found,) = feature("udev.device", {"/sys/class/block/cciss!c0d0/uevent": ""}).instances

    assert found["name"] == "cciss/c0d0"


def test_device_that_is_on_a_bus_and_in_a_class_counts_once(feature):
    files = {"/sys/devices/a/uevent": ""}
    links = {"/sys/bus/pci/devices/a": "../../../devices/a", "/sys/class/net/a": "../../devices/a"}

    assert len(feature("udev.device", files, links=links).instances) == 1


def test_number_of_devices_is_capped_and_said_to_be(feature, monkeypatch):
    monkeypatch.setattr(udev, "MOST", 2)
    found = feature("udev.device", {f"/sys/class/net/e{index}/uevent": "" for index in range(3)})

    assert len(found.instances) == 2
    assert found.unknown == Unknown("/sys: more than 2 devices")


def test_sysfs_without_devices_has_none_and_a_tree_without_sysfs_says_nothing(feature, tmp_path):
    assert feature("udev.device", {"/sys/kernel": None}) == Feature(instances=())
    empty = tmp_path / "empty"
    empty.mkdir()
    assert Host(str(empty)).read(Wanted({"udev.device": None}))["udev.device"].unknown == Unknown("/sys/bus: ENOENT")


@given(st.text(max_size=300), st.text(max_size=20))
def test_any_text_in_a_uevent_file_or_the_database_is_survived(text, node):
    assert all(isinstance(value, str) for value in udev.parse_uevent(text).values())
    assert all(isinstance(value, str) for value in udev.parse_database(text, node).values())
