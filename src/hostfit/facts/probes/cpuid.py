"""Instruction set extensions from what the kernel shows: `cpu.cpuid` and `cpu.microarch`.

Python has no CPUID instruction. /proc/cpuinfo shows what the kernel has enabled, for every CPU, which is what
a program can use; NFD reads the CPU that it happens to run on. Names that kernels do not show are unknown.
"""

from __future__ import annotations

from hostfit.core import versions
from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import cpuinfo
from hostfit.facts.vocabulary import cpuid as names_of
from hostfit.facts.vocabulary import microarch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from hostfit.facts.root import Root

_AT_HWCAP, _AT_HWCAP2 = 16, 26
_NOT_SHOWN = "not shown in /proc/cpuinfo by this kernel"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the two features. Raises OSError."""
    info = cpuinfo.load(root)
    if not info.kind:
        why = Unknown("/proc/cpuinfo: not of an amd64 or arm64 host")
        return Feature(flags=(), attributes={} if feature == "cpu.cpuid" else None, unknown=why)
    if feature == "cpu.microarch":
        return microarchitectures(root, info, names)
    if info.kind != "x86":
        return arm64(root, info)
    shown = names_of.X86_SHOWN
    asked = None if names is None else {shown[name] for name in names & shown.keys()}
    return x86(info, names, unseen(root, info, asked))


def unseen(root: Root, info: cpuinfo.CpuInfo, asked: AbstractSet[str] | None) -> AbstractSet[str]:
    """Give the flags of amd64, all or those asked for, that the running kernel is too old to show."""
    missing = names_of.X86_SINCE.keys() - info.flags
    if asked is not None:
        missing &= asked
    if not missing:
        return missing
    try:
        running: tuple[int, ...] = versions.parse_host(root.line("/proc/sys/kernel/osrelease")) or (0,)
    except OSError:
        # Any kernel may have written what is in this tree.
        running = (0,)
    return {flag for flag in missing if names_of.X86_SINCE[flag] > running}


def microarchitectures(root: Root, info: cpuinfo.CpuInfo, names: set[str] | None) -> Feature:
    """Give `cpu.microarch`; unknown is what only extensions that the kernel would not show stand in the way of."""
    found = levels(info)
    if info.kind != "x86" or (names is not None and names <= found):
        return Feature(flags=found)
    maybe = microarch.matching(microarch.X86, info.vendor, info.flags | unseen(root, info, None)) - found
    return Feature(flags=found, unknown_flags={name: Unknown(f"{name}: {_NOT_SHOWN}") for name in maybe})


def levels(info: cpuinfo.CpuInfo) -> set[str]:
    """Give all levels and microarchitectures whose code every CPU can run."""
    if info.kind == "x86":
        found = microarch.matching(microarch.X86, info.vendor, info.flags)
        return found | {microarch.LEVEL_NAMES[name] for name in found if name in microarch.LEVEL_NAMES}
    sets = [microarch.matching(microarch.ARM, part, info.flags) for part in info.parts or {""}]
    return set.intersection(*sets)


def x86(info: cpuinfo.CpuInfo, names: set[str] | None, missing: AbstractSet[str] = frozenset()) -> Feature:
    """Give `cpu.cpuid` of an amd64 host; `missing` are the flags that its kernel would not show."""
    kernel = info.flags
    found = {name for name, flag in names_of.X86_SHOWN.items() if flag in kernel}
    found |= {name for name, flag in names_of.X86_HIDDEN.items() if flag in kernel}
    not_shown = names_of.X86_HIDDEN.keys() | {name for name, flag in names_of.X86_SHOWN.items() if flag in missing}
    asked = not_shown if names is None else names & not_shown
    unknown = {name: Unknown(f"{name}: {_NOT_SHOWN}") for name in asked if name not in found}
    if "fxsr_opt" in kernel or "sse" in kernel:
        found.add("FXSROPT")
    if "intel_ppin" in kernel or "amd_ppin" in kernel:
        found.add("PPIN")
    siblings = cpuinfo.number(info.fields.get("siblings", ""))
    cores = cpuinfo.number(info.fields.get("cpu cores", ""))
    if siblings > 0 and cores > 0:
        if siblings > cores:
            found.add("HTT")
    elif "ht" in kernel:
        unknown["HTT"] = Unknown("/proc/cpuinfo: siblings and cpu cores not shown")
    held = microarch.matching(microarch.X86, "", kernel)
    for level, name in zip(microarch.X86_LEVELS, ("x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4"), strict=True):
        if name in held:
            found.add(level)
    attributes: dict[str, str | Unknown] = {}
    if "avx10" in kernel:
        attributes["AVX10_VERSION"] = Unknown(f"AVX10_VERSION: {_NOT_SHOWN}")
    return Feature(flags=found, attributes=attributes, unknown_flags=unknown)


def arm64(root: Root, info: cpuinfo.CpuInfo) -> Feature:
    """Give `cpu.cpuid` of an arm64 host: from the auxiliary vector where it is this one, else from cpuinfo."""
    words = auxv(root.read("/proc/self/auxv", 1 << 16)) if root.live else {}
    if _AT_HWCAP in words:
        return Feature(
            flags=_bits(words[_AT_HWCAP], names_of.ARM64_HWCAP)
            | _bits(words.get(_AT_HWCAP2, 0), names_of.ARM64_HWCAP2),
            attributes={},
        )
    known = {name.lower(): name for name in names_of.ARM64_HWCAP + names_of.ARM64_HWCAP2}
    return Feature(flags={known[flag] for flag in info.flags if flag in known}, attributes={})


def auxv(data: bytes) -> dict[int, int]:
    """Parse an auxiliary vector of a 64-bit little-endian process: pairs of type and value (getauxval(3))."""
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data) - len(data) % 16, 8)]
    return dict(zip(words[::2], words[1::2], strict=True))


def _bits(word: int, names: list[str]) -> set[str]:
    return {name for bit, name in enumerate(names) if word >> bit & 1}
