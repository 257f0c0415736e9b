"""Where the state of a rootless container lies: below the runtime directory of the user whose it is.

The policy stays the system's. What is kept here decides nothing for anybody else: root never reads it.
"""

from __future__ import annotations

import os
import stat

from hostfit.core.paths import Paths
from hostfit.oci.files import is_host_root, read_capped

RUNTIME_DIR = "XDG_RUNTIME_DIR"


def places(paths: Paths, runtime_dir: str) -> Paths:
    """Give the places of whoever this process runs for; `runtime_dir` is what the caller has for XDG_RUNTIME_DIR.

    Those of the system for root, also for the root of a container whose /run is its own. For a user `run` is the
    directory `hostfit` in the first of XDG_RUNTIME_DIR, /run/user/UID and Podman's /tmp/podman-run-UID that belongs
    to that user alone. Without any of these they stay as they are, and nothing can be written there.
    """
    if is_host_root() or _writable(paths.run):
        return paths
    uid = host_uid()
    for place in (runtime_dir, f"/run/user/{uid}", f"/tmp/podman-run-{uid}"):  # noqa: S108 - its owner is looked at
        if _own(place):
            return Paths(paths.etc, f"{place.rstrip('/')}/hostfit", paths.var)
    return paths


def host_uid() -> int:
    """Give the user's number outside the user namespace that this process is in (user_namespaces(7))."""
    uid = os.geteuid()
    try:
        lines = read_capped("/proc/self/uid_map", 1 << 16).splitlines()
        for inside, outside, count in [[int(word) for word in line.split()] for line in lines]:
            if inside <= uid < inside + count:
                return outside + uid - inside
    except (OSError, ValueError):
        pass
    return uid


def _writable(path: str) -> bool:
    return os.access(path if os.path.exists(path) else os.path.dirname(path), os.W_OK)


def _own(path: str) -> bool:
    """Whether this is a directory that belongs to the user and that nobody else may write; no link counts."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    private = status.st_uid == os.geteuid() and not status.st_mode & 0o022
    return path.startswith("/") and stat.S_ISDIR(status.st_mode) and private
