"""What the file of a kernel module says of it: its .modinfo section, and who signed it.

Sources: modinfo(8); include/linux/module_signature.h; RFC 5652 for the signature.
"""

from __future__ import annotations

import os

from hostfit.core import limits
from hostfit.facts import elf

_SIGNED = b"~Module signature appended~\n"
_HEADER = 12
_SIGNATURE = 1 << 16
_COMMON_NAME = b"\x06\x03\x55\x04\x03"
"""DER of the object identifier 2.5.4.3, commonName."""


def fields(descriptor: int) -> dict[str, str]:
    """Give the `key=value` entries of .modinfo, the first of each key. Raises OSError and ValueError."""
    found: dict[str, str] = {}
    for entry in elf.section(descriptor, b".modinfo", limits.ELF_HEADERS).split(b"\0"):
        key, equals, value = entry.decode("utf-8", "replace").partition("=")
        if equals:
            found.setdefault(key, value)
    return found


def signer(descriptor: int) -> str | None:
    """Give the common name of who signed the module, None where no signature is appended.

    Raises OSError, and ValueError for a signature that is cut short.
    """
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _HEADER + len(_SIGNED), max(size - _HEADER - len(_SIGNED), 0))
    if not tail.endswith(_SIGNED) or len(tail) < _HEADER + len(_SIGNED):
        return None
    length = int.from_bytes(tail[8:_HEADER], "big")
    start = size - len(tail) - length
    if length > _SIGNATURE or start < 0:
        raise ValueError("signature out of bounds")
    return common_name(os.pread(descriptor, length, start))


def common_name(signature: bytes) -> str:
    """Give the last commonName in a PKCS#7 signature: that of the signer, for certificates come before it.

    Raises ValueError if there is none.
    """
    at = signature.rfind(_COMMON_NAME)
    if at < 0 or at + 7 > len(signature):
        raise ValueError("signature names no signer")
    length = signature[at + 6]
    name = signature[at + 7 : at + 7 + length]
    if length > 127 or len(name) != length:
        raise ValueError("signature is cut short")
    return name.decode("utf-8", "replace")
