"""Facts as plain values: what is known of one host, feature by feature, and what is not.

The three kinds are NFD's (FlagFeatureSet, AttributeFeatureSet, InstanceFeatureSet of its
`api/nfd/v1alpha1/types.go`); one feature may have several kinds at once, as `cpu.cpuid` has.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Unknown:
    """A fact that could not be determined here; `reason` names the path and the errno, or what is missing."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and other.reason == self.reason

    def __hash__(self) -> int:
        return hash(self.reason)

    def __repr__(self) -> str:
        return f"Unknown({self.reason!r})"


class Feature:
    """What is known of one feature of one host.

    `flags`       names that are present, or None where the feature has no flags;
    `attributes`  values by name, or None; an absent name is known to be absent;
    `instances`   one mapping of attributes per device, or None; an empty tuple means "looked, none there";
    `unknown`     set when whatever is not listed above could not be determined: for an attribute or a flag
                  that is not listed the answer is then unknown, and there may be further instances;
    `unknown_flags`  single flags that could not be determined.
    Single attributes that could not be determined hold an `Unknown` in place of their value.
    """

    __slots__ = ("attributes", "flags", "instances", "unknown", "unknown_flags")

    def __init__(
        self,
        *,
        flags: Iterable[str] | None = None,
        attributes: Mapping[str, str | Unknown] | None = None,
        instances: Iterable[Mapping[str, str | Unknown]] | None = None,
        unknown: Unknown | None = None,
        unknown_flags: Mapping[str, Unknown] | None = None,
    ) -> None:
        self.flags: frozenset[str] | None = None if flags is None else frozenset(flags)
        self.attributes: dict[str, str | Unknown] | None = None if attributes is None else dict(attributes)
        self.instances: tuple[dict[str, str | Unknown], ...] | None = (
            None if instances is None else tuple([dict(one) for one in instances])
        )
        self.unknown = unknown
        self.unknown_flags: dict[str, Unknown] = dict(unknown_flags or {})

    def _key(self) -> tuple[object, ...]:
        return (self.flags, self.attributes, self.instances, self.unknown, self.unknown_flags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Feature) and other._key() == self._key()

    __hash__ = None  # type: ignore[assignment]  # holds dictionaries

    def __repr__(self) -> str:
        return f"Feature{self._key()!r}"


class Wanted:
    """Which elements of which features somebody is going to ask for, so that probes read no more than that.

    `elements[feature]` is a set of element names, or None for all of them (`matchName`, instances).
    """

    __slots__ = ("elements",)

    def __init__(self, elements: Mapping[str, set[str] | None] | None = None) -> None:
        self.elements: dict[str, set[str] | None] = dict(elements or {})

    def add(self, feature: str, names: Iterable[str] | None) -> None:
        """Ask for some elements of a feature, or with None for all."""
        have = self.elements.get(feature, set())
        self.elements[feature] = None if names is None or have is None else have | set(names)

    def update(self, other: Wanted) -> None:
        """Ask for all that `other` asks for."""
        for feature, names in other.elements.items():
            self.add(feature, names)
