"""`cpu.security` and `cpu.coprocessor`. Every boolean is said, where NFD leaves the false ones out."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import cpuid, cpuinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_MODULES = "/sys/module"
_SWITCHES = {
    "tdx.enabled": "kvm_intel/parameters/tdx",
    "sev.enabled": "kvm_amd/parameters/sev",
    "sev.es.enabled": "kvm_amd/parameters/sev_es",
    "sev.snp.enabled": "kvm_amd/parameters/sev_snp",
}
_CAPACITIES = {"tdx.total_keys": "tdx", "sev.asids": "sev", "sev.encrypted_state_ids": "sev_es"}
"""The resource of the misc cgroup that counts each (admin-guide/cgroup-v2, "Misc")."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the two features. Raises OSError."""
    if feature == "cpu.coprocessor":
        root.stat("/sys/devices")
        found = root.exists("/sys/devices/vio/ibm,compression-v1/nx_gzip_caps")
        return Feature(attributes={"nx_gzip": _boolean(found)})
    info = cpuinfo.load(root)
    flags = info.flags
    root.stat(_MODULES)
    attributes: dict[str, str | Unknown] = {
        "sgx.enabled": _boolean("sgx" in flags),
        "tdx.protected": _boolean("tdx_guest" in flags),
        "se.enabled": _boolean(root.optional("/sys/firmware/uv/prot_virt_host") == "1"),
    }
    for name, path in _SWITCHES.items():
        # The flags of the CPU say what it could do; KVM's parameter says what was enabled.
        attributes[name] = _boolean(root.optional(f"{_MODULES}/{path}") in ("1", "Y"))
    missing = cpuid.unseen(root, info, {"sgx", "tdx_guest"}) if info.kind == "x86" else ()
    for flag, hidden in (("sgx", ("sgx.enabled", "sgx.epc")), ("tdx_guest", ("tdx.protected",))):
        if flag in missing:
            attributes.update(dict.fromkeys(hidden, Unknown(f"{flag}: not shown in /proc/cpuinfo by this kernel")))
    if "sgx" in flags and (names is None or "sgx.epc" in names):
        attributes["sgx.epc"] = enclave_memory(root)
    if any([attributes[name] == "true" for name in ("tdx.enabled", "sev.enabled")]):
        held = capacities(root)
        attributes.update({name: held[key] for name, key in _CAPACITIES.items() if key in held})
    return Feature(attributes=attributes)


def enclave_memory(root: Root) -> str | Unknown:
    """Give the bytes of enclave page cache of all nodes (Linux 5.17 and later)."""
    nodes = "/sys/devices/system/node"
    total = 0
    seen = False
    for name in root.names(nodes):
        size = root.optional(f"{nodes}/{name}/x86/sgx_total_bytes") if name.startswith("node") else None
        if size is not None and size.isdecimal():
            total += int(size)
            seen = True
    return str(total) if seen else Unknown(f"{nodes}/node0/x86/sgx_total_bytes: ENOENT")


def capacities(root: Root) -> dict[str, str]:
    """Give the capacities of the misc cgroup by exact resource name."""
    for path in ("/sys/fs/cgroup/misc.capacity", "/sys/fs/cgroup/misc/misc.capacity"):
        text = root.optional(path)
        if text is not None:
            pairs = [line.split() for line in text.split("\n")]
            return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}
    return {}


def _boolean(value: bool) -> str:
    return "true" if value else "false"
