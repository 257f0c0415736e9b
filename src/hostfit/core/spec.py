"""A compatibility spec as plain values: NFD's image compatibility `v1alpha1` with hostfit's optional keys.

Source: `api/image-compatibility/v1alpha1/spec.go` and `api/nfd/v1alpha1/types.go` of NFD v0.19. Rules of a
set are ANDed, sets are ORed and ranked by weight. Documents become these values in `check.py` only.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.facts import Wanted
    from hostfit.core.results import SpecResult

REQUIRED, PREFERRED = "required", "preferred"
VERSION = "v1alpha1"
REQUEST = "request."
"""What the features begin with that describe a request; they are for the administrator's rules on runtimes alone."""
OPERATORS = (
    "In", "NotIn", "InRegexp", "Exists", "DoesNotExist", "Gt", "Ge", "Lt", "Le", "GtLt", "GeLe", "IsTrue", "IsFalse",
)  # fmt: skip
"""NFD's operators by name; the fourteenth is the empty one, which always matches."""


class Expression:
    """One requirement on one value: operator, values and, for an order, `type` "" (numbers) or "version"."""

    __slots__ = ("op", "type", "values")

    def __init__(self, op: str, values: tuple[str, ...] = (), type: str = "") -> None:  # noqa: A002 - NFD's key
        self.op = op
        self.values = values
        self.type = type

    def _key(self) -> tuple[object, ...]:
        return (self.op, self.values, self.type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other._key() == self._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Expression{self._key()!r}"


class Term:
    """All expressions on one feature; on instances all must hold for one and the same instance."""

    __slots__ = ("expressions", "feature", "name", "path")

    def __init__(
        self, feature: str, expressions: dict[str, Expression] | None, name: Expression | None = None, path: str = ""
    ) -> None:
        self.feature = feature
        self.expressions = expressions
        self.name = name
        self.path = path

    def _key(self) -> tuple[object, ...]:
        return (self.feature, self.expressions, self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and other._key() == self._key()

    __hash__ = None  # type: ignore[assignment]  # holds a dictionary


class Matcher:
    """`matchFeatures` (all must match) and `matchAny` (one element must match); None where the key is absent."""

    __slots__ = ("any", "features")

    def __init__(
        self,
        features: tuple[Term, ...] | None = None,
        any: tuple[tuple[Term, ...], ...] | None = None,  # noqa: A002 - NFD's key
    ) -> None:
        self.features = features
        self.any = any

    def _key(self) -> tuple[object, ...]:
        return (self.features, self.any)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matcher) and other._key() == self._key()

    __hash__ = None  # type: ignore[assignment]  # holds dictionaries

    @property
    def empty(self) -> bool:
        """Whether it has nothing to match, and so always matches."""
        return not self.features and not self.any

    def terms(self) -> tuple[Term, ...]:
        """Every term, wherever it stands."""
        found = list(self.features or ())
        for element in self.any or ():
            found.extend(element)
        return tuple(found)


class Rule:
    """One rule of a set: must-have or nice-to-have, and optionally only where `when` matches."""

    __slots__ = ("documentation", "level", "matcher", "name", "path", "vars", "when")

    def __init__(
        self,
        name: str,
        matcher: Matcher,
        *,
        level: str = REQUIRED,
        when: Matcher | None = None,
        vars: dict[str, str] | None = None,  # noqa: A002 - NFD's key
        documentation: str = "",
        path: str = "",
    ) -> None:
        self.name = name
        self.matcher = matcher
        self.level = level
        self.when = when
        self.vars: dict[str, str] = dict(vars or {})
        self.documentation = documentation
        self.path = path

    def _key(self) -> tuple[object, ...]:
        return (self.name, self.matcher, self.level, self.when, self.vars, self.documentation)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and other._key() == self._key()

    __hash__ = None  # type: ignore[assignment]  # holds dictionaries


class CompatibilitySet:
    """One way in which an image can run: its required rules must all hold."""

    __slots__ = ("description", "documentation", "path", "rules", "runtimes", "tag", "weight")

    def __init__(
        self,
        rules: tuple[Rule, ...],
        *,
        weight: int = 0,
        tag: str = "",
        description: str = "",
        documentation: str = "",
        runtimes: tuple[str, ...] = (),
        path: str = "",
    ) -> None:
        self.rules = rules
        self.weight = weight
        self.tag = tag
        self.description = description
        self.documentation = documentation
        self.runtimes = runtimes
        self.path = path

    def _key(self) -> tuple[object, ...]:
        return (self.rules, self.weight, self.tag, self.description, self.documentation, self.runtimes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompatibilitySet) and other._key() == self._key()

    __hash__ = None  # type: ignore[assignment]  # holds dictionaries


class Include:
    """A further spec that must hold too, named by digest; `reference` says on which repository it lies."""

    __slots__ = ("digest", "reference")

    def __init__(self, digest: str, reference: str = "") -> None:
        self.digest = digest
        self.reference = reference

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Include) and (other.digest, other.reference) == (self.digest, self.reference)

    def __hash__(self) -> int:
        return hash((self.digest, self.reference))


class Spec:
    """A whole document, already checked."""

    __slots__ = ("includes", "sets", "version")

    def __init__(
        self, sets: tuple[CompatibilitySet, ...], *, includes: tuple[Include, ...] = (), version: str = VERSION
    ) -> None:
        self.sets = sets
        self.includes = includes
        self.version = version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and (other.sets, other.includes, other.version) == (
            self.sets, self.includes, self.version,
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]  # holds dictionaries

    def evaluate(self, facts: Mapping[str, Any], *, tag: str = "") -> SpecResult:
        """Judge whatever has facts: a host, one layer of an image, a machine that is still to be bought.

        `facts` maps names of features to `Feature` values or to plain ones: a mapping of attributes, a set of flags, a
        sequence of mappings (instances). A feature that it does not name is unknown. Raises TypeError for a value that
        is none of these; see `hostfit.core.match.evaluate` for the answer.
        """
        from hostfit.core.match import evaluate  # keeps the model free of imports
        from hostfit.core.plain import features  # with the above

        return evaluate(self, features(facts), tag=tag)

    def wanted(self) -> Wanted:
        """Every feature and element that evaluation can ask for, so that nothing else is read."""
        from hostfit.core.facts import Wanted  # keeps the model free of imports

        wanted = Wanted()
        for one in self.sets:
            for rule in one.rules:
                terms = rule.matcher.terms() + (rule.when.terms() if rule.when is not None else ())
                for term in terms:
                    everything = term.name is not None or term.expressions is None
                    wanted.add(term.feature, None if everything else term.expressions or ())
        return wanted
