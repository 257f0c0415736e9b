"""Whether clients that know nothing of compatibility get a usable image out of an index (IA7, CH9)."""

from __future__ import annotations

from hostfit.core.clients import CLIENTS, generic
from hostfit.core.platform import normalise
from hostfit.core.results import INVALID, MISFIT
from hostfit.facts.generic import Generic
from hostfit.gate.select import Chooser
from hostfit.policy.model import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.gate.select import Choice
    from hostfit.sources.index import Listing, Member


_ARCHITECTURES = 32
"""Go knows some twenty."""


class Pick:
    """What some clients take on a generic host of one architecture, where that is not what it should be.

    `choice` is the image, None where they find none; `better` is one that such a host runs, if the index has one.
    """

    __slots__ = ("architecture", "better", "choice", "clients")

    def __init__(
        self, architecture: str, clients: tuple[str, ...], choice: Choice | None, better: Choice | None
    ) -> None:
        self.architecture = architecture
        self.clients = clients
        self.choice = choice
        self.better = better


def judged(listing: Listing, *, var: str) -> tuple[tuple[Choice, ...], tuple[Pick, ...]]:
    """Judge every image on the generic Linux host of its own architecture, and what plain clients take there.

    The administrator's policy has no say: the index is judged as its author publishes it. Given are the images as they
    stand in the index, and the picks to warn of.
    """
    chooser = Chooser(listing, Policy(), var=var)
    own: dict[int, Choice] = {}
    picks: list[Pick] = []
    for architecture in _architectures(listing):
        choices = {one.member.position: one for one in chooser.choices(Generic(architecture))}
        own.update({at: one for at, one in choices.items() if _architecture(one.member) == architecture})
        picks += _picks(listing, architecture, choices)
    return tuple([own[position] for position in sorted(own)]), tuple(picks)


def usable(choice: Choice) -> bool:
    """Whether a generic host may run an image: nothing that it asks for is known to be missing there.

    `os.features` of a Linux image say that it is not for every engine.
    """
    platform = choice.member.platform
    return choice.score.verdict not in (MISFIT, INVALID) and not (platform is not None and platform.os_features)


def _picks(listing: Listing, architecture: str, choices: dict[int, Choice]) -> list[Pick]:
    members = listing.members
    better = next((one for one in choices.values() if usable(one) and _architecture(one.member) == architecture), None)
    wrong: dict[int | None, list[str]] = {}
    for client, pick in CLIENTS.items():
        position = pick([one.descriptor.platform for one in members], generic(architecture))
        if position is None or not usable(choices[members[position].position]):
            wrong.setdefault(position, []).append(client)
    return [
        Pick(architecture, tuple(names), None if at is None else choices[members[at].position], better)
        for at, names in wrong.items()
    ]


def _architectures(listing: Listing) -> list[str]:
    """The architectures for Linux that an index names, in its order; no more than there are in the world."""
    named = [_architecture(one) for one in listing.members]
    return [one for one in dict.fromkeys(named) if one][:_ARCHITECTURES]


def _architecture(member: Member) -> str:
    """The architecture of an image for Linux, empty for others."""
    if member.platform is None or member.platform.os not in ("linux", ""):
        return ""
    return normalise(member.platform).architecture
