"""The vocabulary of USB devices."""

from __future__ import annotations

from hostfit.core.vocabulary import HEX, INSTANCE, TEXT, VOLATILE, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "usb.device",
        meaning="USB devices, one instance each, or one per interface where the device leaves the class to these",
        source="/sys/bus/usb/devices/*",
        link="https://www.usb.org/defined-class-codes",
        stability=VOLATILE,
        elements=(
            ElementInfo("class", INSTANCE, HEX, "class of the device or of one of its interfaces; 08 is storage"),
            ElementInfo("vendor", INSTANCE, HEX, "vendor id"),
            ElementInfo("device", INSTANCE, HEX, "product id"),
            ElementInfo("serial", INSTANCE, TEXT, "serial number; absent if the device has none"),
        ),
    ),
)

PROBES = {"usb.device": "usb"}
