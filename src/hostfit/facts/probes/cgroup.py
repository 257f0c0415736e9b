"""`kernel.cgroup`: which hierarchy of control groups is mounted, and the controllers in it."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_MOUNT = "/sys/fs/cgroup"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `kernel.cgroup`. Raises OSError."""
    del feature, names
    unified = root.optional(f"{_MOUNT}/cgroup.controllers")
    if unified is not None:
        return Feature(flags=unified.split(), attributes={"version": "2", "hybrid": "false"})
    mounted = root.names(_MOUNT)
    if not mounted:
        return Feature(flags=(), attributes={}, unknown=Unknown(f"{_MOUNT}: no control groups are mounted there"))
    beside = root.optional(f"{_MOUNT}/unified/cgroup.controllers")
    controllers = set((beside or "").split()) | version_one(root.text("/proc/cgroups"))
    attributes = {"version": "1", "hybrid": "false" if beside is None else "true"}
    return Feature(flags=controllers, attributes=attributes)


def version_one(text: str) -> set[str]:
    """Give the controllers of /proc/cgroups that are enabled and attached to a hierarchy (cgroups(7))."""
    rows = [line.split() for line in text.split("\n") if line and not line.startswith("#")]
    return {row[0] for row in rows if len(row) == 4 and row[1] != "0" and row[3] == "1"}
