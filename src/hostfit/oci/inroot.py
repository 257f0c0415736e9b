"""Files below a directory that somebody else controls, such as a root filesystem: no way out, no traps (rule R7)."""

from __future__ import annotations

import errno
import os
import stat

from hostfit.oci.files import read_fd

_LINKS = 40
_WALK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def open_in_root(root: str, path: str, flags: int = os.O_RDONLY, *, cross: bool = False) -> int:
    """Open a regular file or directory below `root` for reading and give its descriptor.

    Symbolic links, absolute or not, and `..` resolve as if `root` were `/`. Each step is taken from the descriptor of
    the one before and `..` goes back along those, so renames during the walk lead nowhere else. `cross` allows
    directories on another filesystem than `root` (a procfs mounted there, for example).

    Raises OSError: EXDEV for another filesystem, EINVAL for a FIFO, socket or device, ELOOP for more than 40 links, and
    what the kernel says to each step.
    """
    top = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    stack = [top]
    try:
        device = os.fstat(top).st_dev
        todo = _parts(path)
        links = 0
        while todo:
            name = todo.pop()
            if name == "..":
                if len(stack) > 1:
                    os.close(stack.pop())
                continue
            step = os.open(name, _WALK, dir_fd=stack[-1])
            stack.append(step)
            status = os.fstat(step)
            kind = stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFDIR:
                # overlayfs gives its files other device numbers than its directories, so only these are compared.
                if status.st_dev != device and not cross:
                    raise OSError(errno.EXDEV, "on another filesystem", path)
            elif kind == stat.S_IFLNK:
                links += 1
                if links > _LINKS:
                    raise OSError(errno.ELOOP, "too many links", path)
                target = os.readlink("", dir_fd=step)
                os.close(stack.pop())
                todo.extend(_parts(target))
                if target.startswith("/"):
                    while len(stack) > 1:
                        os.close(stack.pop())
            elif todo:
                raise OSError(errno.ENOTDIR, "not a directory", path)
            elif kind != stat.S_IFREG:
                raise OSError(errno.EINVAL, "not a regular file", path)
        # The descriptor, not the name: what was checked is what gets opened.
        return os.open(f"/proc/self/fd/{stack[-1]}", flags | _PLAIN)
    finally:
        for fd in stack:
            os.close(fd)


def read_in_root(root: str, path: str, cap: int) -> bytes:
    """Read a regular file below `root` of at most `cap` bytes. Raises OSError as open_in_root, EFBIG and EISDIR."""
    fd = open_in_root(root, path)
    try:
        return read_fd(fd, cap, path)
    finally:
        os.close(fd)


def _parts(path: str) -> list[str]:
    """The names of a path, last first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
