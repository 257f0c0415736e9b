"""The vocabulary of devices that the Container Device Interface offers."""

from __future__ import annotations

from hostfit.core.vocabulary import INSTANCE, TEXT, VOLATILE, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "cdi.device",
        meaning="devices of the CDI specs on this host, one instance each; a spec in /var/run/cdi overrides one in "
        "/etc/cdi, and two of equal rank that name the same device take it from both, as the CDI says",
        source="/etc/cdi/*.json, *.yaml; /var/run/cdi/*.json, *.yaml",
        link="https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md",
        stability=VOLATILE,
        elements=(
            ElementInfo("name", INSTANCE, TEXT, "qualified name, such as nvidia.com/gpu=0"),
            ElementInfo("kind", INSTANCE, TEXT, "VENDOR/CLASS, such as nvidia.com/gpu"),
            ElementInfo("vendor", INSTANCE, TEXT, "the vendor, such as nvidia.com"),
            ElementInfo("class", INSTANCE, TEXT, "the class, such as gpu"),
            ElementInfo("device", INSTANCE, TEXT, "the device's own name, such as 0 or all"),
        ),
    ),
)

PROBES = {"cdi.device": "cdi"}
