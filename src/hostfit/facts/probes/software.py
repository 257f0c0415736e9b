"""`software.mpi` and `software.library`: libraries by the ABI version in their file names (Sarus reads the same)."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts import libraries
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_SIZE = 32 << 20
_FROM_FILE = ("version", "implementation")


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the two features. Raises OSError."""
    found: list[dict[str, str | Unknown]] = []
    if feature == "software.library":
        every, why = libraries.versioned(root)
        return Feature(instances=[{"name": one.name, **one.attributes()} for one in every], unknown=why)
    every, why = libraries.versioned(root, "libmpi")
    for library in every:
        if library.name not in ("libmpi", "libmpich"):
            continue
        one: dict[str, str | Unknown] = {**library.attributes()}
        if names is None or names & set(_FROM_FILE):
            one.update(described(root, library.path))
        found.append(one)
    return Feature(instances=found, unknown=why)


def described(root: Root, path: str) -> dict[str, str | Unknown]:
    """Give implementation and release of an MPI library from the texts in its file."""
    try:
        data = root.section(path, b".rodata", _SIZE)
    except OSError as error:
        return dict.fromkeys(_FROM_FILE, Unknown(reason(error)))
    except ValueError as error:
        return dict.fromkeys(_FROM_FILE, Unknown(f"{path}: {error}"))
    open_mpi = b"Open MPI" in data
    mpich = b"MPICH" in data or b"MPIR_" in data
    version = release(data, b"v" if open_mpi else b"")
    return {
        "implementation": "openmpi" if open_mpi else "mpich" if mpich else "unknown",
        "version": version or Unknown(f"{path}: no single release in it"),
    }


def release(data: bytes, prefix: bytes) -> str:
    """Give the text that is `prefix` and a version of two or more numbers and nothing else, "" if none is certain.

    MPICH keeps its release beside its date, which tells it from versions of what is built into it.
    """
    dated = plain = ""
    several = False
    before = b""
    for text in data.split(b"\0"):
        if not text:
            continue
        parts = text[len(prefix) :].split(b".") if 3 <= len(text) <= 16 and text.startswith(prefix) else []
        if len(parts) in (2, 3) and all([part.isdigit() for part in parts]):
            found = text[len(prefix) :].decode()
            if before[-5:-2] == b" 20" and before[-2:].isdigit():
                dated = found
            several = several or plain not in ("", found)
            plain = found
        before = text
    return dated or ("" if several else plain)
