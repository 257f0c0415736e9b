"""What the program that a container starts was built for, from the notes in its ELF file.

Source: the gABI (program headers, notes), the x86-64 psABI (GNU_PROPERTY_X86_ISA_1_NEEDED in NT_GNU_PROPERTY_TYPE_0)
and glibc's NT_GNU_ABI_TAG. The root filesystem is hostile: paths resolve inside it, only regular files are opened,
every offset is checked against what was read, and nothing is executed or mapped (security rules R7, R9).
"""

from __future__ import annotations

import errno
import os
from _struct import calcsize, unpack_from

from hostfit.core import limits
from hostfit.oci.inroot import open_in_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.oci.request import Bundle

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What runc and crun search where the process has no PATH."""
_PATH_ENTRIES = 64
_PT_NOTE, _PT_GNU_PROPERTY = 4, 0x6474E553
_NT_ABI_TAG, _NT_PROPERTY = 1, 5
_ISA_NEEDED = 0xC0008002
_EM_386, _EM_X86_64 = 3, 62
_PROGRAM_HEADERS = 256
_NOTES = 64
_LEVELS = ((8, "v4"), (4, "v3"), (2, "v2"))
"""Bits of GNU_PROPERTY_X86_ISA_1_NEEDED, highest first; bit 0 is the baseline."""


class _TruncatedError(Exception):
    """A structure does not lie wholly in what was read."""


class Needs:
    """What one ELF file says it needs: `path` inside the root filesystem, `level` "v2" to "v4" of x86-64 or empty,
    `kernel` the oldest Linux version or empty.
    """

    __slots__ = ("kernel", "level", "path")

    def __init__(self, path: str, *, level: str = "", kernel: str = "") -> None:
        self.path = path
        self.level = level
        self.kernel = kernel


def entrypoint(bundle: Bundle) -> Needs | None:
    """Read the program that a bundle starts; None where it is no ELF file or cannot be read.

    A script's interpreter is not followed. A path relative to the working directory is not resolved: that directory
    can lie in a volume.
    """
    program = bundle.args[0] if bundle.args else ""
    if not program or not bundle.rootfs.startswith("/") or "\0" in program:
        return None
    if "/" in program:
        return _read(bundle.rootfs, program) if program.startswith("/") else None
    path = _DEFAULT_PATH
    for entry in bundle.env:
        if entry.startswith("PATH="):
            path = entry[5:]
    for folder in path.split(":")[:_PATH_ENTRIES]:
        if folder.startswith("/") and "\0" not in folder:
            found = _read(bundle.rootfs, f"{folder.rstrip('/')}/{program}")
            if found is not None:
                return found
    return None


def _read(rootfs: str, path: str) -> Needs | None:
    try:
        fd = open_in_root(rootfs, path)
    except (OSError, ValueError):
        return None
    try:
        return parse(fd, path)
    except OSError:
        return None
    finally:
        os.close(fd)


def parse(fd: int, path: str) -> Needs:
    """Read the notes of an open file; a file that is no ELF file, or a damaged one, needs nothing. Raises OSError."""
    needs = Needs(path)
    head = os.pread(fd, 64, 0)
    if head[:4] != b"\x7fELF" or len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2):
        return needs
    wide = head[4] == 2
    order = "<" if head[5] == 1 else ">"
    try:
        machine = _unpack(order + "H", head, 18)[0]
        offset = _unpack(order + ("Q" if wide else "I"), head, 32 if wide else 28)[0]
        size, count = _unpack(order + "HH", head, 54 if wide else 42)
        if size < (56 if wide else 32) or count > _PROGRAM_HEADERS:
            return needs
        table = _at(fd, offset, size * count)
        for number in range(count):
            kind, start, length = _segment(table, number * size, order, wide)
            if kind in (_PT_NOTE, _PT_GNU_PROPERTY) and 0 < length <= limits.ELF_HEADERS:
                align = 8 if wide and kind == _PT_GNU_PROPERTY else 4
                _notes(_at(fd, start, length), order, align, needs, wide and machine == _EM_X86_64)
    except _TruncatedError:
        pass  # cut off in the middle of a structure: what was read before counts
    return needs


def _unpack(form: str, data: bytes, at: int = 0) -> tuple[int, ...]:
    if at < 0 or at + calcsize(form) > len(data):
        raise _TruncatedError
    return unpack_from(form, data, at)


def _segment(table: bytes, at: int, order: str, wide: bool) -> tuple[int, int, int]:
    """Type, offset and size in the file of one program header."""
    if wide:
        kind, _, start, _, _, length = _unpack(order + "IIQQQQ", table, at)
    else:
        kind, start, _, _, length = _unpack(order + "IIIII", table, at)
    return kind, start, length


def _at(fd: int, offset: int, size: int) -> bytes:
    if size > limits.ELF_HEADERS or offset >= limits.INTEGER:
        return b""
    try:
        return os.pread(fd, size, offset)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOVERFLOW):
            return b""
        raise


def _notes(data: bytes, order: str, align: int, needs: Needs, is_x86_64: bool) -> None:
    at = 0
    for _ in range(_NOTES):
        if len(data) - at < 12:
            return
        name_size, size, kind = _unpack(order + "III", data, at)
        start = at + 12 + (name_size + 3) // 4 * 4
        if name_size > len(data) or size > len(data) - start:
            return
        name, body = data[at + 12 : at + 12 + name_size], data[start : start + size]
        at = start + (size + align - 1) // align * align
        if name != b"GNU\0":
            continue
        if kind == _NT_ABI_TAG and size >= 16:
            system, *version = _unpack(order + "IIII", body)
            if system == 0:
                needs.kernel = ".".join([str(part) for part in version])
        elif kind == _NT_PROPERTY and is_x86_64:
            _properties(body, order, needs)


def _properties(body: bytes, order: str, needs: Needs) -> None:
    at = 0
    for _ in range(_NOTES):
        if len(body) - at < 8:
            return
        kind, size = _unpack(order + "II", body, at)
        if size > len(body) - at - 8:
            return
        if kind == _ISA_NEEDED and size >= 4:
            bits = _unpack(order + "I", body, at + 8)[0]
            needs.level = next((level for bit, level in _LEVELS if bits & bit), "")
        at += 8 + (size + 7) // 8 * 8
