"""`system.platform`: operating system, architecture and variant as image indexes name them."""

from __future__ import annotations

import os

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import cpuinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_ARCHITECTURES = {
    "x86_64": "amd64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "aarch64": "arm64",
    "aarch64_be": "arm64be",
    "armv5tel": "arm",
    "armv6l": "arm",
    "armv7l": "arm",
    "armv8l": "arm",
    "ppc64le": "ppc64le",
    "ppc64": "ppc64",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "loongarch64": "loong64",
    "mips64": "mips64le",
    "mips": "mipsle",
}
"""uname(2) machine to GOARCH; Linux does not tell the byte order of MIPS, little-endian is what there is."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `system.platform`. Raises OSError."""
    del feature
    attributes: dict[str, str | Unknown] = {"os": (root.optional("/proc/sys/kernel/ostype") or "linux").lower()}
    machine = _machine(root)
    if machine is None:
        attributes["architecture"] = attributes["variant"] = Unknown("/proc/sys/kernel/arch: ENOENT")
        return Feature(attributes=attributes)
    attributes["architecture"] = _ARCHITECTURES.get(machine, machine)
    if names is None or "variant" in names:
        variant = _variant(root, machine)
        if variant:
            attributes["variant"] = variant
    return Feature(attributes=attributes)


def _machine(root: Root) -> str | None:
    """Give the kernel's own architecture, which the personality of a process does not change (Linux 6.1)."""
    machine = root.optional("/proc/sys/kernel/arch")
    if machine:
        return machine
    if root.live:
        named = os.uname().machine
        # personality(2) makes a 64-bit x86 kernel call itself i686.
        return "x86_64" if named == "i686" and "lm" in cpuinfo.load(root).flags else named
    kind = cpuinfo.load(root).kind
    return "aarch64" if kind == "arm64" else "x86_64" if kind and "lm" in cpuinfo.load(root).flags else None


def _variant(root: Root, machine: str) -> str:
    if machine in ("armv6l", "armv7l", "armv8l"):
        return "v" + machine[4]
    if machine not in ("x86_64", "aarch64"):
        return ""
    # The tables of levels are needed for two architectures only.
    from hostfit.facts.probes import cpuid  # see the line above

    levels = cpuid.levels(cpuinfo.load(root))
    if machine == "x86_64":
        held = [name[-2:] for name in levels if name.startswith("x86-64-v")]
        return max(held, default="")
    held = [name[3:-2] for name in levels if name.startswith("armv") and name.endswith("-a")]
    return max(held, default="v8").removesuffix(".0") if held else "v8"
