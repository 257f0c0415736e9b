"""What the service does while nobody asks: programs of the site, the snapshot of facts, images judged ahead."""

from __future__ import annotations

from hostfit.service.images import Images
from hostfit.service.snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.service.decide import Decider


class Housekeeping:
    """Takes small steps, each with an end, so that whoever asks meanwhile hardly waits."""

    def __init__(self, decider: Decider, judge_images: tuple[str, ...]) -> None:
        self._programs = decider.programs
        self._snapshot = Snapshot(decider)
        self._images = Images(judge_images, decider.paths, decider.policies)

    @property
    def busy(self) -> bool:
        """Whether there is more to do at once."""
        return self._programs.busy

    def step(self, now: float) -> None:
        """Take one step of each. `now` is monotonic time in seconds."""
        self._programs.step()
        self._snapshot.step(now)
        self._images.step(now)

    def close(self) -> None:
        """End what runs."""
        self._programs.close()
        self._snapshot.close()
        self._images.close()
