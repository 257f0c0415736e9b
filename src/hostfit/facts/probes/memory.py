"""`memory.*` from sysfs and procfs."""

from __future__ import annotations

from hostfit.core.facts import Feature
from hostfit.facts.probes.devtree import present, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.facts import Unknown
    from hostfit.facts.root import Root

_SIZES = {"total": "MemTotal:", "available": "MemAvailable:", "swap": "SwapTotal:"}


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the features. Raises OSError."""
    if feature == "memory.numa":
        nodes = [name for name in _below(root, "/sys/bus/node/devices", "/sys/bus") if name.startswith("node")]
        count = max(len(nodes), 1)
        return Feature(attributes={"is_numa": "true" if count > 1 else "false", "node_count": str(count)})
    if feature == "memory.nv":
        base = "/sys/bus/nd/devices"
        return Feature(instances=[_device(root, base, name) for name in _below(root, base, "/sys/bus")])
    if feature == "memory.swap":
        # A kernel built without swap has no such file.
        root.stat("/proc/meminfo")
        text = root.optional("/proc/swaps") or ""
        return Feature(attributes={"enabled": "true" if len(text.split("\n")) > 1 else "false"})
    if feature == "memory.size":
        return Feature(attributes=sizes(root.text("/proc/meminfo"), names))
    return Feature(attributes=hugepages(root, names))


def _below(root: Root, path: str, parent: str) -> list[str]:
    """Give the names in a directory; none if it is missing where its parent is not."""
    root.stat(parent)
    return root.names(path) if root.exists(path) else []


def _device(root: Root, base: str, name: str) -> dict[str, str | Unknown]:
    return present({"name": name, **{key: value(root, f"{base}/{name}/{key}") for key in ("devtype", "mode")}})


def sizes(text: str, names: set[str] | None = None) -> dict[str, str]:
    """Give the sizes of /proc/meminfo in bytes; the file has them in KiB, which it writes as kB.

    Only those in `names`: what is available changes all the time, and whoever does not ask for it sees no change.
    """
    found = {}
    for name, key in _SIZES.items():
        if names is not None and name not in names:
            continue
        words = f"\n{text}".partition(f"\n{key}")[2].partition("\n")[0].split()
        if len(words) == 2 and words[0].isdecimal():
            found[name] = str(int(words[0]) * 1024)
    return found


def hugepages(root: Root, names: set[str] | None) -> dict[str, str]:
    """Give the reserved pages of each size, and whether there are any."""
    base = "/sys/kernel/mm/hugepages"
    found = {}
    total = 0
    for name in _below(root, base, "/sys/kernel/mm"):
        key = "hugepages-" + quantity(name.removeprefix("hugepages-").removesuffix("kB"))
        if names is not None and "enabled" not in names and key not in names:
            continue
        count = root.line(f"{base}/{name}/nr_hugepages")
        if count.isdecimal():
            found[key] = count
            total += int(count)
    found["enabled"] = "true" if total else "false"
    return found


def quantity(kib: str) -> str:
    """Give a number of KiB as Kubernetes writes quantities: `2Mi` for 2048."""
    if not kib.isdecimal():
        return kib
    number, unit = int(kib), "Ki"
    for larger in ("Mi", "Gi", "Ti"):
        if number == 0 or number % 1024:
            break
        number, unit = number // 1024, larger
    return f"{number}{unit}"
