"""Features that a site or a domain group adds in `vocabulary.d`, and their values from `facts.d`."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.vocabulary import FeatureInfo
    from hostfit.facts.host import Host
    from hostfit.facts.root import Root


class Site:
    """The site's own vocabulary, read from `etc` on the host of `root`."""

    __slots__ = ("_rows",)

    def __init__(self, root: Root, etc: str) -> None:
        del root, etc
        self._rows: dict[str, FeatureInfo] = {}

    def lookup(self, feature: str) -> FeatureInfo | None:
        """Give the row of one of the site's features, or None."""
        return self._rows.get(feature)

    def features(self) -> tuple[FeatureInfo, ...]:
        """Give all rows of the site."""
        return tuple(self._rows.values())

    def read(self, root: Root, feature: str, names: set[str] | None, host: Host) -> Feature:
        """Give the value of one of the site's features."""
        del root, names, host
        return Feature(unknown=Unknown(f"{feature}: not read"))
