"""Vocabulary of `cpu.cpuid` and `cpu.microarch`: instruction set extensions and the levels made of them.

Names are those of NFD: klauspost/cpuid's FeatureID names on amd64, its own names of the HWCAP bits on
arm64. The kernel's names beside them are those of `/proc/cpuinfo` (arch/x86/include/asm/cpufeatures.h).
"""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, FLAG, NUMBER, TEXT, ElementInfo, FeatureInfo
from hostfit.facts.vocabulary import microarch


def _words(text: str) -> list[str]:
    return text.split()


def _pairs(text: str) -> dict[str, str]:
    """Give `NFD's name=kernel's name` pairs; a single word stands for itself in lower case."""
    return {word.partition("=")[0]: word.partition("=")[2] or word.lower() for word in text.split()}


X86_SHOWN = _pairs("""
ADX AESNI=aes AMD3DNOW=3dnow AMD3DNOWEXT=3dnowext AMXBF16=amx_bf16 AMXINT8=amx_int8 AMXTILE=amx_tile AVX AVX2
AVX512BF16=avx512_bf16 AVX512BITALG=avx512_bitalg AVX512BW AVX512CD AVX512DQ AVX512ER AVX512F
AVX512FP16=avx512_fp16 AVX512IFMA AVX512PF AVX512VBMI AVX512VBMI2=avx512_vbmi2 AVX512VL AVX512VNNI=avx512_vnni
AVX512VP2INTERSECT=avx512_vp2intersect AVX512VPOPCNTDQ=avx512_vpopcntdq AVXVNNI=avx_vnni BMI1 BMI2 CLDEMOTE
CLMUL=pclmulqdq CLZERO CMOV CMPXCHG8=cx8 CPBOOST=cpb CPPC CX16 ENQCMD ERMS F16C FLUSH_L1D FMA3=fma FMA4 FSRM FXSR
GFNI HLE HYPERVISOR IA32_ARCH_CAP=arch_capabilities IBPB IBRS IBS LAHF=lahf_lm LBRVIRT=lbrv LZCNT=abm
MCAOVERFLOW=overflow_recov MD_CLEAR MMX MMXEXT MOVBE MOVDIR64B MOVDIRI MPX NRIPS=nrip_save NX OSXSAVE=xsave PCONFIG
POPCNT RDPRU RDRAND RDSEED RDTSCP RTM SERIALIZE SGX SGXLC=sgx_lc SHA=sha_ni SME SEV SEV_ES SPEC_CTRL_SSBD=ssbd SSE
SSE2 SSE3=pni SSE4=sse4_1 SSE42=sse4_2 SSE4A SSSE3 STIBP SUCCOR SVM SVMDA=decodeassists SVMFBASID=flushbyasid
SVML=svm_lock SVMNP=npt SVMPF=pausefilter SVMPFT=pfthreshold SYSCALL SYSEE=sep TBM TDX_GUEST TME TOPEXT=topoext
TSCRATEMSR=tsc_scale TSXLDTRK VAES VMCBCLEAN=vmcb_clean VMX VPCLMULQDQ WAITPKG WBNOINVD X87=fpu XGETBV1 XOP XSAVE
XSAVEC XSAVEOPT XSAVES
""")
"""What the kernel shows in cpuinfo whenever it is there: NFD's name to the kernel's."""

X86_SINCE = {
    flag: release
    for release, flags in {
        (4, 16): "avx512_bitalg avx512_vbmi2 avx512_vnni gfni vaes vpclmulqdq arch_capabilities ibpb ibrs stibp sev",
        (4, 19): "cldemote flush_l1d pconfig ssbd tme",
        (5, 0): "movdir64b movdiri wbnoinvd",
        (5, 4): "avx512_bf16 md_clear waitpkg",
        (5, 6): "fsrm rdpru",
        (5, 8): "avx512_vp2intersect",
        (5, 11): "enqcmd serialize sev_es sgx sgx_lc tsxldtrk",
        (5, 12): "avx512_fp16 avx_vnni",
        (5, 17): "amx_bf16 amx_int8 amx_tile cppc",
        (5, 19): "tdx_guest",
    }.items()
    for flag in flags.split()
}
"""The release of Linux, or a later one, from which on a flag is shown: absent before says nothing."""

X86_HIDDEN = _pairs("""
AMXCOMPLEX=amx_complex AMXFP16=amx_fp16 AMXFP8=amx_fp8 AMXTF32=amx_tf32 AMXTRANSPOSE=amx_transpose APX_F=apx AVX10
AVX10_128 AVX10_256 AVX10_512 AVX512BMM AVXIFMA=avx_ifma AVXNECONVERT=avx_ne_convert AVXSLOW AVXVNNIINT16=avx_vnni_int16
AVXVNNIINT8=avx_vnni_int8 BHI_CTRL CETIBT=ibt CETSS=user_shstk CMPCCXADD CMPSB_SCADBS_SHORT=fsrc EFER_LMSLE_UNS FP128
FP256 FRED HRESET HWA HYBRID_CPU IA32_CORE_CAP=core_capabilities IBPB_BRTYPE IBRS_PREFERRED IBRS_PROVIDES_SMP
IBSBRNTRGT IBSFETCHSAM IBSFFV IBSOPCNT IBSOPCNTEXT IBSOPSAM IBSRDWROPCNT IBSRIPINVALIDCHK IBS_FETCH_CTLX IBS_OPDATA4
IBS_OPFUSE IBS_PREVENTHOST IBS_ZEN4 IDPRED_CTRL INT_WBINVD INVLPGB KEYLOCKER KEYLOCKERW LAM MCDT_NO MCOMMIT
MOVSB_ZL=fzrm MOVU MSRIRC MSRLIST MSR_PAGEFLUSH PMU_FIXEDCOUNTER_CYCLES PMU_FIXEDCOUNTER_INSTRUCTIONS
PMU_FIXEDCOUNTER_REFCYCLES PMU_FIXEDCOUNTER_TOPDOWN_SLOTS PREFETCHI=prefetchiti PSFD RRSBA_CTRL RTM_ALWAYS_ABORT SBPB
SEV_64BIT SEV_ALTERNATIVE SEV_DEBUGSWAP=debug_swap SEV_RESTRICTED SEV_SNP SGXPQC SM3_X86=sm3 SM4_X86=sm4 SME_COHERENT
SRBDS_CTRL SRSO_MSR_FIX SRSO_NO SRSO_USER_KERNEL_NO STIBP_ALWAYSON STOSB_SHORT=fsrs TLB_FLUSH_NESTED TSA_L1_NO
TSA_SQ_NO TSA_VERW_CLEAR VMPL VMSA_REGPROT VTE WRMSRNS
""")
"""What kernels never show, or only some: absent from cpuinfo says nothing, so it is unknown, never absent."""

X86_DERIVED = ("FXSROPT", "HTT", "PPIN", *microarch.X86_LEVELS)
"""Flags that are not one flag of the kernel. HTT is klauspost's: more than one thread per core."""

ARM64_HWCAP = _words("""
FP ASIMD EVTSTRM AES PMULL SHA1 SHA2 CRC32 ATOMICS FPHP ASIMDHP CPUID ASIMDRDM JSCVT FCMA LRCPC DCPOP SHA3 SM3 SM4
ASIMDDP SHA512 SVE ASIMDFHM DIT USCAT ILRCPC FLAGM SSBS SB PACA PACG
""")
"""AT_HWCAP, bit 0 first (arch/arm64/include/uapi/asm/hwcap.h)."""

ARM64_HWCAP2 = _words("""
DCPODP SVE2 SVEAES SVEPMULL SVEBITPERM SVESHA3 SVESM4 FLAGM2 FRINT SVEI8MM SVEF32MM SVEF64MM SVEBF16 I8MM BF16 DGH
RNG BTI MTE ECV AFP RPRES MTE3 SME SMEI16I64 SMEF64F64 SMEI8I32 SMEF16F32 SMEB16F32 SMEF32F32 SMEFA64 WFXT EBF16
SVEEBF16
""")
"""AT_HWCAP2, bit 0 first."""


def _cpuid() -> tuple[ElementInfo, ...]:
    meanings = {name: f"arm64 instruction set extension `{name.lower()}`" for name in ARM64_HWCAP + ARM64_HWCAP2}
    for name, flag in {**X86_SHOWN, **X86_HIDDEN}.items():
        # SME is secure memory encryption on amd64 and the matrix extension on arm64.
        both = name in meanings
        meanings[name] = f"x86 `{flag}` of /proc/cpuinfo" + (f"; {meanings[name]}" if both else "")
    for name in microarch.X86_LEVELS:
        meanings[name] = f"all of x86-64-{name[-2:].lower()}, the levels below included"
    meanings["FXSROPT"] = "FXSAVE/FXRSTOR optimised"
    meanings["HTT"] = "more than one thread per core"
    meanings["PPIN"] = "protected processor inventory number"
    flags = [ElementInfo(name, FLAG, TEXT, meaning) for name, meaning in sorted(meanings.items())]
    return (*flags, ElementInfo("AVX10_VERSION", ATTRIBUTE, NUMBER, "version of AVX10; unknown to Linux so far"))


FEATURES = (
    FeatureInfo(
        "cpu.cpuid",
        meaning="instruction set extensions that the kernel has enabled on every CPU",
        source="/proc/cpuinfo; on arm64 AT_HWCAP and AT_HWCAP2 of /proc/self/auxv",
        link="https://docs.kernel.org/arch/x86/cpuinfo.html",
        elements=_cpuid(),
    ),
    FeatureInfo(
        "cpu.microarch",
        meaning="levels and microarchitectures (archspec's names) whose code every CPU can run",
        source="/proc/cpuinfo",
        link="https://archspec.readthedocs.io/",
        elements=tuple([ElementInfo(name, FLAG, TEXT, meaning) for name, meaning in microarch.names().items()]),
    ),
)
PROBES = {"cpu.cpuid": "cpuid", "cpu.microarch": "cpuid"}
