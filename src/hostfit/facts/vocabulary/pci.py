"""The vocabulary of PCI devices."""

from __future__ import annotations

from hostfit.core.vocabulary import HEX, INSTANCE, NUMBER, TEXT, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "pci.device",
        meaning="PCI devices, one instance each; two rules may be met by two different devices",
        source="/sys/bus/pci/devices/*",
        link="https://docs.kernel.org/PCI/sysfs-pci.html",
        elements=(
            ElementInfo("class", INSTANCE, HEX, "class and subclass, the first four digits: 0200 is Ethernet, 0302 3D"),
            ElementInfo("vendor", INSTANCE, HEX, "vendor id, 8086 is Intel, 10de NVIDIA, 1002 AMD, 15b3 Mellanox"),
            ElementInfo("device", INSTANCE, HEX, "device id, of the vendor's own numbering"),
            ElementInfo("subsystem_vendor", INSTANCE, HEX, "vendor id of the board"),
            ElementInfo("subsystem_device", INSTANCE, HEX, "device id of the board"),
            ElementInfo("sriov_totalvfs", INSTANCE, NUMBER, "most virtual functions; absent where there is no SR-IOV"),
            ElementInfo("iommu_group/type", INSTANCE, TEXT, "how the IOMMU maps it: DMA, DMA-FQ, identity"),
            ElementInfo("iommu/intel-iommu/version", INSTANCE, TEXT, "version of the Intel IOMMU, as MAJOR:MINOR"),
            ElementInfo("address", INSTANCE, TEXT, "DOMAIN:BUS:DEVICE.FUNCTION, such as 0000:3b:00.0 (not in NFD)"),
            ElementInfo("driver", INSTANCE, TEXT, "driver bound to it; absent if none is (not in NFD)"),
            ElementInfo("numa_node", INSTANCE, NUMBER, "NUMA node, -1 where the firmware names none (not in NFD)"),
        ),
    ),
)

PROBES = {"pci.device": "pci"}
