"""The facts of this host for other programs: one file below /run/hostfit/service, replaced as a whole.

It has the form of `hostfit facts --output`, so `hostfit check --facts` reads it. Nobody who decides does: it is the
service's own word.
"""

from __future__ import annotations

from hostfit.core import fastjson
from hostfit.core.facts import Wanted
from hostfit.facts import recorded
from hostfit.oci.files import write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.facts import Feature
    from hostfit.service.decide import Decider

EVERY = 300.0
"""Seconds between two snapshots of a host where nothing happens."""
_OF_DECISIONS = ("request.", "runtime.platform")
SOON = 30.0
"""Seconds between two snapshots where something does."""


class Snapshot:
    """Reads all facts, one feature at a step, then writes the file. `path` is where."""

    def __init__(self, decider: Decider) -> None:
        self.path = f"{decider.paths.run}/service/facts.json"
        self._decider = decider
        self._left: list[str] = []
        self._features: dict[str, Feature] = {}
        self._changes = -1
        self._due = 0.0

    @property
    def busy(self) -> bool:
        """Whether a snapshot is being taken."""
        return bool(self._left)

    def step(self, now: float) -> None:
        """Begin where it is time, else read one more feature; write the file after the last. Raises nothing."""
        host = self._decider.host
        changes = host.devices.changes if host.devices is not None else 0
        if not self._left:
            if now < self._due and (now < self._due - EVERY + SOON or changes == self._changes):
                return
            self._due, self._changes = now + EVERY, changes
            host.begin(self._decider.vocabulary.current())
            # What only a decision knows is no fact of the host.
            self._left = [info.name for info in host.features() if not info.name.startswith(_OF_DECISIONS)]
            self._features = {}
            return
        host.begin(self._decider.vocabulary.current())
        self._features.update(host.read(Wanted({self._left.pop(): None})))
        if not self._left:
            features, self._features = self._features, {}
            try:
                write_atomic(self.path, fastjson.dumps(recorded.dump(features)).encode() + b"\n", 0o644, durable=False)
            except (OSError, ValueError):
                return
