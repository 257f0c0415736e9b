"""The vocabulary names everything that NFD does, and describes every row."""

from __future__ import annotations

import pytest

from hostfit.core.vocabulary import ATTRIBUTE, BOOLEAN, FLAG, INSTANCE, NUMBER, STATIC, VERSION, VOLATILE
from hostfit.facts import vocabulary
from hostfit.facts.host import Host
from hostfit.facts.vocabulary import cpuid

NFD = {
    "cpu.cpuid": (FLAG, "AVX AVX2 AVX512F X86_64_V1 X86_64_V4 HTT SSE42 ASIMD SVE2 SVEEBF16 PACG"),
    "cpu.model": (ATTRIBUTE, "vendor_id family id hypervisor"),
    "cpu.cstate": (ATTRIBUTE, "enabled"),
    "cpu.pstate": (ATTRIBUTE, "status turbo scaling_governor"),
    "cpu.rdt": (ATTRIBUTE, "RDTMON RDTCMT RDTMBM RDTL3CA RDTL2CA RDTMBA RDTL3CA_NUM_CLOSID"),
    "cpu.security": (
        ATTRIBUTE,
        """sgx.enabled sgx.epc tdx.enabled tdx.total_keys tdx.protected sev.enabled sev.asids sev.es.enabled
        sev.encrypted_state_ids sev.snp.enabled se.enabled""",
    ),
    "cpu.sst": (ATTRIBUTE, "bf.enabled"),
    "cpu.topology": (ATTRIBUTE, "hardware_multithreading socket_count"),
    "cpu.coprocessor": (ATTRIBUTE, "nx_gzip"),
    "kernel.config": (ATTRIBUTE, "HZ X86_SGX"),
    "kernel.loadedmodule": (FLAG, "vfio_pci"),
    "kernel.enabledmodule": (FLAG, "vfio-pci"),
    "kernel.selinux": (ATTRIBUTE, "enabled"),
    "kernel.kvm": (ATTRIBUTE, "enabled"),
    "kernel.version": (ATTRIBUTE, "full major minor revision"),
    "memory.numa": (ATTRIBUTE, "is_numa node_count"),
    "memory.nv": (INSTANCE, "name devtype mode"),
    "memory.swap": (ATTRIBUTE, "enabled"),
    "memory.hugepages": (ATTRIBUTE, "enabled hugepages-2Mi hugepages-1Gi"),
    "network.device": (INSTANCE, "name operstate speed sriov_numvfs sriov_totalvfs mtu"),
    "network.virtual": (INSTANCE, "name operstate speed mtu"),
    "pci.device": (
        INSTANCE,
        """class vendor device subsystem_vendor subsystem_device sriov_totalvfs iommu_group/type
        iommu/intel-iommu/version""",
    ),
    "storage.block": (INSTANCE, "name dax rotational nr_zones zoned"),
    "system.osrelease": (ATTRIBUTE, "ID VERSION_ID VERSION_ID.major VERSION_ID.minor"),
    "system.dmiid": (
        ATTRIBUTE,
        """bios_date bios_vendor bios_version board_asset_tag board_name board_vendor board_version chassis_asset_tag
        chassis_type chassis_vendor chassis_version product_family product_name product_sku product_version
        sys_vendor""",
    ),
    "system.name": (ATTRIBUTE, "nodename"),
    "usb.device": (INSTANCE, "class vendor device serial"),
    "local.label": (ATTRIBUTE, "anything"),
    "local.feature": (ATTRIBUTE, "anything"),
    "rule.matched": (ATTRIBUTE, "anything"),
}
"""nfd.md section 2; fake.* is NFD's own test source and no fact of a host."""
CPUID = """
ADX AESNI AMD3DNOW AMD3DNOWEXT AMXBF16 AMXFP16 AMXINT8 AMXFP8 AMXTILE AMXTF32 AMXCOMPLEX AMXTRANSPOSE APX_F AVX AVX10
AVX10_128 AVX10_256 AVX10_512 AVX2 AVX512BF16 AVX512BITALG AVX512BMM AVX512BW AVX512CD AVX512DQ AVX512ER AVX512F
AVX512FP16 AVX512IFMA AVX512PF AVX512VBMI AVX512VBMI2 AVX512VL AVX512VNNI AVX512VP2INTERSECT AVX512VPOPCNTDQ AVXIFMA
AVXNECONVERT AVXSLOW AVXVNNI AVXVNNIINT8 AVXVNNIINT16 BHI_CTRL BMI1 BMI2 CETIBT CETSS CLDEMOTE CLMUL CLZERO CMOV
CMPCCXADD CMPSB_SCADBS_SHORT CMPXCHG8 CPBOOST CPPC CX16 EFER_LMSLE_UNS ENQCMD ERMS F16C FLUSH_L1D FMA3 FMA4 FP128 FP256
FRED FSRM FXSR FXSROPT GFNI HLE HRESET HTT HWA HYBRID_CPU HYPERVISOR IA32_ARCH_CAP IA32_CORE_CAP IBPB IBRS
IBRS_PREFERRED IBRS_PROVIDES_SMP IBS IBS_FETCH_CTLX IBS_ZEN4 INT_WBINVD INVLPGB KEYLOCKER KEYLOCKERW LAHF LAM LZCNT
MCAOVERFLOW MCOMMIT MD_CLEAR MMX MMXEXT MOVBE MOVDIR64B MOVDIRI MOVSB_ZL MPX MSRIRC MSRLIST NRIPS NX OSXSAVE PCONFIG
POPCNT PPIN PREFETCHI PSFD RDPRU RDRAND RDSEED RDTSCP RTM RTM_ALWAYS_ABORT SBPB SERIALIZE SEV SEV_ES SEV_SNP SEV_64BIT
SGX SGXLC SGXPQC SHA SME SM3_X86 SM4_X86 SPEC_CTRL_SSBD SRBDS_CTRL SRSO_NO SSE SSE2 SSE3 SSE4 SSE42 SSE4A SSSE3 STIBP
SUCCOR SVM SVML SVMNP SYSCALL SYSEE TBM TDX_GUEST TME TOPEXT TSA_SQ_NO TSXLDTRK VAES VMPL VMX VPCLMULQDQ VTE WAITPKG
WBNOINVD WRMSRNS X87 XGETBV1 XOP XSAVE XSAVEC XSAVEOPT XSAVES X86_64_V1 X86_64_V2 X86_64_V3 X86_64_V4
FP ASIMD EVTSTRM AES PMULL SHA1 SHA2 CRC32 ATOMICS FPHP ASIMDHP CPUID ASIMDRDM JSCVT FCMA LRCPC DCPOP SHA3 SM3 SM4
ASIMDDP SHA512 SVE ASIMDFHM DIT USCAT ILRCPC FLAGM SSBS SB PACA PACG DCPODP SVE2 SVEAES SVEPMULL SVEBITPERM SVESHA3
SVESM4 FLAGM2 FRINT SVEI8MM SVEF32MM SVEF64MM SVEBF16 I8MM BF16 DGH RNG BTI MTE ECV AFP RPRES MTE3 SMEI16I64 SMEF64F64
SMEI8I32 SMEF16F32 SMEB16F32 SMEF32F32 SMEFA64 WFXT EBF16 SVEEBF16
"""
"""nfd.md section 2.1, amd64 and arm64."""
BEYOND = (
    "kernel.module",
    "kernel.cmdline",
    "kernel.sysctl",
    "kernel.lsm",
    "kernel.lockdown",
    "kernel.cgroup",
    "kernel.filesystem",
    "kernel.binfmt",
    "cpu.microarch",
    "cpu.count",
    "memory.size",
    "os.glibc",
    "software.mpi",
    "system.platform",
    "local.fact",
)


@pytest.mark.parametrize("name", sorted(NFD))
def test_every_feature_of_nfd_is_known_with_its_kind_and_elements(name):
    """DE7: NFD's names."""
    kind, elements = NFD[name]
    row = vocabulary.lookup(name)
    assert row is not None
    assert kind in row.kinds
    for element in elements.split():
        assert row.knows(element)
        if element in row.elements:
            assert row.elements[element].kind == kind


@pytest.mark.parametrize("name", BEYOND)
def test_features_beyond_nfd_are_known(name):
    assert vocabulary.lookup(name) is not None


def test_every_flag_of_nfd_is_known():
    row = vocabulary.lookup("cpu.cpuid")
    assert [name for name in CPUID.split() if name not in row.elements] == []


def test_cpuid_also_has_the_attribute_avx10_version():
    assert vocabulary.lookup("cpu.cpuid").kinds == (FLAG, ATTRIBUTE)


def test_every_row_is_complete():
    """SA2: every setting has a meaning, a place it is read from, and a link."""
    for row in vocabulary.features():
        assert row.name == row.name.lower()
        assert row.meaning
        assert row.source
        assert row.link.startswith("https://"), row.name
        assert row.stability in (STATIC, VOLATILE)
        assert row.kinds, row.name
        assert all(element.meaning for element in row.elements.values())
        assert vocabulary.probe(row.name) or row.name == "local.fact", row.name


def test_unknown_names_and_elements_are_not_known():
    assert vocabulary.lookup("kernel.verison") is None
    assert vocabulary.lookup("nothing") is None
    assert not vocabulary.lookup("kernel.version").knows("majro")
    assert vocabulary.lookup("kernel.module").knows("parameter.enable_unsafe_noiommu_mode")
    assert not vocabulary.lookup("kernel.module").knows("sate")
    assert not vocabulary.lookup("memory.hugepages").knows("hugepage-2Mi")


def test_orders_are_of_numbers_or_versions_where_it_matters():
    assert vocabulary.lookup("kernel.version").comparison("full") == VERSION
    assert vocabulary.lookup("kernel.version").comparison("major") == NUMBER
    assert vocabulary.lookup("kernel.sysctl").comparison("vm.max_map_count") == NUMBER
    assert vocabulary.lookup("kernel.module").comparison("version") == VERSION
    assert vocabulary.lookup("cpu.security").comparison("sgx.enabled") == BOOLEAN


def test_names_of_instruction_sets_do_not_overlap_within_an_architecture():
    shown, hidden = set(cpuid.X86_SHOWN), set(cpuid.X86_HIDDEN)
    assert not shown & hidden
    assert len(cpuid.ARM64_HWCAP) == 32
    assert len(cpuid.ARM64_HWCAP2) == 34


def test_host_lists_what_the_vocabulary_lists():
    assert [row.name for row in Host("/", etc="/nonexistent").features()] == [row.name for row in vocabulary.features()]


def test_differences_from_nfd_are_all_told_apart():
    """The manual is made from both tables."""
    from hostfit.core import differences as matching
    from hostfit.facts import differences

    every = [*matching.DIFFERENCES, *differences.DIFFERENCES]
    assert len({one.id for one in every}) == len(every)
    assert all(one.nfd and one.hostfit and one.why for one in every)


def test_booleans_that_nfd_omits_are_marked_so():
    for name in ("cpu.security", "cpu.rdt", "cpu.sst", "cpu.coprocessor"):
        for element in vocabulary.lookup(name).elements.values():
            assert element.comparison != BOOLEAN or "NFD omits it" in element.meaning
