"""runtime.available: OCI runtimes and containerd shims by their programs' files; nothing is executed."""

from __future__ import annotations

import os
import stat

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_PLACES = ("/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
_KATA = "/opt/kata/bin/"
_KNOWN = {
    "runc": ("runc", "oci", ()),
    "crun": ("crun", "oci", ()),
    "crun-wasm": ("crun-wasm", "oci", ()),
    "youki": ("youki", "oci", ()),
    "nvidia-container-runtime": ("nvidia", "oci", ("cdi",)),
    "runsc": ("runsc", "oci", ("own-kernel",)),
    "containerd-shim-runc-v2": ("runc", "shim", ()),
    "containerd-shim-runsc-v1": ("runsc", "shim", ("own-kernel",)),
    "containerd-shim-kata-v2": ("kata", "shim", ("own-kernel", "vm")),
    "containerd-shim-wasmtime-v1": ("wasmtime", "shim", ("wasm",)),
    "containerd-shim-wasmedge-v1": ("wasmedge", "shim", ("wasm",)),
    "containerd-shim-wasmer-v1": ("wasmer", "shim", ("wasm",)),
    "containerd-shim-wamr-v1": ("wamr", "shim", ("wasm",)),
}
"""Program: name of the runtime, what it is, and what is true of every build of it."""
_MAY_HAVE_WASM = ("crun", "crun-wasm", "youki")
_WASM = b"WASM:"
"""crun prints this word before the name of the engine that it was built with (`crun --version`)."""
_SIZE = 32 << 20
_STATUS, _INFO = "/var/lib/dpkg/status", "/var/lib/dpkg/info"
_STATUS_SIZE = 64 << 20
_UNKNOWN_VERSION = "only executing it would tell"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give every runtime that is there, in the order of the places. Raises OSError."""
    if feature == "runtime.platform":
        return Feature(flags=(), unknown=Unknown("a runtime's platforms are known in a decision only"))
    packages = _Packages(root)
    found: list[dict[str, str | Unknown]] = []
    for program, (name, kind, sure) in _KNOWN.items():
        places = (*_PLACES, _KATA) if name == "kata" else _PLACES
        for place in places:
            path = place + program
            if not _executable(root, path):
                continue
            one: dict[str, str | Unknown] = {"name": name, "path": path, "type": kind}
            if names is None or "version" in names:
                one["version"] = _version(root, path, packages)
            if names is None or "features" in names:
                one["features"] = _features(root, path, program, kind, sure)
            found.append(one)
    if not found:
        # Raises where the tree has no programs at all: then nothing is known.
        root.names(_PLACES[0])
    return Feature(instances=found)


def _executable(root: Root, path: str) -> bool:
    if not root.exists(path):
        return False
    mode = root.stat(path).st_mode
    return stat.S_ISREG(mode) and bool(mode & 0o111)


def _features(root: Root, path: str, program: str, kind: str, sure: tuple[str, ...]) -> str | Unknown:
    words = {kind, *sure}
    if program in _MAY_HAVE_WASM:
        try:
            if _WASM in root.section(path, b".rodata", _SIZE):
                words.add("wasm")
        except OSError as error:
            return Unknown(reason(error))
        except ValueError as error:
            return Unknown(f"{path}: {error}")
    return ",".join(sorted(words))


def _version(root: Root, path: str, packages: _Packages) -> str | Unknown:
    if path.startswith(_KATA):
        try:
            said = root.optional("/opt/kata/VERSION")
        except OSError as error:
            return Unknown(reason(error))
        if said:
            return said
    return packages.version(path) or Unknown(f"{path}: {_UNKNOWN_VERSION}")


class _Packages:
    """Versions by Debian's package database, read once and only if asked for."""

    __slots__ = ("_root", "_status")

    def __init__(self, root: Root) -> None:
        self._root = root
        self._status: bytes | None = None

    def version(self, path: str) -> str:
        """Give the release in the version of the package that owns a file, empty where that is not known."""
        program = os.path.basename(path)
        for package in dict.fromkeys((program, program.removesuffix("-wasm"), _OWNERS.get(program, program))):
            try:
                listed = self._root.read(f"{_INFO}/{package}.list")
            except OSError:
                continue
            if path.encode() in listed.split(b"\n"):
                return _release(self._stanza(package))
        return ""

    def _stanza(self, package: str) -> bytes:
        if self._status is None:
            try:
                self._status = b"\n" + self._root.read(_STATUS, _STATUS_SIZE)
            except OSError:
                self._status = b""
        start = self._status.find(f"\nPackage: {package}\n".encode())
        end = self._status.find(b"\n\n", start)
        return self._status[start:end] if start >= 0 else b""


_OWNERS = {
    "containerd-shim-runc-v2": "containerd",
    "containerd-shim-kata-v2": "kata-containers",
    "nvidia-container-runtime": "nvidia-container-toolkit-base",
}


def _release(stanza: bytes) -> str:
    """Give 1.1.5 of `Version: 1:1.1.5+ds1-1+deb12u1` (deb-version(7))."""
    for line in stanza.split(b"\n"):
        if line.startswith(b"Version: "):
            text = line[9:].decode("ascii", "replace").strip()
            text = text.partition(":")[2] if ":" in text else text
            # 0.0~20221219.0-2 is a snapshot of a program without releases.
            text = text.removeprefix("0.0~").removeprefix("0~")
            end = next((at for at, char in enumerate(text) if not (char.isdigit() or char == ".")), len(text))
            return text[:end].rstrip(".")
    return ""
