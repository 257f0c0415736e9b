"""device.node: character and block devices below /dev, from the names and status of the nodes alone."""

from __future__ import annotations

import os
import stat

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.devtree import clean
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_DEEPEST = 6
"""Levels below /dev; /dev/bus/usb/001/002 has four."""
_MOST = 4096
"""Nodes that are listed at most."""
_OTHERS = frozenset(["pts", "shm", "mqueue", "hugepages"])
"""Directories of /dev that are file systems of their own: terminals in use, memory, queues."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give all device nodes; links to them (/dev/disk/by-id) are no nodes. Nothing is opened but directories."""
    del feature
    found: list[dict[str, str]] = []
    why = _walk(root, "/dev", _DEEPEST, found)
    found.sort(key=lambda node: node["path"])
    if names is not None:
        found = [{key: text for key, text in node.items() if key in names} for node in found]
    return Feature(instances=found, unknown=why)


def _walk(root: Root, directory: str, levels: int, found: list[dict[str, str]]) -> Unknown | None:
    """Add the nodes below a directory; say what could not be read, if anything."""
    descriptor = root.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    why: Unknown | None = None
    below = []
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                path = f"{directory}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    below.append(path)
                    continue
                try:
                    mode = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    # Unplugged since the directory was read.
                    continue
                if not (stat.S_ISCHR(mode.st_mode) or stat.S_ISBLK(mode.st_mode)):
                    continue
                if len(found) == _MOST:
                    return Unknown(f"/dev: more than {_MOST} nodes")
                found.append(
                    {
                        "path": clean(path),
                        "type": "c" if stat.S_ISCHR(mode.st_mode) else "b",
                        "major": str(os.major(mode.st_rdev)),
                        "minor": str(os.minor(mode.st_rdev)),
                    }
                )
    finally:
        os.close(descriptor)
    for path in below:
        if directory == "/dev" and path.rpartition("/")[2] in _OTHERS:
            continue
        if levels == 1:
            return Unknown(f"{path}: more than {_DEEPEST} levels below /dev")
        try:
            why = _walk(root, path, levels - 1, found) or why
        except OSError as error:
            why = why or Unknown(reason(error))
    return why
