"""Whether containerd's own shim will call the runtime that was chosen: its options, on standard input, say which.

Source: containerd, api/types/runc/options/oci.proto (field 6, `binary_name`), in a protobuf Any or, since 2.3, in
BootstrapParams. The input is put back as it was, so the shim reads what the engine wrote.
"""

from __future__ import annotations

import os
import select
import stat

from hostfit.core.errors import PolicyError, RuntimeUnusableError
from hostfit.core.text import escape
from hostfit.policy.model import HOST_SHIMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.paths import Paths
    from hostfit.policy.model import RuntimeDefinition
    from hostfit.runtime.podrecord import PodRecord

_BINARY_NAME = b"\x32"
"""Field 6, length-delimited."""
_CAP = 1 << 20
_SECONDS = 1.0
"""containerd has written all of it before it executes a shim."""
_WRAPPER = b"hostfit-runtime"
_USUAL = "runc"
"""What the shim calls where its options name nothing."""
_GVISOR = "containerd-shim-runsc-"
_RUNC_OPTIONS = b"containerd.runc.v1.Options"
"""The type of options that gVisor's shim refuses (gvisor, pkg/shim/runsc/service.go)."""
_LINK = "containerd-shim-hostfit-{}-v2"


def require_called(record: PodRecord, paths: Paths) -> None:
    """Raise RuntimeUnusableError where the engine's options lead to another runtime than the chosen one, or to none."""
    if os.path.basename(record.shim).startswith(_GVISOR):
        if _RUNC_OPTIONS in _standard_input():
            raise RuntimeUnusableError(
                f"runtime {record.runtime}: its shim takes no options of runc's; a handler without options is required,"
                f" with {_LINK.format(record.runtime)} as its shim"
            )
        return
    if record.shim not in HOST_SHIMS or record.runtime == _USUAL:
        return
    found = _definition(record.runtime, paths)
    called = binaries(_standard_input())
    if any([os.path.basename(one).startswith(_WRAPPER) for one in called]):
        return
    if found is not None and any([os.fsdecode(one) in found.binaries for one in called]):
        return
    names = ", ".join([escape(os.fsdecode(one)) for one in called]) or _USUAL
    raise RuntimeUnusableError(
        f"runtime {record.runtime}: BinaryName in the engine's options must be hostfit-runtime, found {names}"
    )


def binaries(options: bytes) -> list[bytes]:
    """Give the absolute paths that stand where an options message has its binary_name."""
    found = []
    at = options.find(_BINARY_NAME)
    while at >= 0:
        size = options[at + 1] if at + 1 < len(options) else 0
        text = options[at + 2 : at + 2 + size]
        if text.startswith(b"/") and len(text) == size and size < 128 and text.isascii():
            found.append(text)
        at = options.find(_BINARY_NAME, at + 1)
    return found


def _standard_input() -> bytes:
    """Read standard input to its end and put a copy in its place. Raises OSError."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return b""
    data = b""
    while len(data) < _CAP and select.select([0], [], [], _SECONDS)[0]:
        part = os.read(0, 1 << 16)
        if not part:
            break
        data += part
    copy = os.memfd_create("options", os.MFD_CLOEXEC)
    os.write(copy, data)
    os.lseek(copy, 0, os.SEEK_SET)
    os.dup2(copy, 0, inheritable=True)
    os.close(copy)
    return data


def _definition(name: str, paths: Paths) -> RuntimeDefinition | None:
    from hostfit.policy import load  # the gate has it, but its report does not

    try:
        return load.load(paths).runtime(name)
    except PolicyError:
        return None
