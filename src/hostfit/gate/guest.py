"""The host as containers of a runtime with a kernel of its own see it: gVisor, Kata (design: facts)."""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.errors import HostfitError
from hostfit.core.facts import Feature, Unknown, Wanted
from hostfit.oci.files import read_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.vocabulary import FeatureInfo
    from hostfit.policy.model import RuntimeDefinition

OWN = ("kernel.", "network.", "pci.", "udev.", "device.")
"""Domains that are the guest's; all others, the CPU above all, stay the host's."""


class Guest:
    """Facts of one runtime: the guest's from the file that the administrator recorded, the rest from the host."""

    __slots__ = ("_host", "_recorded", "_runtime", "_why")

    def __init__(self, host: Any, runtime: RuntimeDefinition) -> None:
        self._host = host
        self._runtime = runtime
        self._recorded: Any = None
        self._why = f"runtime {runtime.name} has a kernel of its own and no facts file"

    def lookup(self, feature: str) -> FeatureInfo | None:
        """Give the vocabulary's row of a feature."""
        info: FeatureInfo | None = self._host.lookup(feature)
        return info

    def read(self, wanted: Wanted) -> dict[str, Feature]:
        """Give the wanted features; the guest's are unknown where nothing is recorded of them."""
        own, rest = Wanted(), Wanted()
        for feature, names in wanted.elements.items():
            (own if feature.startswith(OWN) else rest).add(feature, names)
        found: dict[str, Feature] = self._host.read(rest) if rest.elements else {}
        if own.elements:
            found.update(self._guest(own))
        return found

    def _guest(self, wanted: Wanted) -> dict[str, Feature]:
        if self._recorded is None and self._runtime.facts:
            from hostfit.facts.recorded import Recorded  # few runtimes have a kernel of their own

            try:
                self._recorded = Recorded.load(read_trusted(self._runtime.facts, limits.FACTS_FILE))
            except (OSError, HostfitError) as error:
                self._why = f"facts of runtime {self._runtime.name}: {error}"
        if self._recorded is None:
            return {feature: Feature(unknown=Unknown(self._why)) for feature in wanted.elements}
        found: dict[str, Feature] = self._recorded.read(wanted)
        return found
