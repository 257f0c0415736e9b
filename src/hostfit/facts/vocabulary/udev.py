"""The vocabulary of devices as udev knows them."""

from __future__ import annotations

from hostfit.core.vocabulary import INSTANCE, TEXT, VOLATILE, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "udev.device",
        meaning="devices of all subsystems with the properties that the kernel and udev's rules give them, "
        "one instance each. Through pyudev on a live host, from uevent files and udev's database in a tree",
        source="/sys/**/uevent; /run/udev/data",
        link="https://man7.org/linux/man-pages/man7/udev.7.html",
        stability=VOLATILE,
        open_kinds=(INSTANCE,),
        elements=(
            ElementInfo("name", INSTANCE, TEXT, "the kernel's name of the device"),
            ElementInfo("subsystem", INSTANCE, TEXT, "block, net, input, tty, ..."),
            ElementInfo("devtype", INSTANCE, TEXT, "type within the subsystem, such as disk; absent if it has none"),
            ElementInfo("driver", INSTANCE, TEXT, "driver bound to the device; absent if none is"),
            ElementInfo("devnode", INSTANCE, TEXT, "path of the device node; absent if it has none"),
            ElementInfo(
                "property.ID_BUS", INSTANCE, TEXT, "any property of udev, here ID_BUS; `udevadm info` lists them"
            ),
        ),
    ),
)

PROBES = {"udev.device": "udev"}
