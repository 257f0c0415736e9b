"""pci.device against a tree and against what the kernel says in another place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from hostfit.core.facts import Unknown, Wanted
from hostfit.facts.host import Host

NIC = "/sys/bus/pci/devices/0000:3b:00.0/"
IDS = {
    NIC + "class": "0x020000\n",
    NIC + "vendor": "0x8086\n",
    NIC + "device": "0x1592\n",
    NIC + "subsystem_vendor": "0x8086\n",
    NIC + "subsystem_device": "0x000D\n",
}


def test_device_has_nfd_s_names_and_forms(feature):
    found = feature("pci.device", {**IDS, NIC + "revision": "0x02\n"})

    assert found.instances == (
        {
            "class": "0200",
            "vendor": "8086",
            "device": "1592",
            "subsystem_vendor": "8086",
            "subsystem_device": "000d",
            "address": "0000:3b:00.0",
        },
    )


def test_optional_attributes_are_there_where_sysfs_has_them(feature):
    files = {
        **IDS,
        NIC + "sriov_totalvfs": "128\n",
        NIC + "iommu_group/type": "DMA-FQ\n",
        NIC + "iommu/intel-iommu/version": "1:0\n",
        NIC + "numa_node": "-1\n",
    }
    (found,) = feature("pci.device", files, links={NIC + "driver": "../../drivers/ice"}).instances

    assert found["sriov_totalvfs"] == "128"
    assert found["iommu_group/type"] == "DMA-FQ"
    assert found["iommu/intel-iommu/version"] == "1:0"
    assert (found["driver"], found["numa_node"]) == ("ice", "-1")


@pytest.mark.parametrize("missing", ["class", "vendor", "device", "subsystem_vendor", "subsystem_device"])
def test_device_without_one_of_the_five_ids_is_left_out_as_in_nfd(feature, missing):
    files = {path: text for path, text in IDS.items() if not path.endswith("/" + missing)}

    assert feature("pci.device", files).instances == ()


def test_host_without_a_pci_bus_is_known_to_have_no_device(feature):
    found = feature("pci.device", {"/sys/bus/cpu/drivers_autoprobe": "1\n"})

    assert (found.instances, found.unknown) == ((), None)


def test_tree_without_sysfs_says_nothing_on_pci_devices(feature):
    found = feature("pci.device", {"/proc/version": "Linux\n"})

    assert found.unknown == Unknown("/sys/bus/pci/devices: ENOENT")


@pytest.fixture
def nobody():
    """Be a user whom file modes bind, if the tests run as root, which they do not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


def test_unreadable_directory_is_unknown_with_path_and_errno(nobody):
    with tempfile.TemporaryDirectory() as root:
        devices = Path(root, "sys/bus/pci/devices")
        devices.mkdir(parents=True)
        devices.chmod(0)

        found = Host(root).read(Wanted({"pci.device": None}))["pci.device"]
        devices.chmod(0o755)
    assert found.unknown == Unknown("/sys/bus/pci/devices: EACCES")


def test_directory_that_is_none_is_unknown_with_path_and_errno(feature):
    found = feature("pci.device", {"/sys/bus/pci": None}, links={"/sys/bus/pci/devices": "devices"})

    assert found.unknown == Unknown("/sys/bus/pci/devices: ELOOP")


def test_attribute_that_cannot_be_read_is_unknown_alone(feature):
    (found,) = feature("pci.device", IDS, links={NIC + "numa_node": "numa_node"}).instances

    assert found["vendor"] == "8086"
    assert found["numa_node"] == Unknown(NIC + "numa_node: ELOOP")


def test_only_what_is_asked_for_is_read(feature):
    files = {**IDS, NIC + "numa_node": None}

    assert feature("pci.device", files, {"vendor", "class"}).instances == ({"vendor": "8086", "class": "0200"},)


def test_live_devices_agree_with_their_uevent_files():
    places = sorted(Path("/sys/bus/pci/devices").glob("*")) if Path("/sys/bus/pci").exists() else []
    said = []
    for place in places:
        uevent = dict(line.split("=", 1) for line in (place / "uevent").read_text().splitlines())
        vendor, device = uevent["PCI_ID"].lower().split(":")
        said.append((place.name, vendor, device, f"{int(uevent['PCI_CLASS'], 16):06x}"[:4], uevent.get("DRIVER")))

    found = Host().read(Wanted({"pci.device": None}))["pci.device"].instances
    assert said == [(one["address"], one["vendor"], one["device"], one["class"], one.get("driver")) for one in found]
