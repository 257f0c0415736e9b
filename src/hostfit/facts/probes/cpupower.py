"""`cpu.cstate`, `cpu.pstate` and `cpu.sst` from sysfs."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import cpuinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_CPU = "/sys/devices/system/cpu"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the three features. Raises OSError."""
    # A tree without this directory is no host without frequency scaling.
    root.stat(_CPU)
    if feature == "cpu.cstate":
        return Feature(attributes=cstate(root))
    if feature == "cpu.sst":
        return Feature(attributes={"bf.enabled": base_frequency(root)})
    return Feature(attributes=pstate(root, names))


def cstate(root: Root) -> dict[str, str]:
    """Give `enabled` where intel_idle drives the idle states; NFD says nothing of other drivers either."""
    if root.optional(f"{_CPU}/cpuidle/current_driver") != "intel_idle":
        return {}
    limit = root.line("/sys/module/intel_idle/parameters/max_cstate")
    return {"enabled": "false" if limit == "0" else "true"}


def pstate(root: Root, names: set[str] | None) -> dict[str, str]:
    """Give what intel_pstate says, and the governors, which NFD gives for intel_pstate only."""
    found = {}
    status = root.optional(f"{_CPU}/intel_pstate/status")
    if status is not None:
        found["status"] = status
    no_turbo = root.optional(f"{_CPU}/intel_pstate/no_turbo")
    if no_turbo in ("0", "1"):
        found["turbo"] = "true" if no_turbo == "0" else "false"
    if names is None or "scaling_governor" in names:
        base = f"{_CPU}/cpufreq"
        policies = root.names(base) if root.exists(base) else []
        every = [root.optional(f"{base}/{name}/scaling_governor") for name in policies]
        governors = {governor for governor in every if governor}
        if governors:
            found["scaling_governor"] = ",".join(sorted(governors))
    return found


def base_frequency(root: Root) -> str | Unknown:
    """Give whether the CPUs have different base frequencies, which only Speed Select's BF gives equal cores."""
    devices = "/sys/bus/cpu/devices"
    values = {root.optional(f"{devices}/{name}/cpufreq/base_frequency") for name in root.names(devices)} - {None}
    if len(values) > 1:
        if root.exists("/sys/devices/cpu_atom"):
            return Unknown(f"{devices}: base frequencies of different kinds of core differ anyway")
        return "true"
    if not values and cpuinfo.load(root).vendor == "Intel":
        return Unknown(f"{devices}/cpu0/cpufreq/base_frequency: ENOENT")
    return "false"
