"""The vocabulary of device nodes."""

from __future__ import annotations

from hostfit.core.vocabulary import INSTANCE, NUMBER, TEXT, VOLATILE, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "device.node",
        meaning="character and block devices below /dev, terminals of /dev/pts excepted",
        source="/dev/**",
        link="https://docs.kernel.org/admin-guide/devices.html",
        stability=VOLATILE,
        elements=(
            ElementInfo("path", INSTANCE, TEXT, "path of the node, such as /dev/kvm"),
            ElementInfo("type", INSTANCE, TEXT, "c for a character device, b for a block device"),
            ElementInfo("major", INSTANCE, NUMBER, "major number"),
            ElementInfo("minor", INSTANCE, NUMBER, "minor number"),
        ),
    ),
)

PROBES = {"device.node": "devices"}
