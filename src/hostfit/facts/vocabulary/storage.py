"""Vocabulary of `storage.*`."""

from __future__ import annotations

from hostfit.core.vocabulary import INSTANCE, NUMBER, TEXT, VOLATILE, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "storage.block",
        meaning="block devices; as in NFD those of loop, ram and device mapper too",
        source="/sys/block/*/queue/",
        link="https://docs.kernel.org/block/queue-sysfs.html",
        stability=VOLATILE,
        elements=(
            ElementInfo("name", INSTANCE, TEXT, "name of the device"),
            ElementInfo("dax", INSTANCE, NUMBER, "1 if it can be accessed directly"),
            ElementInfo("rotational", INSTANCE, NUMBER, "1 if it is a rotating disk"),
            ElementInfo("nr_zones", INSTANCE, NUMBER, "zones of a zoned device"),
            ElementInfo("zoned", INSTANCE, TEXT, "none, host-aware or host-managed"),
        ),
    ),
)
PROBES = {"storage.block": "storage"}
