"""Vocabulary of `memory.*`."""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, BOOLEAN, INSTANCE, NUMBER, TEXT, VOLATILE, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "memory.numa",
        meaning="NUMA nodes",
        source="/sys/bus/node/devices",
        link="https://docs.kernel.org/admin-guide/mm/numaperf.html",
        elements=(
            ElementInfo("is_numa", ATTRIBUTE, BOOLEAN, "whether there is more than one node"),
            ElementInfo("node_count", ATTRIBUTE, NUMBER, "number of nodes; 1 for a kernel without NUMA"),
        ),
    ),
    FeatureInfo(
        "memory.nv",
        meaning="devices on the NVDIMM bus",
        source="/sys/bus/nd/devices/*",
        link="https://docs.kernel.org/driver-api/nvdimm/nvdimm.html",
        stability=VOLATILE,
        elements=(
            ElementInfo("name", INSTANCE, TEXT, "name of the device"),
            ElementInfo("devtype", INSTANCE, TEXT, "type of the device"),
            ElementInfo("mode", INSTANCE, TEXT, "mode of a namespace: raw, sector, memory, dax"),
        ),
    ),
    FeatureInfo(
        "memory.swap",
        meaning="swap",
        source="/proc/swaps",
        link="https://man7.org/linux/man-pages/man8/swapon.8.html",
        stability=VOLATILE,
        elements=(ElementInfo("enabled", ATTRIBUTE, BOOLEAN, "whether any swap is active"),),
    ),
    FeatureInfo(
        "memory.hugepages",
        meaning="huge pages that are reserved, by size in Kubernetes' notation (hugepages-2Mi, hugepages-1Gi)",
        source="/sys/kernel/mm/hugepages/*/nr_hugepages",
        link="https://docs.kernel.org/admin-guide/mm/hugetlbpage.html",
        stability=VOLATILE,
        elements=(ElementInfo("enabled", ATTRIBUTE, BOOLEAN, "whether any huge page is reserved"),),
        open_kinds=(ATTRIBUTE,),
        open_comparison=NUMBER,
        open_prefix="hugepages-",
    ),
    FeatureInfo(
        "memory.size",
        meaning="memory in bytes",
        source="/proc/meminfo",
        link="https://docs.kernel.org/filesystems/proc.html#meminfo",
        stability=VOLATILE,
        elements=(
            ElementInfo("total", ATTRIBUTE, NUMBER, "bytes of memory that the kernel can use"),
            ElementInfo("available", ATTRIBUTE, NUMBER, "bytes that could be had now without swapping"),
            ElementInfo("swap", ATTRIBUTE, NUMBER, "bytes of swap"),
        ),
    ),
)
PROBES = {row.name: "memory" for row in FEATURES}
