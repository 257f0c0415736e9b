"""The host as it is now, or as a tree of its files shows it: features read when asked for, and no others."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.core.vocabulary import ATTRIBUTE, FLAG, INSTANCE
from hostfit.facts import vocabulary
from hostfit.facts.root import Root, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.facts import Wanted
    from hostfit.core.vocabulary import FeatureInfo
    from hostfit.facts.site import Site


class Host:
    """One host, read from `root`. `etc` is where the site's own features lie, a path on that host."""

    __slots__ = ("_etc", "_path", "_site")

    def __init__(self, root: str = "/", *, etc: str = "/etc/hostfit") -> None:
        self._path = root
        self._etc = etc
        self._site: Site | None = None

    @property
    def live(self) -> bool:
        """Whether it is the machine that this runs on."""
        return Root(self._path).live

    def lookup(self, feature: str) -> FeatureInfo | None:
        """Give the vocabulary's row of a feature, the site's own features included; None if there is none."""
        info = vocabulary.lookup(feature)
        return info if info is not None else self._own().lookup(feature)

    def features(self) -> tuple[FeatureInfo, ...]:
        """Give the rows of all features that this host's vocabulary has, sorted by name."""
        rows = (*vocabulary.features(), *self._own().features())
        return tuple(sorted(rows, key=lambda row: row.name))

    def read(self, wanted: Wanted) -> dict[str, Feature]:
        """Give the features that are wanted, each in full or unknown with a reason. Raises nothing."""
        root = Root(self._path)
        return {feature: self._feature(root, feature, names) for feature, names in wanted.elements.items()}

    def problems(self) -> tuple[str, ...]:
        """Give what is wrong with the site's own vocabulary files, one line each; such a file counts for nothing."""
        return tuple(self._own().problems)

    def _not_known(self, feature: str) -> str:
        problems = self._own().problems
        hint = f" ({problems[0]})" if problems else ""
        return f"{feature}: not a feature that this version of hostfit knows{hint}"

    def _own(self) -> Site:
        if self._site is None:
            # Most specs name no feature of the site; reading its vocabulary takes YAML.
            from hostfit.facts.site import Site  # see the line above

            self._site = Site(Root(self._path), self._etc)
        return self._site

    def _feature(self, root: Root, feature: str, names: set[str] | None) -> Feature:
        info = None
        module = ""
        try:
            info = self.lookup(feature)
            if info is None:
                return Feature(unknown=Unknown(self._not_known(feature)))
            known = names if names is None else {name for name in names if info.knows(name)}
            module = vocabulary.probe(feature) or ""
            if module:
                probe: Any = __import__("hostfit.facts.probes." + module, None, None, ("read",))
                found: Feature = probe.read(root, feature, known)
            else:
                found = self._own().read(root, feature, known, self)
        except OSError as error:
            return unknown_feature(info, reason(error))
        except Exception as error:  # noqa: BLE001 - one broken probe makes its own feature unknown and no other
            return unknown_feature(info, f"{module or feature}: {type(error).__name__}")
        return found if names is None else with_unknown_elements(found, info, names)


def unknown_feature(info: FeatureInfo | None, why: str) -> Feature:
    """Give a feature of which nothing could be determined, with the kinds that it would have."""
    kinds = info.kinds if info is not None else ()
    return Feature(
        flags=() if FLAG in kinds else None,
        attributes={} if ATTRIBUTE in kinds else None,
        instances=() if INSTANCE in kinds else None,
        unknown=Unknown(why),
    )


def with_unknown_elements(feature: Feature, info: FeatureInfo, names: set[str]) -> Feature:
    """Mark the names that no such feature can have: a name outside the vocabulary is unknown, never absent."""
    for name in names:
        if info.knows(name):
            continue
        why = Unknown(f"{info.name}.{name}: not an element that this version of hostfit knows")
        if feature.flags is not None and name not in feature.flags:
            feature.unknown_flags.setdefault(name, why)
        if feature.attributes is not None:
            feature.attributes.setdefault(name, why)
        for instance in feature.instances or ():
            instance.setdefault(name, why)
    return feature
