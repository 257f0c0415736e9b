"""Text for engines: plain ASCII on one line, without the words by which engines turn an error into another one.

Podman, Docker, CRI-O and containerd search an OCI runtime's message for such words and then report, say, a missing
executable with exit code 127 instead of the reason (libpod/oci_util.go, moby daemon/errors.go, CRI-O runtime_oci.go).
"""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.text import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.image import Resolution
    from hostfit.oci.request import Request

RECLASSIFIED = {
    "executable file not found": "no executable file",
    "executable path is empty": "no executable path",
    "no such file or directory": "ENOENT",
    "no such file": "ENOENT",
    "system cannot find the file specified": "ENOENT",
    "not found": "absent",
    "does not exist": "is absent",
    "permission denied": "EACCES",
    "operation not permitted": "EPERM",
    "open executable": "open the executable",
    "is a directory": "EISDIR",
    "not a directory": "ENOTDIR",
    "no such process": "ESRCH",
    "invalid process": "bad process",
    "container not running": "container is stopped",
    "process already finished": "process has ended",
}
"""In lower case, with what messages of our own say instead; engines compare some of them without regard to case."""

_IMAGE_NAME = 240
_SHORT_ID = 12
"""Hexadecimal digits by which engines show a container's id."""
_FULL_ID = 64


def safe(text: str, limit: int = limits.DIAGNOSTIC_VALUE) -> str:
    """Give one value from outside escaped, in ASCII and with nothing reclassified, at most `limit` characters."""
    return cut(broken(_ascii(escape(text, limit))), limit)


def line(text: str) -> str:
    """Give a whole message, whose values went through `safe`, as the one line that an engine is shown.

    Words that meet only in the message are broken here, and the line stays below 1 KiB.
    """
    shown = text if text.isascii() and text.isprintable() else _ascii(escape(text, limits.DIAGNOSTIC_LINE))
    return cut(broken(shown), limits.DIAGNOSTIC_LINE)


def cut(text: str, limit: int) -> str:
    """Give at most `limit` characters; what is cut ends in `...`."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def broken(text: str) -> str:
    r"""Write the spaces of a reclassified phrase of an ASCII text as `\x20`, so that no engine's search meets it."""
    lower = text.lower()
    for phrase in RECLASSIFIED:
        start = lower.find(phrase)
        while start >= 0:
            end = start + len(phrase)
            text = text[:start] + text[start:end].replace(" ", "\\x20") + text[end:]
            lower = text.lower()
            start = lower.find(phrase)
    return text


def _ascii(text: str) -> str:
    return "".join([char if char.isascii() else _numbered(ord(char)) for char in text])


def _numbered(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def subject(request: Request, resolution: Resolution) -> str:
    """Name the image that a request is about, or the container where no image is known."""
    if resolution.image is not None:
        return safe(resolution.image.name or resolution.image.digest, _IMAGE_NAME)
    if request.id:
        return f"container {short_id(request.id)}"
    return "this bundle" if request.bundle.path else "this spec"


def short_id(container: str) -> str:
    """Give a container's id as engines print it: 12 digits of 64, any other one whole."""
    if len(container) == _FULL_ID and all([char in "0123456789abcdef" for char in container]):
        return container[:_SHORT_ID]
    return safe(container, 64)
