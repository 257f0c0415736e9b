"""A host of the plainest kind: its architecture's baseline, no special device, module or software (cold).

What every host has in some version, such as a kernel and a C library, is unknown here.
"""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.core.vocabulary import ATTRIBUTE, FLAG, INSTANCE
from hostfit.facts import vocabulary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.facts import Wanted
    from hostfit.core.vocabulary import FeatureInfo

_LEVELS = {"amd64": ("x86-64-v1",), "arm64": ("armv8.0-a", "armv8-a")}
_CPUID = {
    "amd64": ("CMOV", "CMPXCHG8", "FXSR", "MMX", "SSE", "SSE2", "SYSCALL", "X87", "X86_64_V1"),
    "arm64": ("ASIMD", "FP"),
}
_ABSENT = ("cpu.", "pci.", "usb.", "nvidia.", "amdgpu.", "cdi.", "network.", "device.", "software.", "udev.")
_MODULES = ("kernel.module", "kernel.loadedmodule", "kernel.enabledmodule", "kernel.binfmt")


class Generic:
    """The generic Linux host of one architecture; it answers `read` and `lookup` as a live one does."""

    def __init__(self, architecture: str) -> None:
        self._architecture = architecture

    def lookup(self, feature: str) -> FeatureInfo | None:
        """Give the vocabulary's row of a feature."""
        return vocabulary.lookup(feature)

    def read(self, wanted: Wanted) -> dict[str, Feature]:
        """Give the wanted features."""
        return {name: self._feature(name) for name in wanted.elements}

    def _feature(self, name: str) -> Feature:
        if name == "system.platform":
            return Feature(attributes={"os": "linux", "architecture": self._architecture})
        if name == "cpu.microarch":
            return Feature(flags=_LEVELS.get(self._architecture, ()))
        if name == "cpu.cpuid":
            return Feature(flags=_CPUID.get(self._architecture, ()), attributes={})
        info = vocabulary.lookup(name)
        if info is None or not name.startswith((*_ABSENT, *_MODULES)):
            return Feature(unknown=Unknown(f"{name}: hosts differ"))
        kinds = {one.kind for one in info.elements.values()} | set(info.open_kinds)
        return Feature(
            flags=() if FLAG in kinds else None,
            attributes={} if ATTRIBUTE in kinds else None,
            instances=() if INSTANCE in kinds else None,
        )
