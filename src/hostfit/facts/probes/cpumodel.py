"""`cpu.model`: vendor, family and model from /proc/cpuinfo, and the hypervisor as far as files tell."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import cpuinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_CLOCKS = {"kvm-clock": "kvm", "hyperv_clocksource_tsc_page": "msvm", "hyperv_clocksource_msr": "msvm"}
"""Clock sources that only a guest of that hypervisor has (/sys/devices/system/clocksource)."""
_DMI = (
    ("VMware", "vmware"),
    ("Xen", "xenhvm"),
    ("Amazon EC2", "kvm"),
    ("Google", "kvm"),
    ("DigitalOcean", "kvm"),
    ("Hetzner", "kvm"),
    ("BHYVE", "bhyve"),
    ("KVM", "kvm"),
    ("Parallels", "parallels"),
    ("Apple Virtualization", "apple"),
)
"""How the system vendor or product of a virtual machine begins, and klauspost's name of the hypervisor."""
_GUESTS = ("QEMU", "OpenStack", "Alibaba Cloud", "Tencent Cloud", "KubeVirt", "innotek", "VirtualBox")
"""How they begin for virtual machines of a hypervisor that they do not tell."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `cpu.model`. Raises OSError."""
    del feature
    info = cpuinfo.load(root)
    if not info.kind:
        why = Unknown("/proc/cpuinfo: not of an amd64 or arm64 host")
        return Feature(attributes={}, unknown=why)
    arm = info.kind == "arm64"
    model = cpuinfo.number(info.fields.get("CPU part" if arm else "model", ""))
    # MIDR_EL1 holds 15 where features are told by the ID registers, as they are on every arm64 CPU.
    family = 15 if arm else cpuinfo.number(info.fields.get("cpu family", ""))
    attributes: dict[str, str | Unknown] = {"vendor_id": info.vendor}
    for name, value in (("family", family), ("id", model)):
        attributes[name] = str(value) if value >= 0 else Unknown(f"/proc/cpuinfo: no number for {name}")
    if names is None or "hypervisor" in names:
        attributes["hypervisor"] = hypervisor(root, info)
    return Feature(attributes=attributes)


def hypervisor(root: Root, info: cpuinfo.CpuInfo) -> str | Unknown:
    """Give the hypervisor's name, `none` on metal, or why it cannot be known without CPUID."""
    if info.kind == "x86" and "hypervisor" not in info.flags:
        return "none"
    kind = _try(root, "/sys/hypervisor/type")
    if kind == "xen":
        return "xenhvm"
    clocks = _try(root, "/sys/devices/system/clocksource/clocksource0/available_clocksource") or ""
    for clock in clocks.split():
        if clock in _CLOCKS:
            return _CLOCKS[clock]
    tree = _try(root, "/proc/device-tree/hypervisor/compatible")
    if tree is not None:
        return "xenhvm" if tree.startswith("xen") else "kvm" if "kvm" in tree else Unknown("device tree: " + tree[:64])
    vendor = _try(root, "/sys/devices/virtual/dmi/id/sys_vendor")
    product = _try(root, "/sys/devices/virtual/dmi/id/product_name")
    if vendor == "Microsoft Corporation" and product == "Virtual Machine":
        return "msvm"
    for start, name in _DMI:
        if (vendor or "").startswith(start) or (product or "").startswith(start):
            return name
    guest = (vendor or "").startswith(_GUESTS) or (product or "").startswith(_GUESTS)
    if info.kind == "arm64" and vendor and not guest:
        # Nothing on arm64 says "metal"; a maker's name in the firmware tables is as near as it comes.
        return "none"
    return Unknown("hypervisor: its kind is told by the CPUID instruction only")


def _try(root: Root, path: str) -> str | None:
    try:
        return root.line(path).rstrip("\0")
    except OSError:
        return None
