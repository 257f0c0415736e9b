"""Files of the host: read with an end in sight, trusted only by owner and mode, replaced as a whole."""

from __future__ import annotations

import errno
import os
import stat
import time

from hostfit.core.errors import PolicyError
from hostfit.core.text import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_LINKS = 40
"""As many symbolic links as the kernel follows in one path (path_resolution(7))."""
_PIECE = 1 << 16


def read_fd(fd: int, cap: int, path: str = "") -> bytes:
    """Read an open file to its end. Raises OSError, EFBIG where there are more than `cap` bytes."""
    pieces = []
    left = cap + 1
    while left > 0:
        piece = os.read(fd, min(left, _PIECE))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise OSError(errno.EFBIG, f"more than {cap} bytes", path)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def require_regular(fd: int, path: str) -> os.stat_result:
    """Give the status of an open file. Raises OSError, EISDIR or EINVAL, where it is not a regular file."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        code = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
        raise OSError(code, "not a regular file", path)
    return status


def read_capped(path: str, cap: int) -> bytes:
    """Read a regular file of at most `cap` bytes; a FIFO or device never blocks. Raises OSError (EFBIG over cap)."""
    fd = os.open(path, _READ)
    try:
        require_regular(fd, path)
        return read_fd(fd, cap, path)
    finally:
        os.close(fd)


def read_trusted(path: str, cap: int) -> bytes:
    """Read a file that only root could have written, itself and by way of every directory above it.

    Raises FileNotFoundError where there is none, and PolicyError where it cannot be read, is longer than `cap` bytes,
    or somebody else could have written it (security rule R3; design: the hot path).
    """
    try:
        fd = open_trusted(path)
        try:
            return read_fd(fd, cap, path)
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PolicyError(f"{escape(path)}: must be readable, found {symbol(error)}") from error


def open_trusted(path: str) -> int:
    """Open a trusted regular file for reading and give its descriptor.

    Every directory, symbolic link and the file itself must belong to a trusted owner and must not be writable by
    group or others; a directory of a trusted owner with the sticky bit may be. Raises PolicyError, FileNotFoundError
    and other OSErrors of the path walk.
    """
    if not path.startswith("/"):
        raise PolicyError(f"{escape(path)}: must be an absolute path")
    todo = _parts(path)
    links = 0
    where = "/"
    here = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _require_trusted(here, "/")
        while todo:
            name = todo.pop()
            step = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            try:
                shown = where.rstrip("/") + "/" + name
                kind = stat.S_IFMT(_require_trusted(step, shown).st_mode)
                if kind == stat.S_IFLNK:
                    links += 1
                    if links > _LINKS:
                        raise OSError(errno.ELOOP, "too many links", path)
                    target = os.readlink("", dir_fd=step)
                    todo.extend(_parts(target))
                    if target.startswith("/"):
                        where = "/"
                        os.close(here)
                        here = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
                elif kind == stat.S_IFDIR and todo:
                    here, step, where = step, here, shown
                elif kind == stat.S_IFREG and not todo:
                    return os.open(f"/proc/self/fd/{step}", _READ)
                else:
                    code = errno.EISDIR if kind == stat.S_IFDIR else errno.ENOTDIR if todo else errno.EINVAL
                    raise OSError(code, "not a regular file", path)
            finally:
                os.close(step)
        raise OSError(errno.EISDIR, "not a regular file", path)
    finally:
        os.close(here)


def _parts(path: str) -> list[str]:
    """The names of a path, last first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _require_trusted(fd: int, path: str) -> os.stat_result:
    status = os.fstat(fd)
    if status.st_uid != 0 and not _overflown_root(fd, status.st_uid):
        raise PolicyError(f"{escape(path)}: owner must be root, found uid {status.st_uid}")
    mode = status.st_mode
    sticky = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
    if mode & 0o022 and not stat.S_ISLNK(mode) and not sticky:
        raise PolicyError(
            f"{escape(path)}: must not be writable by group or others, found mode {stat.S_IMODE(mode):04o}",
            hint=f"chmod go-w {escape(path)}",
        )
    return status


def _overflown_root(fd: int, uid: int) -> bool:
    """Whether this owner may be the host's root seen from a user namespace that does not map it."""
    try:
        overflow = int(read_capped("/proc/sys/kernel/overflowuid", 32))
    except (OSError, ValueError):
        return False
    return uid == overflow and not maps_host_root() and not os.access(f"/proc/self/fd/{fd}", os.W_OK)


def maps_host_root() -> bool:
    """Whether the host's uid 0 has a number here, by /proc/self/uid_map (user_namespaces(7)).

    Where that cannot be read the answer is yes, which trusts fewer files.
    """
    try:
        lines = read_capped("/proc/self/uid_map", 1 << 16).splitlines()
    except OSError:
        return True
    return any([line.split()[1:2] == [b"0"] for line in lines])


def is_host_root() -> bool:
    """Whether this process is the host's root: not the root of a user namespace, whatever its number is here."""
    return os.geteuid() == 0 and maps_host_root()


def hidden(error: OSError) -> bool:
    """Whether a file is there, perhaps, and not for this user to read."""
    return error.errno == errno.EACCES and not is_host_root()


def write_atomic(path: str, data: bytes, mode: int, *, durable: bool = True) -> None:
    """Replace `path` by a file with this content and mode; readers see the old or the new one, never a part.

    `durable` waits for the disk (not needed under /run). Raises OSError; nothing is left behind then.
    """
    folder, _, name = path.rpartition("/")
    folder = folder or ("/" if path.startswith("/") else ".")
    spare = f"{folder}/.{name[:200]}.{os.getpid()}.{time.monotonic_ns()}"
    fd = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fchmod(fd, mode)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(spare, path)
    except BaseException:
        os.unlink(spare)
        raise
    if durable:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def ensure_directory(path: str, mode: int) -> None:
    """Make a directory, and those above it with mode 0755; one that is there keeps its mode. Raises OSError."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
        return
    except FileNotFoundError:
        above = os.path.dirname(path)
        if above == path:
            raise
        ensure_directory(above, 0o755)
        ensure_directory(path, mode)
        return
    os.chmod(path, mode)


def sha256(data: bytes) -> str:
    """Give the SHA-256 of some bytes in hexadecimal."""
    # Which module it is in depends on the interpreter; hashlib costs more than a millisecond.
    for name in ("_sha256", "_sha2", "hashlib"):
        try:
            module: Any = __import__(name)
        except ImportError:
            continue
        return str(module.sha256(data).hexdigest())
    raise ImportError("no SHA-256 in this interpreter")


def symbol(error: OSError) -> str:
    """Name an error by its symbol, such as ENOENT; never by strerror, whose words engines reclassify."""
    return errno.errorcode.get(error.errno or 0, f"errno {error.errno}")
