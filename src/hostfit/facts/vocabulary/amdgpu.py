"""The vocabulary of AMD's GPU driver and of the GPUs that it offers for computing."""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, BOOLEAN, HEX, INSTANCE, NUMBER, TEXT, VERSION, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "amdgpu.driver",
        meaning="the amdgpu kernel driver",
        source="/sys/module/amdgpu",
        link="https://rocm.docs.amd.com/projects/install-on-linux/en/latest/reference/system-requirements.html",
        elements=(
            ElementInfo("loaded", ATTRIBUTE, BOOLEAN, "whether the driver is loaded or built in"),
            ElementInfo("version", ATTRIBUTE, VERSION, "version of AMD's own package; absent for the kernel's driver"),
            ElementInfo("flavour", ATTRIBUTE, TEXT, "dkms (AMD's own package) or kernel; absent if it is not loaded"),
        ),
    ),
    FeatureInfo(
        "amdgpu.gpu",
        meaning="AMD GPUs that the kernel's compute interface (KFD) offers, one instance each",
        source="/sys/class/kfd/kfd/topology/nodes/*",
        link="https://rocm.docs.amd.com/en/latest/reference/gpu-arch-specs.html",
        elements=(
            ElementInfo("count", ATTRIBUTE, NUMBER, "number of GPUs"),
            ElementInfo("name", INSTANCE, TEXT, "the driver's name of the chip, such as aldebaran"),
            ElementInfo("arch", INSTANCE, TEXT, "LLVM target, such as gfx90a"),
            ElementInfo("device", INSTANCE, HEX, "PCI device id"),
            ElementInfo("address", INSTANCE, TEXT, "PCI address, such as 0000:c1:00.0"),
            ElementInfo("compute_units", INSTANCE, NUMBER, "number of compute units"),
        ),
    ),
)

PROBES = {"amdgpu.driver": "amdgpu", "amdgpu.gpu": "amdgpu"}
