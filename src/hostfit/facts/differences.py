"""Where hostfit's facts differ from what NFD discovers, as data, beside `hostfit.core.differences` on matching.

NFD is v0.19, `source/`. Features that NFD does not have at all are no differences and are not listed.
"""

from __future__ import annotations

from hostfit.core.differences import Difference

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "failing-source",
        nfd="A source that cannot be read, such as a host without a PCI bus, ends the whole run.",
        hostfit="Only the features read there are unknown, with path and errno.",
        why="One facility that is missing says nothing about the others.",
    ),
    Difference(
        "false-booleans",
        nfd="Booleans of cpu.security, cpu.rdt, cpu.sst and cpu.coprocessor are left out where they are false.",
        hostfit="They are always said, in recordings that NFD exported too.",
        why="IsFalse and NotIn can never match what is left out.",
    ),
    Difference(
        "cpuid-of-all-cpus",
        nfd="cpu.cpuid is what the CPUID instruction says on the CPU that NFD happens to run on.",
        hostfit="It is what the kernel shows for every CPU. What kernels do not show is unknown, never absent.",
        why="A container may run on any CPU, and with what the kernel has enabled only.",
    ),
    Difference(
        "hypervisor",
        nfd="cpu.model hypervisor comes from CPUID, and is none on every arm64 host.",
        hostfit="It comes from files that only guests have; where those do not tell the kind it is unknown.",
        why="There is no CPUID instruction in Python, and an arm64 guest is not metal.",
    ),
    Difference(
        "offline-cpus",
        nfd="cpu.topology is empty if one CPU is offline.",
        hostfit="CPUs that are offline are left out.",
        why="The others are still there.",
    ),
    Difference(
        "governors",
        nfd="cpu.pstate scaling_governor is given for the intel_pstate driver.",
        hostfit="It is given for every driver; different ones are joined with commas.",
        why="The governor matters whatever the driver.",
    ),
    Difference(
        "sev-capacity",
        nfd="The line of the misc cgroup is looked up by prefix, so sev may be answered with sev_es.",
        hostfit="It is looked up by its whole name.",
        why="The numbers differ.",
    ),
    Difference(
        "version-numbers",
        nfd="kernel.version major, minor and revision are absent for releases such as 5.15.167.4-x, or empty for 6.8.",
        hostfit="They are the first three numbers of the release; one that is not there is 0.",
        why="A comparison with nothing is an error in NFD, and 6.8 is 6.8.0.",
    ),
    Difference(
        "configuration-of-another-kernel",
        nfd="/usr/src/linux/.config is tried before files that name the running release.",
        hostfit="It is tried last, and counts only if its title names the running release.",
        why="It may be of any kernel.",
    ),
    Difference(
        "os-release",
        nfd="system.osrelease is read from /etc/os-release.",
        hostfit="Where that is missing, from /usr/lib/os-release.",
        why="os-release(5) says so.",
    ),
    Difference(
        "node-name",
        nfd="system.name nodename is the environment's NODE_NAME, empty outside Kubernetes.",
        hostfit="It is the kernel's host name.",
        why="Nothing is taken from the environment of whoever starts a container.",
    ),
)
