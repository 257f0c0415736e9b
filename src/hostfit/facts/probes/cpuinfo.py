"""/proc/cpuinfo parsed once per reading, for the probes that need it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_X86_VENDORS = {
    "GenuineIntel": "Intel",
    "AuthenticAMD": "AMD",
    "AMDisbetter!": "AMD",
    "HygonGenuine": "Hygon",
    "CentaurHauls": "VIA",
    "VIA VIA VIA": "VIA",
    "GenuineTMx86": "Transmeta",
    "TransmetaCPU": "Transmeta",
    "Geode by NSC": "NSC",
    "SiS SiS SiS": "SiS",
    "Genuine  RDC": "RDC",
}
_ARM_VENDORS = {
    0x41: "ARM",
    0x42: "Broadcom",
    0x43: "Cavium",
    0x44: "DEC",
    0x46: "Fujitsu",
    0x49: "Infineon",
    0x4D: "Motorola",
    0x4E: "NVIDIA",
    0x50: "AMCC",
    0x51: "Qualcomm",
    0x56: "Marvell",
    0x61: "Apple",
    0x69: "Intel",
    0xC0: "Ampere",
}
"""Implementer codes of MIDR_EL1 to klauspost/cpuid's vendor names."""


class CpuInfo:
    """What the file says of all CPUs together.

    `kind` is `x86`, `arm64` or "" for other architectures; `fields` those of the first CPU; `flags` what every CPU
    has, in the kernel's spelling; `parts` the `implementer part` pairs of Arm cores; `count` the CPUs online.
    """

    __slots__ = ("count", "fields", "flags", "kind", "parts")

    def __init__(
        self, kind: str, fields: dict[str, str], flags: frozenset[str], parts: frozenset[str], count: int
    ) -> None:
        self.kind = kind
        self.fields = fields
        self.flags = flags
        self.parts = parts
        self.count = count

    @property
    def vendor(self) -> str:
        """The vendor by klauspost's name, or `VendorUnknown`."""
        if self.kind == "arm64":
            return _ARM_VENDORS.get(number(self.fields.get("CPU implementer", "")), "VendorUnknown")
        return _X86_VENDORS.get(self.fields.get("vendor_id", ""), "VendorUnknown")


def number(text: str) -> int:
    """Give a decimal or 0x number, or -1 where it is none."""
    digits = text.removeprefix("0x")
    base = 16 if text.startswith("0x") else 10
    return int(digits, base) if digits.isascii() and digits.isalnum() and _all_in(digits, base) else -1


def _all_in(digits: str, base: int) -> bool:
    allowed = "0123456789abcdefABCDEF" if base == 16 else "0123456789"
    return len(digits) <= 18 and all([char in allowed for char in digits])


def parse(text: str) -> CpuInfo:
    """Parse the text of /proc/cpuinfo; whatever is not understood is left out."""
    fields: dict[str, str] = {}
    lines: set[str] = set()
    parts: set[str] = set()
    kind = ""
    count = 0
    implementer = ""
    for line in text.split("\n"):
        key, colon, value = line.partition(":")
        if not colon:
            continue
        key = key.strip()
        value = value.strip()
        if key == "processor":
            count += 1
        elif key in ("flags", "Features"):
            kind = "x86" if key == "flags" else kind
            lines.add(value)
        elif key == "CPU implementer":
            kind = "arm64"
            implementer = value
        elif key == "CPU part":
            parts.add(f"{implementer} {value}")
        if count <= 1:
            fields.setdefault(key, value)
    if kind == "arm64" and fields.get("CPU architecture", "8") not in ("8", "AArch64"):
        kind = ""
    sets = [frozenset(line.split()) for line in lines]
    flags = frozenset.intersection(*sets) if sets else frozenset()
    return CpuInfo(kind, fields, flags, frozenset(parts), count)


def load(root: Root) -> CpuInfo:
    """Give /proc/cpuinfo, parsed once for all probes of one reading. Raises OSError."""
    found = root.memo.get("cpuinfo")
    if not isinstance(found, CpuInfo):
        found = parse(root.text("/proc/cpuinfo"))
        root.memo["cpuinfo"] = found
    return found
