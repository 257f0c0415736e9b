"""Which of several images is the best for a host: verdict, weight, preferred rules met, closeness of platform, order.

Source: hostfit's design, section 5, last line. Weight and preferred rules are summed over all documents that have a say
about an image; of each the set that was chosen counts.
"""

from __future__ import annotations

from hostfit.core import osversion
from hostfit.core.platform import normalise
from hostfit.core.results import FIT, INVALID, MISFIT, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostfit.core.facts import Feature
    from hostfit.core.image import Platform
    from hostfit.core.results import SpecResult

_BEST_FIRST = (FIT, UNKNOWN, MISFIT, INVALID)
_LETTERS, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
NATIVE, COMPATIBLE, OTHER, UNSAID = 3, 2, 1, 0
"""How an image's architecture runs: as the host's own, by the same processor, by emulation or a wasm runtime; last is
what names no architecture."""

Closeness = tuple[int, int, int, tuple[int, ...]]
"""How an architecture runs, level of its variant, features that it uses, version of its operating system."""


class Score:
    """What decides between images: `weight` and `preferred` are sums, `closeness` is comparable, greater is better."""

    __slots__ = ("closeness", "preferred", "verdict", "weight")

    def __init__(self, verdict: str, weight: int, preferred: int, closeness: Closeness) -> None:
        self.verdict = verdict
        self.weight = weight
        self.preferred = preferred
        self.closeness = closeness

    def key(self) -> tuple[int, int, int, Closeness]:
        """Give a key by which the better image is the greater one."""
        return (-_BEST_FIRST.index(self.verdict), self.weight, self.preferred, self.closeness)


def score(verdict: str, results: Iterable[SpecResult], closeness: Closeness, *, preferred: int = 0) -> Score:
    """Add up what the documents about one image say; `preferred` is what counts beside them."""
    weight = 0
    for result in results:
        if result.chosen is not None:
            chosen = result.sets[result.chosen]
            weight += chosen.set.weight
            preferred += chosen.preferred
    return Score(verdict, weight, preferred, closeness)


def ranked(scores: list[Score]) -> list[int]:
    """Give the positions of the images, the best first; of equals the first stays first."""
    return sorted(range(len(scores)), key=lambda index: scores[index].key(), reverse=True)


def closeness(platform: Platform | None, facts: Mapping[str, Feature], *, features: int = 0) -> Closeness:
    """Say how close a platform is to a host that runs it; `features` is how many features of the host it uses."""
    if platform is None:
        return (UNSAID, 0, features, ())
    wanted = normalise(platform)
    system = facts.get("system.platform")
    here = system.attributes.get("architecture") if system is not None and system.attributes is not None else None
    if not wanted.architecture:
        how = UNSAID
    elif wanted.architecture == here:
        how = NATIVE
    else:
        how = COMPATIBLE if (wanted.architecture, here) in (("386", "amd64"), ("arm", "arm64")) else OTHER
    return (how, _level(wanted.variant), features + len(platform.os_features), osversion.order(platform.os_version))


def _level(variant: str) -> int:
    """Order the variants of one architecture: v3 is above v2, v8.2 above v8, power10 above power9, any above none."""
    rest = variant.lstrip(_LETTERS)
    digits = rest[: len(rest) - len(rest.lstrip(_DIGITS))][:4]
    if not digits:
        return 0
    minor = rest[len(digits) + 1 :] if rest[len(digits) :].startswith(".") else ""
    return int(digits) * 1000 + (int(minor) if minor and not minor.strip(_DIGITS) and len(minor) < 4 else 0)
