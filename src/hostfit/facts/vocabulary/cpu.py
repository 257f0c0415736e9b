"""Vocabulary of `cpu.*` but for the long tables of `cpu.cpuid` and `cpu.microarch`."""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, BOOLEAN, NUMBER, TEXT, VOLATILE, ElementInfo, FeatureInfo


def _a(name: str, comparison: str, meaning: str) -> ElementInfo:
    return ElementInfo(name, ATTRIBUTE, comparison, meaning)


FEATURES = (
    FeatureInfo(
        "cpu.model",
        meaning="who made the CPU, which model it is, and what hypervisor it runs under",
        source="/proc/cpuinfo; hypervisor: /sys/hypervisor/type, clock sources, DMI, device tree",
        link="https://docs.kernel.org/arch/x86/cpuinfo.html",
        elements=(
            _a("vendor_id", TEXT, "vendor by klauspost/cpuid's name: Intel, AMD, Hygon, ARM, Ampere ... VendorUnknown"),
            _a("family", NUMBER, "CPU family; on arm64 the architecture field of MIDR_EL1, which is 15"),
            _a("id", NUMBER, "CPU model; on arm64 the part number"),
            _a("hypervisor", TEXT, "kvm, vmware, msvm, xenhvm, bhyve, qemu ...; none on metal"),
        ),
    ),
    FeatureInfo(
        "cpu.count",
        meaning="how many CPUs, cores and sockets there are",
        source="/sys/devices/system/cpu/{online,present,possible}, topology/",
        link="https://docs.kernel.org/admin-guide/cputopology.html",
        stability=VOLATILE,
        elements=(
            _a("online", NUMBER, "logical CPUs that are online"),
            _a("present", NUMBER, "logical CPUs that are there"),
            _a("possible", NUMBER, "logical CPUs that there can be"),
            _a("cores", NUMBER, "cores with a CPU online"),
            _a("sockets", NUMBER, "physical packages with a CPU online"),
        ),
    ),
    FeatureInfo(
        "cpu.topology",
        meaning="threads and sockets; CPUs that are offline are left out",
        source="/sys/bus/cpu/devices/*/topology/",
        link="https://docs.kernel.org/admin-guide/cputopology.html",
        stability=VOLATILE,
        elements=(
            _a("hardware_multithreading", BOOLEAN, "whether any core has several threads online"),
            _a("socket_count", NUMBER, "physical packages"),
        ),
    ),
    FeatureInfo(
        "cpu.cstate",
        meaning="idle states of the intel_idle driver; nothing is said of other drivers, as in NFD",
        source="/sys/devices/system/cpu/cpuidle/current_driver, /sys/module/intel_idle/parameters/max_cstate",
        link="https://docs.kernel.org/admin-guide/pm/intel_idle.html",
        elements=(_a("enabled", BOOLEAN, "whether intel_idle may use idle states; absent under other drivers"),),
    ),
    FeatureInfo(
        "cpu.pstate",
        meaning="frequency scaling",
        source="/sys/devices/system/cpu/intel_pstate/, /sys/devices/system/cpu/cpufreq/*/scaling_governor",
        link="https://docs.kernel.org/admin-guide/pm/intel_pstate.html",
        stability=VOLATILE,
        elements=(
            _a("status", TEXT, "mode of intel_pstate: active, passive or off"),
            _a("turbo", BOOLEAN, "whether intel_pstate may use turbo frequencies"),
            _a("scaling_governor", TEXT, "the governor of all CPUs; several, sorted, with commas between"),
        ),
    ),
    FeatureInfo(
        "cpu.rdt",
        meaning="resource director technology: monitoring and allocation of caches and memory bandwidth",
        source="/proc/cpuinfo, /sys/fs/resctrl/info/L3/num_closids",
        link="https://docs.kernel.org/filesystems/resctrl.html",
        elements=(
            _a("RDTMON", BOOLEAN, "monitoring; NFD omits it where it is false"),
            _a("RDTCMT", BOOLEAN, "cache monitoring; NFD omits it where it is false"),
            _a("RDTMBM", BOOLEAN, "memory bandwidth monitoring; NFD omits it where it is false"),
            _a("RDTL3CA", BOOLEAN, "L3 cache allocation; NFD omits it where it is false"),
            _a("RDTL2CA", BOOLEAN, "L2 cache allocation; NFD omits it where it is false"),
            _a("RDTMBA", BOOLEAN, "memory bandwidth allocation; NFD omits it where it is false"),
            _a("RDTL3CA_NUM_CLOSID", NUMBER, "classes of service for L3, the default one not counted"),
        ),
    ),
    FeatureInfo(
        "cpu.security",
        meaning="trusted execution: SGX, TDX, SEV, Secure Execution",
        source="/proc/cpuinfo, /sys/module/kvm_{intel,amd}/parameters/, /sys/fs/cgroup/misc.capacity",
        link="https://docs.kernel.org/arch/x86/",
        elements=(
            _a("sgx.enabled", BOOLEAN, "SGX; NFD omits it where it is false"),
            _a("sgx.epc", NUMBER, "bytes of enclave page cache"),
            _a("tdx.enabled", BOOLEAN, "KVM can run TDX guests; NFD omits it where it is false"),
            _a("tdx.total_keys", NUMBER, "TDX keys that the misc cgroup hands out"),
            _a("tdx.protected", BOOLEAN, "this host is itself a TDX guest; NFD omits it where it is false"),
            _a("sev.enabled", BOOLEAN, "KVM can run SEV guests; NFD omits it where it is false"),
            _a("sev.asids", NUMBER, "SEV address space identifiers"),
            _a("sev.es.enabled", BOOLEAN, "KVM can run SEV-ES guests; NFD omits it where it is false"),
            _a("sev.encrypted_state_ids", NUMBER, "SEV-ES address space identifiers"),
            _a("sev.snp.enabled", BOOLEAN, "KVM can run SEV-SNP guests; NFD omits it where it is false"),
            _a("se.enabled", BOOLEAN, "s390x Secure Execution; NFD omits it where it is false"),
        ),
    ),
    FeatureInfo(
        "cpu.sst",
        meaning="Intel Speed Select",
        source="/sys/bus/cpu/devices/*/cpufreq/base_frequency",
        link="https://docs.kernel.org/admin-guide/pm/intel-speed-select.html",
        elements=(
            _a("bf.enabled", BOOLEAN, "some cores have a raised base frequency; NFD omits it where it is false"),
        ),
    ),
    FeatureInfo(
        "cpu.coprocessor",
        meaning="accelerators of the CPU",
        source="/sys/devices/vio/ibm,compression-v1/nx_gzip_caps",
        link="https://docs.kernel.org/arch/powerpc/vas-api.html",
        elements=(_a("nx_gzip", BOOLEAN, "ppc64le gzip accelerator; NFD omits it where it is false"),),
    ),
)
PROBES = {
    "cpu.model": "cpumodel",
    "cpu.count": "cputopology",
    "cpu.topology": "cputopology",
    "cpu.cstate": "cpupower",
    "cpu.pstate": "cpupower",
    "cpu.sst": "cpupower",
    "cpu.rdt": "cpurdt",
    "cpu.security": "cpusecurity",
    "cpu.coprocessor": "cpusecurity",
}
