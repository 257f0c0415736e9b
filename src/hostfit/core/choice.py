"""Which runtime takes a container (design: decision), as a pure function: floor, candidates, grants, order, reasons.

The law that holds for whatever image, pod and registry say: the isolation of the runtime that is taken is that of each
runtime which was demanded, or more, unless the administrator names it as a substitute of the one it is below; and a
runtime that grants access to the host is taken only if somebody other than the image asked for it.
"""

from __future__ import annotations

from hostfit.core.decision import DENY
from hostfit.core.results import FIT, MISFIT, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KIND_HOST = "host"
"""The kind of pod whose containers may run on different runtimes: all of them use the host's kernel."""
DEFAULT, REQUESTED, WANTED, PREFERRED, FITTING, SUBSTITUTE = (
    "the default",
    "the deployer asked for it",
    "requests like this are for it",
    "the image prefers it",
    "the image does not fit the default",
    "the policy names it in place of one that cannot run",
)
"""Why a runtime was taken."""


class Runtime:
    """What a choice needs to know of one runtime.

    `wanted` says that its `when` matches; `asked` that whoever made it match is not the image alone; `kind` is what a
    pod's sandbox on it fixes.
    """

    __slots__ = ("asked", "grants", "instead", "isolation", "kind", "name", "wanted")

    def __init__(
        self,
        name: str,
        *,
        isolation: int = 1,
        kind: str = KIND_HOST,
        grants: bool = False,
        asked: bool = False,
        wanted: bool = False,
        instead: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.isolation = isolation
        self.kind = kind
        self.grants = grants
        self.asked = asked
        self.wanted = wanted
        self.instead = instead


class Wish:
    """What is asked of a choice.

    `entry` is the runtime whose isolation is the floor, `defaults` those to take where nothing else is said.
    `requested` is the deployer's request; where not `certain`, it may be the image's and only tightens. `preferred`
    is the image's preference, empty where it is not trusted. `allowed` are the only runtimes that may be taken, None
    for all. `kind` is what the pod's sandbox fixed, empty outside of pods and for the sandbox itself.
    """

    __slots__ = ("allowed", "certain", "defaults", "entry", "kind", "preferred", "requested")

    def __init__(
        self,
        entry: str,
        defaults: tuple[str, ...] = (),
        *,
        requested: str = "",
        certain: bool = True,
        preferred: tuple[str, ...] = (),
        allowed: frozenset[str] | None = None,
        kind: str = "",
    ) -> None:
        self.entry = entry
        self.defaults = defaults or (entry,)
        self.requested = requested
        self.certain = certain
        self.preferred = preferred
        self.allowed = allowed
        self.kind = kind


class Assessment:
    """What the host and the image say about one runtime.

    `reason` says why it cannot run at all; `verdict` and `action` are the image's on it, and `misfit` one line on them.
    """

    __slots__ = ("action", "misfit", "reason", "verdict")

    def __init__(self, reason: str = "", *, verdict: str = FIT, action: str = "allow", misfit: str = "") -> None:
        self.reason = reason
        self.verdict = verdict
        self.action = action
        self.misfit = misfit


class Choice:
    """The runtime that takes the container, empty where none does; why it; and why not each other one, by name.

    `floor` is the isolation that was demanded. Where none takes it, `about` is the runtime that should have, and
    `error` says what stops it, empty where that is the image.
    """

    __slots__ = ("about", "because", "error", "floor", "name", "reasons")

    def __init__(
        self, name: str, because: str, reasons: dict[str, str], floor: int, *, about: str = "", error: str = ""
    ) -> None:  # fmt: skip
        self.name = name
        self.because = because
        self.reasons = reasons
        self.floor = floor
        self.about = about or name
        self.error = error


def choose(wish: Wish, runtimes: Mapping[str, Runtime], assess: Callable[[str], Assessment]) -> Choice:
    """Choose among `runtimes`; `assess` is asked about those that come into question, each once."""
    return _Choosing(wish, runtimes, assess).choice()


class _Choosing:
    """One choice in the making."""

    __slots__ = ("assess", "assessed", "demanded", "request", "runtimes", "wish")

    def __init__(
        self, wish: Wish, runtimes: Mapping[str, Runtime], assess: Callable[[str], Assessment]
    ) -> None:  # fmt: skip
        self.wish = wish
        self.runtimes = runtimes
        self.assess = assess
        self.assessed: dict[str, Assessment] = {}
        entry = runtimes.get(wish.entry)
        self.demanded = [one for one in runtimes.values() if one.wanted]
        if entry is not None:
            self.demanded.insert(0, entry)
        self.request = wish.requested
        asked = runtimes.get(wish.requested)
        if self.request and not wish.certain and (asked is None or asked.grants or asked.isolation <= self.floor):
            self.request = ""
        if self.request and asked is not None:
            self.demanded.append(asked)

    @property
    def floor(self) -> int:
        """The highest isolation that was demanded."""
        return max([one.isolation for one in self.demanded], default=0)

    def choice(self) -> Choice:
        """Take the first candidate in the order of the design."""
        if self.wish.entry not in self.runtimes:
            return self._none()
        order = [(one.name, WANTED) for one in self.runtimes.values() if one.wanted]
        if self.request:
            if not self._candidate(self.request):
                return self._substitute()
            order.append((self.request, REQUESTED))
        else:
            order += [(name, PREFERRED) for name in self._preferred()]
            order += [(name, DEFAULT) for name in self.wish.defaults]
        usable = [pair for pair in order if self._candidate(pair[0])]
        fitting = [pair for pair in usable if self.assessed[pair[0]].verdict in (FIT, UNKNOWN)]
        if not fitting and not self.request:
            fitting = [(name, FITTING) for name in self._others()]
        for name, because in fitting or usable:
            return self._taken(name, because)
        return self._substitute()

    def _preferred(self) -> list[str]:
        """The image's preference, as far as it is about runtimes of the default's isolation."""
        levels = {self.runtimes[name].isolation for name in self.wish.defaults if name in self.runtimes}
        return [
            name for name in self.wish.preferred if name in self.runtimes and self.runtimes[name].isolation in levels
        ]  # fmt: skip

    def _others(self) -> list[str]:
        """Runtimes that nobody named, where the image is one for them and not for the default."""
        assessed = [self._assessment(name) for name in self.wish.defaults if name in self.runtimes]
        if not assessed or not all([one.verdict == MISFIT for one in assessed]):
            return []
        named = {*self.wish.defaults, *[one.name for one in self.runtimes.values() if one.wanted]}
        rest = [one for one in self.runtimes.values() if one.name not in named]
        rest.sort(key=lambda one: one.isolation)
        return [
            one.name for one in rest if self._candidate(one.name) and self.assessed[one.name].verdict == FIT
        ]  # fmt: skip

    def _substitute(self) -> Choice:
        """A runtime that the administrator names in place of one that was demanded and cannot run.

        An image that does not fit is no such case: it could choose the weaker runtime by saying so. Nor is a request
        that may be the image's.
        """
        sure = [one for one in self.demanded if self.wish.certain or one.name != self.request]
        unable = [one for one in sure if not self._forbidden(one) and self._assessment(one.name).reason]
        for one in reversed(unable):
            for name in one.instead:
                if name in self.runtimes and self._candidate(name, tuple(unable)):
                    return self._taken(name, SUBSTITUTE)
        return self._none()

    def _candidate(self, name: str, unable: tuple[Runtime, ...] = ()) -> bool:
        if self._barred(name, unable):
            return False
        found = self._assessment(name)
        return not found.reason and found.action != DENY

    def _assessment(self, name: str) -> Assessment:
        if name not in self.assessed:
            self.assessed[name] = self.assess(name)
        return self.assessed[name]

    def _barred(self, name: str, unable: tuple[Runtime, ...] = ()) -> str:
        """Why a runtime may not be taken, whatever host and image are like; empty where it may.

        It may stand for those that are `unable` to run and name it.
        """
        one = self.runtimes.get(name)
        if one is None:
            return "no such runtime in the policy"
        forbidden = self._forbidden(one)
        if forbidden:
            return forbidden
        for other in self.demanded:
            if one.isolation < other.isolation and not (other in unable and name in other.instead):
                return f"its isolation {one.isolation} is below the {other.isolation} of {other.name}"
        # A request that may be the image's is never for a runtime that grants anything, see __init__.
        named = (
            self.wish.entry,
            *self.wish.defaults,
            self.request,
            *[other for each in unable for other in each.instead],
        )
        asked = one.asked or name in named
        return "" if asked or not one.grants else "it adds access to the host that nobody but the image asks for"

    def _forbidden(self, one: Runtime) -> str:
        if self.wish.allowed is not None and one.name not in self.wish.allowed:
            return "the policy does not allow it here"
        if self.wish.kind and one.kind != self.wish.kind:
            return f"the pod's sandbox is of kind {self.wish.kind}, and its containers are too"
        return ""

    def _taken(self, name: str, because: str) -> Choice:
        return Choice(name, because, self._reasons(f"{name} comes first", name), self.floor)

    def _none(self) -> Choice:
        wanted = [one.name for one in self.runtimes.values() if one.wanted]
        about = [self.request] if self.request else list(dict.fromkeys((*wanted, *self.wish.defaults)))
        if self.wish.entry not in self.runtimes:
            about = [self.wish.entry]
        hard = [name for name in about if self._barred(name) or self._assessment(name).reason]
        reasons, error = self._reasons("nobody asked for it"), ""
        if self.request and hard:
            error = f"the deployer asked for runtime {self.request}: {reasons[self.request]}"
        elif hard and hard[0] == about[0]:
            error = "no runtime can be used: " + "; ".join([f"{name}: {reasons[name]}" for name in about])
        return Choice("", "", reasons, self.floor, about=about[0], error=error)

    def _reasons(self, otherwise: str, taken: str = "") -> dict[str, str]:
        found = {}
        for name in dict.fromkeys((self.wish.entry, *self.wish.defaults, self.request, *self.runtimes)):
            if not name or name == taken:
                continue
            assessed = self.assessed.get(name)
            reason = self._barred(name)
            if not reason and assessed is not None:
                reason = assessed.reason or (assessed.misfit if assessed.action == DENY or taken else "")
            found[name] = reason or otherwise
        return found
