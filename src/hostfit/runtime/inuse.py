"""Which containers still need hostfit-runtime; asked before a package is removed, for without it none can be deleted.

    python3 -m hostfit.runtime.inuse

Ends with 1 and a list where there are any. A container counts until its bundle is gone, which engines remove last.
"""

from __future__ import annotations

import sys

from hostfit.core.paths import Paths
from hostfit.runtime import record

_SHOWN = 20


def complaint(paths: Paths) -> str:
    """Say which containers there are and what to do, empty where there are none. Raises OSError."""
    found = sorted(record.every(paths), key=lambda one: one.bundle)
    if not found:
        return ""
    lines = [f"hostfit: not removed: {len(found)} container(s) can be deleted only through hostfit-runtime:"]
    lines += [f"  {one.bundle} ({one.runtime})" for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more")
    lines.append("Delete them with their engine (podman rm, crictl rm, ctr task delete, docker rm).")
    lines.append("Where no engine made a container, it counts until its bundle is removed.")
    return "\n".join(lines)


def main() -> int:
    """Print the complaint on standard error; the value is the exit status."""
    said = complaint(Paths())
    if said:
        print(said, file=sys.stderr)  # noqa: T201 - what dpkg or rpm shows
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
