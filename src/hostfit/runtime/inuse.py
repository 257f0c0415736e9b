"""What still needs hostfit; asked before a package is removed, for without it no container of ours can be deleted.

    python3 -m hostfit.runtime.inuse

Ends with 1 and a list where anything does: an engine that is set up, a container that hostfit-runtime created, a pod
behind its shim. A container counts until its bundle is gone, which engines remove last.
"""

from __future__ import annotations

import glob
import os
import sys

from hostfit.core.paths import Paths
from hostfit.core.text import escape
from hostfit.runtime import podrecord, record

_TASKS = "io.containerd.runtime.v2.task/*/*"
_PODS = (
    f"run/containerd/{_TASKS}",
    f"run/k3s/containerd/{_TASKS}",
    f"var/snap/microk8s/common/run/containerd/{_TASKS}",
    "run/containers/storage/*-containers/*/userdata",
)
"""Bundles of containerd and of its kin, and of CRI-O."""
_SHOWN = 20


def complaint(paths: Paths, root: str = "/") -> str:
    """Say what there is and what to do about it, empty where there is nothing. Raises OSError.

    `root` is what the engines' own directories lie below.
    """
    lines = []
    engines = sorted([os.path.basename(path)[:-5] for path in glob.glob(f"{paths.var}/setup/*.json")])
    if engines:
        lines.append(f"engines are set up to start containers through it: {', '.join(engines)}")
        lines += [f"  hostfit setup {one} --remove" for one in engines]
    bundles = sorted([escape(path, 4096) for path in _bundles(paths, root)])
    if bundles:
        lines.append(f"containers can be deleted only through it: {len(bundles)}, by their bundles")
        lines += [f"  {one}" for one in bundles[:_SHOWN]]
        if len(bundles) > _SHOWN:
            lines.append(f"  and {len(bundles) - _SHOWN} more")
        lines.append("  delete them with their engine; where there is none, remove the bundle")
    return "\n".join(["hostfit: not removed, for it is in use", *lines]) if lines else ""


def _bundles(paths: Paths, root: str) -> set[str]:
    """Bundles of containers that are not deleted yet."""
    pods = [os.path.dirname(path) for one in _PODS for path in glob.glob(os.path.join(root, one, podrecord.NAME))]
    return {one.bundle for one in record.every(paths)} | set(pods)


def main() -> int:
    """Print the complaint on standard error; the value is the exit status."""
    said = complaint(Paths())
    if said:
        print(said, file=sys.stderr)  # noqa: T201 - what dpkg or rpm shows
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
