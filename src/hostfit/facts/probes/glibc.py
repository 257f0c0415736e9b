"""`os.glibc`: the version of the host's C library, from its file."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts import libraries
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_BANNER = b" release version "
"""In the text that libc prints when it is run: `GNU C Library (...) stable release version 2.36.`"""
_SIZE = 16 << 20


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `os.glibc`. Raises OSError."""
    del feature
    others = False
    for base in libraries.directories(root):
        path = f"{base}/libc.so.6"
        try:
            real = root.resolve(path)
        except FileNotFoundError:
            others = others or any([name.startswith("ld-musl-") for name in root.names(base)])
            continue
        attributes: dict[str, str | Unknown] = {"path": path}
        if names is None or "version" in names:
            attributes["version"] = from_name(real) or _from_file(root, path)
        return Feature(attributes=attributes)
    if others:
        return Feature(attributes={})
    return Feature(attributes={}, unknown=Unknown("libc.so.6: not found in the library directories"))


def from_name(path: str) -> str:
    """Give the version in a file name such as libc-2.31.so, "" where there is none (glibc before 2.34 has one)."""
    name = path.rpartition("/")[2]
    if not (name.startswith("libc-") and name.endswith(".so")):
        return ""
    return _version(name[5:-3].encode())


def _from_file(root: Root, path: str) -> str | Unknown:
    try:
        data = root.section(path, b".rodata", _SIZE)
    except OSError as error:
        return Unknown(reason(error))
    except ValueError as error:
        return Unknown(f"{path}: {error}")
    return banner(data) or Unknown(f"{path}: no release in it")


def banner(data: bytes) -> str:
    """Give the version in the library's banner, "" if it is no such library."""
    at = data.find(_BANNER)
    if at < 0:
        return ""
    start = at + len(_BANNER)
    return _version(data[start : start + 16])


def _version(text: bytes) -> str:
    """Give the number, dot, number ... that the text begins with, at least two numbers of it."""
    kept = ""
    for char in text.decode("latin-1"):
        if char not in "0123456789.":
            break
        kept += char
    kept = kept.rstrip(".")
    return kept if "." in kept and all(kept.split(".")) else ""
