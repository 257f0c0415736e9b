"""amdgpu.driver and amdgpu.gpu: from the module's directory and the topology of the compute interface (KFD)."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.devtree import children, present, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_MODULE = "/sys/module/amdgpu"
_NODES = "/sys/class/kfd/kfd/topology/nodes"
_DIGITS = 20
"""Those of the largest 64-bit number; int() refuses texts of thousands."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give the driver, or the GPUs."""
    found = _driver(root) if feature == "amdgpu.driver" else _gpus(root)
    if names is not None and found.attributes is not None:
        found.attributes = {name: text for name, text in found.attributes.items() if name in names}
    return found


def _driver(root: Root) -> Feature:
    if not root.exists(_MODULE):
        # Raises where there is no such directory: a tree without modules says nothing.
        root.names("/sys/module")
        return Feature(attributes={"loaded": "false"})
    # The kernel's own amdgpu has no version; AMD's packages set one.
    version = value(root, _MODULE + "/version")
    flavour = "kernel" if version is None else "dkms"
    return Feature(attributes=present({"loaded": "true", "version": version, "flavour": flavour}))


def _gpus(root: Root) -> Feature:
    found = []
    for node in children(root, _NODES, "/sys/class"):
        base = f"{_NODES}/{node}/"
        pairs = [line.partition(" ") for line in root.text(base + "properties").splitlines()]
        numbers = {key: int(text) for key, _, text in pairs if text.isdecimal() and len(text) <= _DIGITS}
        # CPUs are nodes as well; only GPUs have SIMD units.
        if numbers.get("simd_count", 0) > 0:
            found.append(_gpu(value(root, base + "name"), numbers))
    return Feature(attributes={"count": str(len(found))}, instances=found)


def _gpu(name: str | Unknown | None, numbers: dict[str, int]) -> dict[str, str | Unknown]:
    """Give one GPU from the numbers of its node (drivers/gpu/drm/amd/amdkfd/kfd_topology.c)."""
    target = numbers.get("gfx_target_version", 0)
    location = numbers.get("location_id", 0)
    units = numbers.get("simd_per_cu", 0)
    return present(
        {
            "name": name or None,
            # Major, minor and stepping are two decimal digits each; the name has the last two as one hex digit.
            "arch": f"gfx{target // 10000}{target // 100 % 100:x}{target % 100:x}"
            if target
            else Unknown(f"{_NODES}: no gfx_target_version"),
            "device": f"{numbers['device_id']:04x}" if "device_id" in numbers else None,
            # Bus, device (5 bits) and function (3 bits), as PCI_DEVID of linux/pci.h.
            "address": f"{numbers.get('domain', 0):04x}:{location >> 8 & 0xFF:02x}:{location >> 3 & 0x1F:02x}"
            f".{location & 7}",
            "compute_units": str(numbers["simd_count"] // units) if units else None,
        }
    )
