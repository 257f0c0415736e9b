"""Which instruction set extensions make a level or a microarchitecture.

x86-64 levels: the x86-64 psABI, section "Low-Level System Information". Armv8-A and Armv9-A: the features that
the Arm Architecture Reference Manual makes mandatory for EL0 and that Linux shows as HWCAP. Microarchitectures
carry archspec's names; vendor and extensions are those of the makers' optimisation manuals, in the kernel's spelling.
"""

from __future__ import annotations

X86_LEVELS = ("X86_64_V1", "X86_64_V2", "X86_64_V3", "X86_64_V4")
"""NFD's names of the levels, lowest first."""

_X86_GENERIC: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("x86_64", (), "", "lm cmov cx8 fpu fxsr mmx syscall sse sse2"),
    ("x86_64_v2", ("x86_64",), "", "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"),
    ("x86_64_v3", ("x86_64_v2",), "", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"),
    ("x86_64_v4", ("x86_64_v3",), "", "avx512f avx512bw avx512cd avx512dq avx512vl"),
)
_X86_INTEL: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("nehalem", ("x86_64_v2",), "Intel", ""),
    ("westmere", ("nehalem",), "Intel", "pclmulqdq"),
    ("sandybridge", ("westmere",), "Intel", "avx aes"),
    ("ivybridge", ("sandybridge",), "Intel", "rdrand f16c"),
    ("haswell", ("ivybridge", "x86_64_v3"), "Intel", ""),
    ("broadwell", ("haswell",), "Intel", "rdseed adx"),
    ("skylake", ("broadwell",), "Intel", "clflushopt xsavec xsaveopt"),
    ("skylake_avx512", ("skylake", "x86_64_v4"), "Intel", "clwb"),
    ("cascadelake", ("skylake_avx512",), "Intel", "avx512_vnni"),
    ("cannonlake", ("skylake",), "Intel", "avx512f avx512vl avx512dq avx512cd avx512bw avx512ifma avx512vbmi sha_ni"),
    (
        "icelake",
        ("cascadelake", "cannonlake"),
        "Intel",
        "avx512_vbmi2 avx512_bitalg avx512_vpopcntdq gfni vaes vpclmulqdq rdpid",
    ),
    (
        "sapphirerapids",
        ("icelake",),
        "Intel",
        "avx512_bf16 avx512_fp16 avx_vnni amx_bf16 amx_tile amx_int8 serialize cldemote movdiri movdir64b waitpkg",
    ),
)
_X86_AMD: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("bulldozer", ("x86_64_v2",), "AMD", "sse4a abm avx xop fma4 aes pclmulqdq"),
    ("piledriver", ("bulldozer",), "AMD", "bmi1 f16c fma tbm"),
    ("steamroller", ("piledriver",), "AMD", "fsgsbase"),
    ("excavator", ("steamroller", "x86_64_v3"), "AMD", "rdrand"),
    ("zen", ("x86_64_v3",), "AMD", "aes pclmulqdq sse4a fsgsbase rdseed adx clflushopt clzero sha_ni xsavec xsaveopt"),
    ("zen2", ("zen",), "AMD", "clwb rdpid"),
    ("zen3", ("zen2",), "AMD", "vaes vpclmulqdq"),
    (
        "zen4",
        ("zen3", "x86_64_v4"),
        "AMD",
        "avx512ifma avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg avx512_vpopcntdq avx512_bf16 gfni",
    ),
    ("zen5", ("zen4",), "AMD", "avx_vnni movdiri movdir64b avx512_vp2intersect"),
)

_ARM_LEVELS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("armv8-a", (), "", "fp asimd"),
    ("armv8.1-a", ("armv8-a",), "", "crc32 atomics asimdrdm"),
    ("armv8.2-a", ("armv8.1-a",), "", "dcpop"),
    ("armv8.3-a", ("armv8.2-a",), "", "jscvt fcma lrcpc"),
    ("armv8.4-a", ("armv8.3-a",), "", "ilrcpc uscat flagm dit asimddp"),
    ("armv8.5-a", ("armv8.4-a",), "", "flagm2 frint sb dcpodp"),
    ("armv8.6-a", ("armv8.5-a",), "", "i8mm bf16"),
    ("armv8.7-a", ("armv8.6-a",), "", "wfxt"),
    ("armv8.8-a", ("armv8.7-a",), "", "mops hbc"),
    ("armv9.0-a", ("armv8.5-a",), "", "sve2"),
    ("armv9.1-a", ("armv9.0-a", "armv8.6-a"), "", ""),
    ("armv9.2-a", ("armv9.1-a", "armv8.7-a"), "", ""),
    ("armv9.3-a", ("armv9.2-a", "armv8.8-a"), "", ""),
    ("aarch64", ("armv8-a",), "", ""),
)
_ARM_CORES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("cortex_a53", ("aarch64",), "0x41 0xd03", "crc32"),
    ("cortex_a72", ("aarch64",), "0x41 0xd08", "crc32"),
    ("thunderx2", ("armv8.1-a", "aarch64"), "0x43 0xaf", ""),
    ("a64fx", ("armv8.2-a", "aarch64"), "0x46 0x001", "fphp asimdhp fcma sve"),
    ("neoverse_n1", ("armv8.2-a", "cortex_a72"), "0x41 0xd0c", "fphp asimdhp lrcpc asimddp"),
    ("neoverse_v1", ("armv8.4-a", "neoverse_n1"), "0x41 0xd40", "sve i8mm bf16 rng"),
    ("neoverse_n2", ("armv9.0-a", "neoverse_n1"), "0x41 0xd49", "i8mm bf16 sve2 svebf16 svei8mm"),
    ("neoverse_v2", ("armv9.0-a", "neoverse_v1"), "0x41 0xd4f", "sve2 svebf16 svei8mm"),
    ("ampere1", ("armv8.6-a", "aarch64"), "0xc0 0xac3", "rng"),
    ("ampere1a", ("ampere1",), "0xc0 0xac4", ""),
)

X86: dict[str, tuple[tuple[str, ...], str, frozenset[str]]] = {
    name: (parents, vendor, frozenset(flags.split()))
    for name, parents, vendor, flags in (*_X86_GENERIC, *_X86_INTEL, *_X86_AMD)
}
"""Name to what it includes, the vendor by klauspost's name ("" for any), and the kernel's flags it adds."""
ARM: dict[str, tuple[tuple[str, ...], str, frozenset[str]]] = {
    name: (parents, vendor, frozenset(flags.split())) for name, parents, vendor, flags in (*_ARM_LEVELS, *_ARM_CORES)
}
"""The same for arm64; the vendor is `implementer part` as in /proc/cpuinfo."""
LEVEL_NAMES = {f"x86_64_v{level}": f"x86-64-v{level}" for level in (2, 3, 4)} | {"x86_64": "x86-64-v1"}
"""The psABI's name for archspec's."""


def names() -> dict[str, str]:
    """Give every name that `cpu.microarch` can have, with its meaning."""
    meanings = {level: f"x86-64 level {level[-2:]} of the psABI" for level in LEVEL_NAMES.values()}
    for name, (_, vendor, _) in {**X86, **ARM}.items():
        meanings[name] = f"runs code for {name}" + (f" ({vendor})" if vendor and not vendor.startswith("0x") else "")
    return meanings


def closure(table: dict[str, tuple[tuple[str, ...], str, frozenset[str]]], name: str) -> set[str]:
    """Give `name` and all that it includes."""
    found = {name}
    for parent in table[name][0]:
        found |= closure(table, parent)
    return found


def matching(
    table: dict[str, tuple[tuple[str, ...], str, frozenset[str]]], vendor: str, flags: frozenset[str]
) -> set[str]:
    """Give every name whose vendor is this one or any, and whose flags are all there, those it includes likewise.

    Inside a vendor's line a core runs code for the older cores too, whatever its own part number is.
    """
    found: set[str] = set()
    maker = vendor.partition(" ")[0]
    for name in table:
        every = [table[one] for one in closure(table, name)]
        if all([one[2] <= flags and one[1].partition(" ")[0] in ("", maker) for one in every]):
            found.add(name)
    exact = [name for name in found if table[name][1] == vendor]
    named = [name for name in found if table[name][1].startswith("0x")]
    if named:
        # Arm cores are told apart by part number: without a known part only the levels are certain.
        keep: set[str] = set()
        for name in exact:
            keep |= closure(table, name)
        found -= set(named) - keep
    return found
