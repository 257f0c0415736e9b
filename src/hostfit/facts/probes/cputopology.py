"""`cpu.topology` and `cpu.count` from sysfs; CPUs that are offline have no topology and are left out."""

from __future__ import annotations

from hostfit.core.facts import Feature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_DEVICES = "/sys/bus/cpu/devices"
_SYSTEM = "/sys/devices/system/cpu"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the two features. Raises OSError."""
    if feature == "cpu.count":
        found = {}
        for name in ("online", "present", "possible"):
            if names is None or name in names:
                found[name] = str(count_list(root.line(f"{_SYSTEM}/{name}")))
        if names is None or names & {"cores", "sockets"}:
            cores, sockets, _ = topology(root)
            found["cores"] = str(cores)
            found["sockets"] = str(sockets)
        return Feature(attributes=found)
    _, sockets, threads = topology(root)
    attributes = {"hardware_multithreading": "true" if threads else "false", "socket_count": str(sockets)}
    return Feature(attributes=attributes)


def topology(root: Root) -> tuple[int, int, bool]:
    """Give the number of cores and of sockets, and whether a core has several threads. Raises OSError."""
    cores = set()
    sockets = set()
    threads = False
    for name in root.names(_DEVICES):
        base = f"{_DEVICES}/{name}/topology"
        siblings = root.optional(f"{base}/thread_siblings_list")
        if siblings is None:
            continue
        package = root.line(f"{base}/physical_package_id")
        sockets.add(package)
        cores.add((package, siblings))
        threads = threads or count_list(siblings) > 1
    return len(cores), len(sockets), threads


def count_list(text: str) -> int:
    """Give how many numbers a list such as `0-3,8` names (cpulist of sysfs); 0 for what is no list."""
    total = 0
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            continue
        total += int(last) - int(first) + 1 if dash else 1
    return total
