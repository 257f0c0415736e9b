"""CPU facts by NFD's names, from what the kernel shows of every CPU."""

from __future__ import annotations

import pytest

from hostfit.core.facts import Unknown
from hostfit.facts.probes import cpuid, cpuinfo

V2 = "fpu cx8 cmov mmx fxsr sse sse2 syscall nx lm cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3 sep"
V3 = V2 + " avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
V4 = V3 + " avx512f avx512bw avx512cd avx512dq avx512vl"
EXTRA = {
    "AES": "aes pclmulqdq rdrand rdseed adx clflushopt xsavec xsaveopt clwb",
    "ZEN3": "aes pclmulqdq sse4a fsgsbase rdseed adx clflushopt clzero sha_ni xsavec xsaveopt clwb rdpid vaes "
    "vpclmulqdq fsrm rdrand",
}
ALTRA = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs"


def x86(*flags, vendor="GenuineIntel", extra="siblings : 2\ncpu cores : 2\n"):
    blocks = []
    for number, line in enumerate(flags):
        blocks.append(
            f"processor\t: {number}\nvendor_id\t: {vendor}\ncpu family\t: 6\nmodel\t\t: 85\n{extra}flags\t\t: {line}\n"
        )
    return {"/proc/cpuinfo": "\n".join(blocks)}


def arm(features, *cores):
    blocks = []
    for number, (implementer, part) in enumerate(cores):
        blocks.append(
            f"processor\t: {number}\nBogoMIPS\t: 50.00\nFeatures\t: {features}\nCPU implementer\t: {implementer}\n"
            f"CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: {part}\nCPU revision\t: 1\n"
        )
    return {"/proc/cpuinfo": "\n".join(blocks)}


def test_kernels_names_become_nfds(feature):
    flags = (
        "aes pni sse4_1 sse4_2 fma abm pclmulqdq lahf_lm cx8 fpu sha_ni sep avx512_vbmi2 avx_vnni amx_tile sgx_lc ibt"
    )
    found = feature("cpu.cpuid", x86(flags)).flags
    assert found == {
        "AESNI", "SSE3", "SSE4", "SSE42", "FMA3", "LZCNT", "CLMUL", "LAHF", "CMPXCHG8", "X87", "SHA", "SYSEE",
        "AVX512VBMI2", "AVXVNNI", "AMXTILE", "SGXLC", "CETIBT",
    }  # fmt: skip


def test_only_what_every_cpu_has_counts(feature):
    """NFD reads one core; on a hybrid machine the others may lack what it has."""
    found = feature("cpu.cpuid", x86(V4, V3)).flags
    assert "AVX2" in found
    assert "AVX512F" not in found


@pytest.mark.parametrize(
    ("flags", "levels"),
    [
        ("fpu", []),
        (V2, ["X86_64_V1", "X86_64_V2"]),
        (V3, ["X86_64_V1", "X86_64_V2", "X86_64_V3"]),
        (V3.replace("movbe", ""), ["X86_64_V1", "X86_64_V2"]),
        (V4, ["X86_64_V1", "X86_64_V2", "X86_64_V3", "X86_64_V4"]),
    ],
)
def test_levels_are_cumulative(feature, flags, levels):
    """IA2c: a finer platform than amd64."""
    files = x86(flags)
    found = feature("cpu.cpuid", files).flags
    assert sorted(name for name in found if name.startswith("X86_64_")) == levels
    micro = feature("cpu.microarch", files).flags
    assert sorted(name for name in micro if name.startswith("x86-64-")) == [
        name.lower().replace("x86_64_", "x86-64-") for name in levels
    ]


def test_htt_is_more_than_one_thread_per_core_and_not_the_ht_flag(feature):
    one = x86(V2 + " ht", extra="siblings : 4\ncpu cores : 4\n")
    two = x86(V2 + " ht", extra="siblings : 8\ncpu cores : 4\n")
    unsaid = x86(V2 + " ht", extra="")
    assert "HTT" not in feature("cpu.cpuid", one).flags
    assert "HTT" in feature("cpu.cpuid", two).flags
    assert "HTT" in feature("cpu.cpuid", unsaid).unknown_flags


def test_what_kernels_do_not_show_is_unknown_and_what_they_show_is_absent(feature):
    found = feature("cpu.cpuid", x86(V3), names=["AVX512F", "HYBRID_CPU", "ASIMD", "AVX10"])
    assert set(found.unknown_flags) == {"HYBRID_CPU", "AVX10"}
    assert not found.flags & {"AVX512F", "ASIMD"}


OLDER, NEWER = ({"/proc/sys/kernel/osrelease": release} for release in ("5.4.0-150-generic\n", "6.1.0-18-amd64\n"))


def test_what_a_kernel_is_too_old_to_show_is_unknown_and_not_absent(feature):
    """Programs use AVX-VNNI on any kernel; only cpuinfo of Linux 5.12 and later says whether the CPU has it."""
    asked = ["AVXVNNI", "AVX512BF16", "AVX512F", "SGX"]
    old = feature("cpu.cpuid", {**x86(V3), **OLDER}, names=asked)
    assert set(old.unknown_flags) == {"AVXVNNI", "SGX"}
    assert old.unknown_flags["AVXVNNI"].reason == "AVXVNNI: not shown in /proc/cpuinfo by this kernel"
    assert not feature("cpu.cpuid", {**x86(V3), **NEWER}, names=asked).unknown_flags
    assert "AVXVNNI" in feature("cpu.cpuid", {**x86(V3 + " avx_vnni"), **OLDER}, names=asked).flags
    security = feature("cpu.security", {**x86(V3), **OLDER, "/sys/module": None}).attributes
    assert {name for name, value in security.items() if value != "false"} == {"sgx.enabled", "sgx.epc", "tdx.protected"}


def test_microarchitecture_whose_extensions_a_kernel_is_too_old_to_show_is_unknown(feature):
    zen5 = V4 + " " + EXTRA["ZEN3"] + " avx512ifma avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg avx512_vpopcntdq"
    zen5 += " avx512_bf16 gfni movdiri movdir64b"
    old = feature("cpu.microarch", {**x86(zen5, vendor="AuthenticAMD"), **OLDER})
    assert "zen4" in old.flags
    assert set(old.unknown_flags) == {"zen5"}
    new = feature("cpu.microarch", {**x86(zen5, vendor="AuthenticAMD"), **NEWER})
    assert not new.unknown_flags
    assert "zen5" not in new.flags


def test_vendor_is_klauspost_s_name(feature):
    for shown, name in [
        ("GenuineIntel", "Intel"),
        ("AuthenticAMD", "AMD"),
        ("HygonGenuine", "Hygon"),
        ("Nobody", "VendorUnknown"),
    ]:
        model = feature("cpu.model", x86(V2, vendor=shown)).attributes
        assert model["vendor_id"] == name
        assert (model["family"], model["id"]) == ("6", "85")
    assert feature("cpu.model", arm(ALTRA, ("0xc0", "0xac3"))).attributes["vendor_id"] == "Ampere"
    assert feature("cpu.model", arm(ALTRA, ("0x41", "0xd0c"))).attributes["id"] == "3340"


def test_hypervisor_is_none_on_metal_and_unknown_where_files_do_not_tell(feature):
    def hypervisor(flags, **files):
        found = feature("cpu.model", {**x86(flags), **{path.replace("__", "/"): text for path, text in files.items()}})
        return found.attributes["hypervisor"]

    assert hypervisor(V2) == "none"
    assert isinstance(hypervisor(V2 + " hypervisor"), Unknown)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"/sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc kvm-clock acpi_pm\n"}, "kvm"),
        ({"/sys/hypervisor/type": "xen\n"}, "xenhvm"),
        ({"/sys/devices/virtual/dmi/id/sys_vendor": "VMware, Inc.\n"}, "vmware"),
        (
            {
                "/sys/devices/virtual/dmi/id/sys_vendor": "Microsoft Corporation\n",
                "/sys/devices/virtual/dmi/id/product_name": "Virtual Machine\n",
            },
            "msvm",
        ),
    ],
)
def test_hypervisor_is_told_by_what_only_its_guests_have(feature, files, name):
    assert feature("cpu.model", {**x86(V2 + " hypervisor"), **files}).attributes["hypervisor"] == name


@pytest.mark.parametrize(
    ("vendor", "product", "name"),
    [
        ("HPE", "ProLiant RL300 Gen11", "none"),
        ("Parallels International GmbH.", "Parallels ARM Virtual Machine", "parallels"),
        ("Apple Inc.", "Apple Virtualization Generic Platform", "apple"),
        ("OpenStack Foundation", "OpenStack Nova", None),
        ("Alibaba Cloud", "Alibaba Cloud ECS", None),
        ("innotek GmbH", "VirtualBox", None),
        ("QEMU", "QEMU Virtual Machine", None),
    ],
)
def test_arm64_guest_is_not_taken_for_metal(feature, vendor, product, name):
    dmi = "/sys/devices/virtual/dmi/id/"
    files = {**arm(ALTRA, ("0x41", "0xd0c")), dmi + "sys_vendor": vendor, dmi + "product_name": product}
    found = feature("cpu.model", files).attributes["hypervisor"]
    assert isinstance(found, Unknown) if name is None else found == name


def test_arm64_features_of_a_tree_are_those_of_cpuinfo(feature):
    found = feature("cpu.cpuid", arm(ALTRA, ("0x41", "0xd0c")))
    assert found.flags == {name.upper() for name in ALTRA.split()}
    assert found.unknown_flags == {}


def test_auxv_words_are_paired_and_a_torn_one_is_left_out():
    data = (16).to_bytes(8, "little") + (0b1001).to_bytes(8, "little") + bytes(8)
    assert cpuid.auxv(data) == {16: 9}


def test_closest_microarchitecture_and_what_it_includes(feature):
    """DE7: archspec's names."""
    skylake = feature("cpu.microarch", x86(V4 + " " + EXTRA["AES"])).flags
    assert {"skylake_avx512", "skylake", "haswell", "nehalem", "x86_64_v4", "x86_64"} <= skylake
    assert not skylake & {"cascadelake", "zen", "icelake"}
    zen3 = feature("cpu.microarch", x86(V3 + " " + EXTRA["ZEN3"], vendor="AuthenticAMD")).flags
    assert {"zen3", "zen2", "zen", "x86_64_v3"} <= zen3
    assert not zen3 & {"zen4", "haswell", "x86_64_v4"}


def test_arm_cores_are_told_apart_by_part_number(feature):
    altra = feature("cpu.microarch", arm(ALTRA, ("0x41", "0xd0c"), ("0x41", "0xd0c"))).flags
    assert {"neoverse_n1", "cortex_a72", "armv8.2-a", "armv8-a", "aarch64"} <= altra
    assert not altra & {"neoverse_v1", "armv8.3-a", "neoverse_n2"}
    unknown_part = feature("cpu.microarch", arm(ALTRA, ("0x41", "0xfff"))).flags
    assert "armv8.2-a" in unknown_part
    assert "neoverse_n1" not in unknown_part


def test_mixed_arm_cores_have_what_both_have(feature):
    mixed = feature("cpu.microarch", arm(ALTRA, ("0x41", "0xd0c"), ("0x41", "0xd03"))).flags
    assert "neoverse_n1" not in mixed
    assert "armv8.2-a" in mixed


def test_other_architectures_are_unknown(feature):
    files = {"/proc/cpuinfo": "processor\t: 0\nvendor_id\t: IBM/S390\nfeatures\t: esan3 zarch\n"}
    for name in ("cpu.cpuid", "cpu.microarch", "cpu.model"):
        assert feature(name, files).unknown is not None


def cpus(**threads):
    files = {}
    for number, siblings in threads.items():
        base = f"/sys/bus/cpu/devices/{number}"
        files[base] = None
        if siblings is not None:
            files[f"{base}/topology/thread_siblings_list"] = siblings[0] + "\n"
            files[f"{base}/topology/physical_package_id"] = siblings[1] + "\n"
    return files


def test_offline_cpus_do_not_empty_the_topology(feature):
    """NFD gives nothing at all if one CPU has no topology."""
    files = cpus(cpu0=("0,2", "0"), cpu1=None, cpu2=("0,2", "0"), cpu3=("3", "1"))
    found = feature("cpu.topology", files).attributes
    assert found == {"hardware_multithreading": "true", "socket_count": "2"}


def test_counts(feature):
    files = cpus(cpu0=("0", "0"), cpu1=("1", "0"))
    base = "/sys/devices/system/cpu"
    files |= {f"{base}/online": "0-1,4\n", f"{base}/present": "0-7\n", f"{base}/possible": "0-127\n"}
    assert feature("cpu.count", files).attributes == {
        "online": "3",
        "present": "8",
        "possible": "128",
        "cores": "2",
        "sockets": "1",
    }


def test_false_booleans_are_said_where_nfd_omits_them(feature):
    files = {**x86(V2), **NEWER, "/sys/module": None, "/sys/devices": None}
    security = feature("cpu.security", files).attributes
    assert set(security.values()) == {"false"}
    assert len(security) == 7
    rdt = feature("cpu.rdt", files).attributes
    assert len(rdt) == 6
    assert set(rdt.values()) == {"false"}
    assert feature("cpu.coprocessor", files).attributes == {"nx_gzip": "false"}


def test_sev_capacity_is_read_by_exact_name(feature):
    """NFD looks for a prefix and may take the line of sev_es for sev."""
    files = {
        **x86(V2 + " sev sev_es", vendor="AuthenticAMD"),
        "/sys/module/kvm_amd/parameters/sev": "Y\n",
        "/sys/module/kvm_amd/parameters/sev_es": "Y\n",
        "/sys/module/kvm_amd/parameters/sev_snp": "N\n",
        "/sys/fs/cgroup/misc.capacity": "sev_es 99\nsev 410\n",
    }
    found = feature("cpu.security", files).attributes
    assert found["sev.enabled"] == found["sev.es.enabled"] == "true"
    assert found["sev.snp.enabled"] == "false"
    assert (found["sev.asids"], found["sev.encrypted_state_ids"]) == ("410", "99")


def test_sgx_memory_is_the_sum_of_all_nodes(feature):
    files = {
        **x86(V2 + " sgx sgx_lc"),
        "/sys/module": None,
        "/sys/devices/system/node/node0/x86/sgx_total_bytes": "1000\n",
        "/sys/devices/system/node/node1/x86/sgx_total_bytes": "234\n",
    }
    found = feature("cpu.security", files).attributes
    assert (found["sgx.enabled"], found["sgx.epc"]) == ("true", "1234")


def test_l3_classes_do_not_count_the_default_one(feature):
    files = {**x86(V2 + " cat_l3 rdt_a cqm"), "/sys/fs/resctrl/info/L3/num_closids": "16\n"}
    assert feature("cpu.rdt", files).attributes["RDTL3CA_NUM_CLOSID"] == "15"


def test_l3_classes_are_unknown_where_resctrl_is_not_mounted(feature):
    found = feature("cpu.rdt", x86(V2 + " cat_l3")).attributes["RDTL3CA_NUM_CLOSID"]
    assert found == Unknown("/sys/fs/resctrl/info/L3/num_closids: ENOENT")


def test_power_states(feature):
    base = "/sys/devices/system/cpu"
    files = {
        f"{base}/cpuidle/current_driver": "intel_idle\n",
        "/sys/module/intel_idle/parameters/max_cstate": "9\n",
        f"{base}/intel_pstate/status": "active\n",
        f"{base}/intel_pstate/no_turbo": "1\n",
        f"{base}/cpufreq/policy0/scaling_governor": "powersave\n",
        f"{base}/cpufreq/policy1/scaling_governor": "performance\n",
    }
    assert feature("cpu.cstate", files).attributes == {"enabled": "true"}
    assert feature("cpu.pstate", files).attributes == {
        "status": "active",
        "turbo": "false",
        "scaling_governor": "performance,powersave",
    }


def test_raised_base_frequency_of_some_cores(feature):
    base = "/sys/bus/cpu/devices"
    files = {
        **x86(V2),
        "/sys/devices/system/cpu": None,
        f"{base}/cpu0/cpufreq/base_frequency": "2100000\n",
        f"{base}/cpu1/cpufreq/base_frequency": "2700000\n",
    }
    assert feature("cpu.sst", files).attributes == {"bf.enabled": "true"}


def test_fields_are_those_of_the_first_cpu():
    info = cpuinfo.parse("processor: 0\nmodel: 1\nflags: a b\n\nprocessor: 1\nmodel: 2\nflags: b c\n")
    assert info.fields["model"] == "1"
    assert info.flags == {"b"}
    assert info.count == 2
