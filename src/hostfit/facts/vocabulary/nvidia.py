"""The vocabulary of NVIDIA's driver and GPUs, as `NVIDIA_REQUIRE_*` asks for them. No NVIDIA library is loaded."""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, BOOLEAN, HEX, INSTANCE, NUMBER, TEXT, VERSION, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "nvidia.driver",
        meaning="NVIDIA's kernel driver. All but `loaded` is absent where the driver is not loaded",
        source="/proc/driver/nvidia/version; /sys/module/nvidia",
        link="https://docs.nvidia.com/deploy/cuda-compatibility/",
        elements=(
            ElementInfo("loaded", ATTRIBUTE, BOOLEAN, "whether the driver is loaded"),
            ElementInfo("version", ATTRIBUTE, VERSION, "version of the driver, such as 550.54.15"),
            ElementInfo("branch", ATTRIBUTE, NUMBER, "the first part of the version, such as 550"),
            ElementInfo(
                "cuda",
                ATTRIBUTE,
                VERSION,
                "highest CUDA that the driver's branch serves without a compatibility package, from the table of "
                "NVIDIA's release notes; unknown for a branch that the table does not have",
            ),
            ElementInfo("flavour", ATTRIBUTE, TEXT, "open or proprietary kernel modules"),
        ),
    ),
    FeatureInfo(
        "nvidia.gpu",
        meaning="NVIDIA's GPUs, with or without a driver: one instance each, and what they have in common",
        source="/sys/bus/pci/devices/*; /proc/driver/nvidia/gpus/*/information",
        link="https://developer.nvidia.com/cuda-gpus",
        elements=(
            ElementInfo("count", ATTRIBUTE, NUMBER, "number of GPUs"),
            ElementInfo(
                "arch_min", ATTRIBUTE, VERSION, "lowest compute capability of all GPUs; absent if there is none"
            ),
            ElementInfo(
                "arch_max", ATTRIBUTE, VERSION, "highest compute capability of all GPUs; absent if there is none"
            ),
            ElementInfo(
                "brand",
                ATTRIBUTE,
                TEXT,
                "brand of all GPUs in lower case, told from the model's name (tesla, quadro, geforce, titan, "
                "nvidia, ...), `mixed` if they differ, absent if there is none",
            ),
            ElementInfo("address", INSTANCE, TEXT, "PCI address, such as 0000:41:00.0"),
            ElementInfo("device", INSTANCE, HEX, "PCI device id"),
            ElementInfo("model", INSTANCE, TEXT, "name of the product as the driver says; unknown without the driver"),
            ElementInfo("uuid", INSTANCE, TEXT, "GPU-...; unknown without the driver, and as long as it is unused"),
            ElementInfo("architecture", INSTANCE, TEXT, "kepler, maxwell, pascal, volta, turing, ampere, ada, ..."),
            ElementInfo(
                "arch", INSTANCE, VERSION, "compute capability, from a table of PCI device ids; unknown for a newer GPU"
            ),
        ),
    ),
)

PROBES = {"nvidia.driver": "nvidia", "nvidia.gpu": "nvidia"}
