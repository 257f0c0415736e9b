"""`kernel.sysctl`: single values below /proc/sys, only those that are asked for."""

from __future__ import annotations

import errno
import stat

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_BASE = "/proc/sys"
_SECRET = ("_secret", "_key", "uuid", "boot_id")
"""Ends of names whose values identify the host or are keys; a diagnostic would show them to a pod's owner."""
_WALK = 4096
"""How many values a walk over all of them reads at most; the rest is unknown."""
_VALUE = 1 << 16


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `kernel.sysctl`. Raises OSError."""
    del feature
    # A tree without this directory is no kernel without sysctls.
    root.stat(_BASE)
    if names is None:
        return walk(root)
    attributes: dict[str, str | Unknown] = {}
    for name in names:
        value = one(root, name)
        if value is not None:
            attributes[name] = value
    return Feature(attributes=attributes)


def path_of(name: str) -> str | None:
    """Give the path of a sysctl, None for what can be no name of one.

    As with sysctl(8) the first separator decides: after a dot, dots separate and a slash stands for a dot in a
    name (`net.ipv4.conf.eth0/100.forwarding`); after a slash it is the path itself.
    """
    dot, slash = name.find("."), name.find("/")
    if slash < 0 or 0 <= dot < slash:
        name = name.translate({ord("."): "/", ord("/"): "."})
    parts = name.split("/")
    if not all(parts) or "." in parts or ".." in parts or "\0" in name or len(name) > 512:
        return None
    return f"{_BASE}/{name}"


def one(root: Root, name: str) -> str | Unknown | None:
    """Give one value with each run of space as one space; None if there is no such sysctl."""
    path = path_of(name)
    if path is None:
        return None
    if name.endswith(_SECRET):
        return Unknown(f"{path}: not read, it may be a secret")
    try:
        return " ".join(root.text(path, _VALUE).split())
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        return Unknown(reason(error))


def walk(root: Root) -> Feature:
    """Give all values, up to a bound."""
    attributes: dict[str, str | Unknown] = {}
    unknown = None
    left = [_BASE]
    while left:
        path = left.pop()
        try:
            mode = root.stat(path).st_mode
            if stat.S_ISDIR(mode):
                left += [f"{path}/{entry}" for entry in reversed(root.names(path))]
                continue
        except FileNotFoundError:
            # Gone since the directory above was read.
            continue
        except OSError as error:
            unknown = unknown or Unknown(reason(error))
            continue
        if len(attributes) >= _WALK:
            return Feature(attributes=attributes, unknown=Unknown(f"{_BASE}: more than {_WALK} values"))
        name = path[len(_BASE) + 1 :].translate({ord("."): "/", ord("/"): "."})
        # Switches such as vm.compact_memory.
        value = one(root, name) if mode & 0o444 else Unknown(f"{path}: can only be written")
        if value is not None:
            attributes[name] = value
    return Feature(attributes=attributes, unknown=unknown)
