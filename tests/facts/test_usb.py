"""usb.device against trees."""

from __future__ import annotations

from hostfit.core.facts import Unknown

STICK = "/sys/bus/usb/devices/1-1/"
KEYS = "/sys/bus/usb/devices/1-2/"


def test_device_has_nfd_s_attributes_and_no_serial_where_it_has_none(feature):
    found = feature(
        "usb.device", {STICK + "bDeviceClass": "09\n", STICK + "idVendor": "1D6B\n", STICK + "idProduct": "0002\n"}
    )

    assert found.instances == ({"class": "09", "vendor": "1d6b", "device": "0002"},)


def test_device_that_leaves_the_class_to_its_interfaces_counts_once_for_each(feature):
    files = {
        KEYS + "bDeviceClass": "00\n",
        KEYS + "idVendor": "046d\n",
        KEYS + "idProduct": "c31c\n",
        KEYS + "serial": "A1\n",
        KEYS + "1-2:1.0/bInterfaceClass": "03\n",
        KEYS + "1-2:1.1/bInterfaceClass": "0e\n",
        "/sys/bus/usb/devices/1-2:1.0/bInterfaceClass": "03\n",
    }
    found = feature("usb.device", files)

    assert [one["class"] for one in found.instances] == ["03", "0e"]
    assert {one["serial"] for one in found.instances} == {"A1"}


def test_device_without_interfaces_keeps_its_own_class(feature):
    assert feature("usb.device", {KEYS + "bDeviceClass": "00\n"}).instances == ({"class": "00"},)


def test_host_without_usb_is_known_to_have_no_device(feature):
    found = feature("usb.device", {"/sys/bus/pci/uevent": ""})

    assert (found.instances, found.unknown) == ((), None)


def test_attribute_that_cannot_be_read_is_unknown_alone(feature):
    files = {STICK + "bDeviceClass": "08\n", STICK + "idVendor": "0781\n"}

    assert feature("usb.device", files, {"vendor", "serial"}, links={STICK + "serial": "serial"}).instances == (
        {"vendor": "0781", "serial": Unknown(STICK + "serial: ELOOP")},
    )
