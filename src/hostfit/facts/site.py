"""Features that a site or a domain group adds: what they are (vocabulary.d) and their values (facts.d).

The format of vocabulary.d is described in `hostfit.facts.sitefile`. Values come from files below facts.d that only
root can write. A program there is not run by whoever starts a container: its feature is unknown. On a tree
the vocabulary of this host counts too, after the tree's own.
"""

from __future__ import annotations

from hostfit.core import limits, match
from hostfit.core.errors import PolicyError
from hostfit.core.facts import Feature, Unknown
from hostfit.core.results import MATCH, UNKNOWN
from hostfit.core.spec import CompatibilitySet, Rule, Spec
from hostfit.core.text import escape
from hostfit.core.vocabulary import ATTRIBUTE, FLAG, INSTANCE
from hostfit.facts.root import Root, reason
from hostfit.facts.values import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.vocabulary import FeatureInfo
    from hostfit.facts.host import Host
    from hostfit.facts.sitefile import SiteFeature, SiteRule

_FILES = 256


class Site:
    """The site's own vocabulary below `etc`. `problems` says what was wrong with its files, one line each."""

    __slots__ = ("_etc", "_features", "_reading", "problems")

    def __init__(self, root: Root, etc: str) -> None:
        self._etc = etc
        self._features: dict[str, SiteFeature] = {}
        self._reading: set[str] = set()
        self.problems: list[str] = []
        for place in (root,) if root.live else (root, Root("/")):
            self._load(place)

    def lookup(self, feature: str) -> FeatureInfo | None:
        """Give the row of one of the site's features, or None."""
        found = self._features.get(feature)
        return None if found is None else found.info

    def features(self) -> tuple[FeatureInfo, ...]:
        """Give all rows of the site."""
        return tuple([one.info for one in self._features.values()])

    def read(self, root: Root, feature: str, names: set[str] | None, host: Host) -> Feature:
        """Give the value of one of the site's features, or of `local.fact`. Raises OSError."""
        if feature == "local.fact":
            return self._undeclared(root)
        if feature in self._reading:
            # One of its own rules asks for it.
            return self._declared(root, self._features[feature], names, None)
        self._reading.add(feature)
        try:
            return self._declared(root, self._features[feature], names, host)
        finally:
            self._reading.discard(feature)

    def _load(self, root: Root) -> None:
        base = f"{self._etc}/vocabulary.d"
        try:
            names = root.names(base) if root.exists(base) else []
        except OSError as error:
            self.problems.append(reason(error))
            return
        left = [f"{base}/{name}" for name in names if name.endswith((".yaml", ".yml")) and not name.startswith(".")]
        seen: set[str] = set()
        while left and len(seen) < _FILES:
            path = left.pop(0)
            if path not in seen:
                seen.add(path)
                left += self._add(root, path)

    def _add(self, root: Root, path: str) -> list[str]:
        """Read one file; give the paths it includes. A file with a problem adds nothing."""
        # Few hosts have such files, and YAML is slow to import.
        from hostfit.facts import sitefile  # see the line above

        try:
            data = read_owned(root, path, limits.DOCUMENT)
        except OSError as error:
            self.problems.append(reason(error))
            return []
        except PolicyError as error:
            self.problems.append(error.message)
            return []
        features, includes, problems = sitefile.parse(data, path)
        self.problems += [f"{escape(path)}: {problem}" for problem in problems]
        for one in features:
            if one.info.name in self._features:
                self.problems.append(f"{escape(path)}: feature {one.info.name} is declared by another file too")
            self._features.setdefault(one.info.name, one)
        base = path.rpartition("/")[0]
        return [name if name.startswith("/") else f"{base}/{name}" for name in includes]

    def _declared(self, root: Root, one: SiteFeature, names: set[str] | None, host: Host | None) -> Feature:
        """Give what the feature's file says and what its rules make of `host`; without one, the latter is unknown."""
        kinds = {element.name: element.kind for element in one.info.elements.values()}
        found = Feature(
            flags=() if FLAG in kinds.values() else None,
            attributes={} if ATTRIBUTE in kinds.values() else None,
            instances=() if INSTANCE in kinds.values() else None,
        )
        if one.file:
            try:
                parse(self._value(root, one.file), one.file).into(found, kinds)
            except OSError as error:
                found.unknown = Unknown(reason(error))
            except (ValueError, PolicyError) as error:
                found.unknown = Unknown(str(error))
        ruled = {rule.element for rule in one.rules}
        for element in ruled if names is None else ruled & names:
            if host is not None:
                self._derive(found, [rule for rule in one.rules if rule.element == element], kinds[element], host)
            else:
                _put_unknown(found, element, kinds[element], f"{element}: a rule of {one.info.name} needs its result")
        return found

    def _derive(self, found: Feature, rules: list[SiteRule], kind: str, host: Host) -> None:
        """Give an element the value of the first of its rules that matches; a rule before it may be unknown."""
        for rule in rules:
            spec = Spec((CompatibilitySet((Rule(rule.element, rule.matcher),)),))
            result = match.evaluate(spec, host.read(spec.wanted())).sets[0].result
            why = f"{rule.element}: whether its rule for {rule.value or 'it'} matches is unknown"
            if result not in (MATCH, UNKNOWN):
                continue
            if result == UNKNOWN:
                _put_unknown(found, rule.element, kind, why)
            elif kind == FLAG:
                found.flags = (found.flags or frozenset()) | {rule.element}
            elif found.attributes is not None:
                found.attributes[rule.element] = rule.value
            return

    def _value(self, root: Root, name: str) -> bytes:
        path = f"{self._etc}/facts.d/{name}"
        if root.stat(path).st_mode & 0o111:
            raise ValueError(f"{path}: a program, which is run by the service only")
        return read_owned(root, path, limits.DOCUMENT)

    def _undeclared(self, root: Root) -> Feature:
        """Give the values of the files that no feature of the site declares, all together."""
        base = f"{self._etc}/facts.d"
        declared = {one.file for one in self._features.values()}
        found = Feature(attributes={})
        for name in root.names(base) if root.exists(base) else []:
            if name in declared or name.startswith("."):
                continue
            try:
                parse(self._value(root, name), name).into(found, None)
            except OSError as error:
                found.unknown = Unknown(reason(error))
            except (ValueError, PolicyError) as error:
                found.unknown = Unknown(str(error))
        return found


def _put_unknown(feature: Feature, element: str, kind: str, why: str) -> None:
    if kind == FLAG:
        feature.unknown_flags[element] = Unknown(why)
    elif feature.attributes is not None:
        feature.attributes[element] = Unknown(why)


def read_owned(root: Root, path: str, cap: int) -> bytes:
    """Read a file of the administrator: on a live host only root may be able to write it (security rule R3).

    Raises OSError, and PolicyError for a file that somebody else could have written.
    """
    if not root.live:
        return root.read(path, cap)
    # Hosts without files of the site never need this.
    from hostfit.oci import files  # see the line above

    # For a root that remembers what was looked at; the reader goes its own way.
    root.stat(path)
    return files.read_trusted(path, cap)
