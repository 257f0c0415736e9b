"""Reads files below one directory that stands for a host: `/` itself, or a tree that was copied from one.

Nothing outside the directory is ever reached: symbolic links, absolute ones too, are resolved inside it
(security rule R7). Every read is capped, of regular files only, and never blocks.
"""

from __future__ import annotations

import errno
import os
import stat

from hostfit.core import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_LIST = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
_WALK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_LINKS = 40
"""The kernel's own bound on the links followed in one path (path_resolution(7))."""
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


class Root:
    """The files of one host. All paths given are absolute paths of that host, `/proc/cpuinfo` and so on.

    Every method raises OSError with the host's path as `filename`; a path that a tree lacks is ENOENT.
    `memo` lets the probes of one reading share what they parsed; whoever reads again makes a new Root.
    """

    __slots__ = ("live", "memo", "path")

    def __init__(self, path: str = "/") -> None:
        self.path = path
        self.live = os.path.normpath(path) == "/"
        self.memo: dict[str, Any] = {}

    def read(self, path: str, cap: int = limits.PROC_FILE) -> bytes:
        """Give the content of a regular file; EFBIG if it is longer than `cap` bytes, EINVAL if not regular."""
        descriptor = self.open(path, _READ)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _error(errno.EINVAL, path)
            parts: list[bytes] = []
            left = cap + 1
            # Files of procfs and sysfs have no length: read to the end, a page or more at a time.
            while left > 0:
                part = os.read(descriptor, min(left, 1 << 16))
                if not part:
                    return b"".join(parts)
                parts.append(part)
                left -= len(part)
        except OSError as error:
            raise _error(error.errno or errno.EIO, path) from None
        finally:
            os.close(descriptor)
        raise _error(errno.EFBIG, path) from None

    def text(self, path: str, cap: int = limits.PROC_FILE) -> str:
        """Give the content of a file as text; bytes that are no UTF-8 become U+FFFD."""
        return self.read(path, cap).decode("utf-8", "replace")

    def line(self, path: str) -> str:
        """Give a file of one value without the space around it, as most of sysfs is."""
        return self.text(path, 1 << 16).strip()

    def section(self, path: str, name: bytes, cap: int) -> bytes:
        """Give one section of an ELF file, empty if it has none of that name; ValueError if it is no sound ELF file."""
        # Few features need ELF files.
        from hostfit.facts import elf  # see the line above

        descriptor = self.open(path, _READ)
        try:
            return elf.section(descriptor, name, cap)
        except OSError as error:
            raise _error(error.errno or errno.EIO, path) from None
        finally:
            os.close(descriptor)

    def optional(self, path: str) -> str | None:
        """Give `line(path)`, or None if there is no such file; any other error is raised."""
        try:
            return self.line(path)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise

    def names(self, path: str) -> list[str]:
        """Give the names in a directory, sorted."""
        descriptor = self.open(path, _LIST)
        try:
            return sorted(os.listdir(descriptor))
        except OSError as error:
            raise _error(error.errno or errno.EIO, path) from None
        finally:
            os.close(descriptor)

    def stat(self, path: str) -> os.stat_result:
        """Give the status of what the path leads to, links followed inside the root."""
        if self.live:
            return os.stat(path)
        descriptor, _ = self._walk(path, follow=True)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def exists(self, path: str) -> bool:
        """Whether the path leads to something; an error other than ENOENT and ENOTDIR is raised."""
        try:
            self.stat(path)
        except OSError as error:
            if error.errno in _ABSENT:
                return False
            raise
        return True

    def link(self, path: str) -> str:
        """Give the text of a symbolic link; EINVAL if it is none."""
        if self.live:
            return os.readlink(path)
        descriptor, _ = self._walk(path, follow=False)
        try:
            return os.readlink("", dir_fd=descriptor)
        except OSError as error:
            # An empty name on something that is no link is ENOENT to the kernel.
            raise _error(errno.EINVAL if error.errno == errno.ENOENT else error.errno or errno.EIO, path) from None
        finally:
            os.close(descriptor)

    def resolve(self, path: str) -> str:
        """Give the host's path without links, as realpath(3) would on that host; it must lead somewhere."""
        if self.live:
            return os.path.realpath(path, strict=True)
        descriptor, real = self._walk(path, follow=True)
        os.close(descriptor)
        return real

    def open(self, path: str, flags: int) -> int:
        """Give a descriptor for what the path leads to; the caller closes it."""
        if self.live:
            return os.open(path, flags)
        descriptor, _ = self._walk(path, follow=True)
        try:
            # A device or pipe in a tree is never opened, whatever it would do.
            if not flags & os.O_DIRECTORY and not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _error(errno.EINVAL, path)
            return os.open(f"/proc/self/fd/{descriptor}", flags)
        except OSError as error:
            raise _error(error.errno or errno.EIO, path) from None
        finally:
            os.close(descriptor)

    def _walk(self, path: str, *, follow: bool) -> tuple[int, str]:
        """Open `path` with O_PATH one name at a time; give the descriptor and the real path on the host."""
        try:
            stack = [os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
        except OSError as error:
            raise _error(error.errno or errno.EIO, path) from None
        names: list[str] = []
        left = path.split("/")[::-1]
        links = 0
        try:
            while left:
                name = left.pop()
                if name in ("", "."):
                    continue
                if name == "..":
                    if names:
                        names.pop()
                        os.close(stack.pop())
                    continue
                below = os.open(name, _WALK, dir_fd=stack[-1])
                if stat.S_ISLNK(os.fstat(below).st_mode) and (left or follow):
                    target = os.readlink("", dir_fd=below)
                    os.close(below)
                    links += 1
                    if links > _MAX_LINKS:
                        raise _error(errno.ELOOP, path) from None
                    if target.startswith("/"):
                        while names:
                            names.pop()
                            os.close(stack.pop())
                    left += target.split("/")[::-1]
                    continue
                names.append(name)
                stack.append(below)
            return stack.pop(), "/" + "/".join(names)
        except OSError as error:
            raise _error(error.errno or errno.EIO, path) from None
        finally:
            for descriptor in stack:
                os.close(descriptor)


def _error(number: int, path: str) -> OSError:
    """Give the OSError of `number`, naming the host's path whatever descriptor was in use."""
    return OSError(number, os.strerror(number), path)


def reason(error: OSError) -> str:
    """Give an error as `PATH: ERRNO_SYMBOL`, the form in which an unknown fact names its cause."""
    path = error.filename if isinstance(error.filename, str) else "?"
    return f"{path}: {errno.errorcode.get(error.errno or 0, 'EIO')}"
