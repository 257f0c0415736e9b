"""The site's own vocabulary, held while its files are what they were, and the values that its programs printed."""

from __future__ import annotations

from hostfit.core import memo
from hostfit.facts.site import Site
from hostfit.service.watch import Watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root
    from hostfit.service.programs import Programs


class LiveSite(Site):
    """A site's vocabulary for which programs below facts.d were run."""

    __slots__ = ("_programs", "_watched")

    def __init__(self, etc: str, programs: Programs) -> None:
        self._programs = programs
        self._watched = Watched()
        super().__init__(self._watched, etc)

    def current(self) -> bool:
        """Whether its files are still what was read."""
        return self._watched.settled() and self._watched.unchanged()

    def _value(self, root: Root, name: str) -> bytes:
        """What a file below facts.d holds, or what a program there printed last. Raises OSError and ValueError."""
        path = f"{self._etc}/facts.d/{name}"
        return self._programs.value(path) if root.stat(path).st_mode & 0o111 else super()._value(root, name)


class Vocabulary:
    """Gives the site's vocabulary as it is now."""

    def __init__(self, etc: str, programs: Programs) -> None:
        self._etc = etc
        self._programs = programs
        self._site: LiveSite | None = None

    def current(self) -> Site:
        """Give the vocabulary, read again if a file of it has changed."""
        if self._site is None or not self._site.current():
            if self._site is not None:
                # The flat form is read by the vocabulary.
                memo.forget()
            self._site = LiveSite(self._etc, self._programs)
        return self._site
