"""A recorded host: features as JSON and back, so that a check can be made for a host that is elsewhere.

The form is NFD's exported `Features` object (`flags`, `attributes`, `instances`) with two more keys:
`version`, which is `hostfit.facts/v1`, and `unknown`, which says of a feature (`reason`), of single `elements`, or
of attributes of `instances` by number why they could not be determined; a feature with both kinds has its unknown
flags in `flags`. NFD's own export loads as it is.
"""

from __future__ import annotations

from hostfit.core import fastjson, limits
from hostfit.core.errors import FactsError
from hostfit.core.facts import Feature, Unknown
from hostfit.core.text import quoted
from hostfit.core.vocabulary import BOOLEAN
from hostfit.facts import vocabulary
from hostfit.facts.host import unknown_feature, with_unknown_elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from hostfit.core.facts import Wanted
    from hostfit.core.vocabulary import FeatureInfo, Lookup

VERSION = "hostfit.facts/v1"
_SPELLINGS = ("kernel.loadedmodule", "kernel.enabledmodule", "kernel.cmdline", "kernel.sysctl")
"""Features whose elements may be written in more than one way."""
_OMITTED = ("cpu.rdt", "cpu.security", "cpu.sst", "cpu.coprocessor")
"""Features whose booleans NFD leaves out where they are false."""
_VERSIONED = ("freebsd", "illumos", "solaris")
"""Systems on which an image's os.version must be compared with the host's; Windows takes any where it has none."""
_NOT_OF_NFD = {"pci.device": ("address", "driver", "numa_node"), "network.device": ("driver", "numa_node")}
"""Attributes of NFD's devices that only hostfit reads."""


def dump(features: Mapping[str, Feature]) -> dict[str, Any]:
    """Give features as a tree for JSON, sorted so that equal hosts give equal text."""
    flags: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    instances: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for name in sorted(features):
        feature = features[name]
        of_flags = {flag: why.reason for flag, why in sorted(feature.unknown_flags.items())}
        elements = {} if feature.attributes is not None else of_flags
        if feature.flags is not None:
            flags[name] = {"elements": {flag: {} for flag in sorted(feature.flags)}}
        if feature.attributes is not None:
            attributes[name] = {"elements": _values(feature.attributes)}
            elements = _reasons(feature.attributes)
        of_instances = {}
        if feature.instances is not None:
            instances[name] = {"elements": [{"attributes": _values(one)} for one in feature.instances]}
            reasons = [(str(index), _reasons(one)) for index, one in enumerate(feature.instances)]
            of_instances = {index: why for index, why in reasons if why}
        entry: dict[str, Any] = {}
        if feature.unknown is not None:
            entry["reason"] = feature.unknown.reason
        if elements:
            entry["elements"] = elements
        if feature.attributes is not None and feature.flags is not None and (elements or of_flags):
            # The same name may be unknown as an attribute and absent as a flag.
            entry["flags"] = of_flags
        if of_instances:
            entry["instances"] = of_instances
        if entry:
            unknown[name] = entry
    return {
        "version": VERSION,
        "flags": flags,
        "attributes": attributes,
        "instances": instances,
        "unknown": unknown,
    }


def _values(attributes: Mapping[str, str | Unknown]) -> dict[str, str]:
    return {name: value for name, value in sorted(attributes.items()) if isinstance(value, str)}


def _reasons(attributes: Mapping[str, str | Unknown]) -> dict[str, str]:
    return {name: value.reason for name, value in sorted(attributes.items()) if isinstance(value, Unknown)}


class Recorded:
    """A recorded host; it answers `read` and `lookup` as a live one does.

    `lookup` finds the features of a site, of which a recording has the values and not the vocabulary; without
    it, a feature that is recorded but in no table is described by what was recorded of it.
    """

    __slots__ = ("_features", "_lookup", "from_nfd")

    def __init__(
        self, features: Mapping[str, Feature], *, from_nfd: bool = False, lookup: Lookup | None = None
    ) -> None:
        self._features = dict(features)
        self.from_nfd = from_nfd
        self._lookup = lookup

    @classmethod
    def load(cls, data: bytes, *, lookup: Lookup | None = None) -> Recorded:
        """Read a recording; FactsError says what is wrong with it."""
        try:
            tree = fastjson.loads(data, what="recorded host", cap=limits.FACTS_FILE)
        except ValueError as error:
            raise FactsError(str(error)) from error
        top = _mapping(tree, "recorded host")
        for key in top:
            if key not in ("version", "flags", "attributes", "instances", "unknown"):
                raise FactsError(f"recorded host: key {quoted(key)} is not known")
        version = top.get("version", "")
        if "version" in top and version != VERSION:
            raise FactsError(f"recorded host: version: required {VERSION}, found {quoted(str(version))}")
        return cls(_features(top), from_nfd="version" not in top, lookup=lookup)

    @property
    def live(self) -> bool:
        """Whether it is the machine that this runs on: never."""
        return False

    def lookup(self, feature: str) -> FeatureInfo | None:
        """Give the vocabulary's row of a feature, or one made from what was recorded of it, or None."""
        info = vocabulary.lookup(feature)
        if info is None and self._lookup is not None:
            info = self._lookup(feature)
        if info is None and feature in self._features:
            info = _described(feature, self._features[feature])
        return info

    def features(self) -> tuple[FeatureInfo, ...]:
        """Give the rows of all features that were recorded, sorted by name."""
        found = [self.lookup(name) for name in sorted(self._features)]
        return tuple([info for info in found if info is not None])

    def read(self, wanted: Wanted) -> dict[str, Feature]:
        """Give the features that are wanted; one that was not recorded is unknown."""
        return {feature: self._feature(feature, names) for feature, names in wanted.elements.items()}

    def _feature(self, name: str, names: set[str] | None) -> Feature:
        info = self.lookup(name)
        if info is None:
            return Feature(unknown=Unknown(f"{name}: not a feature that this version of hostfit knows"))
        feature = self._features.get(name)
        if feature is None:
            return unknown_feature(info, f"{name}: not recorded")
        attributes = feature.attributes
        if self.from_nfd and attributes is not None and name in _OMITTED:
            false = {e.name: "false" for e in info.elements.values() if e.comparison == BOOLEAN}
            attributes = {**false, **attributes}
        if name == "system.platform" and attributes is not None and attributes.get("os") in _VERSIONED:
            attributes = {"os_version": Unknown("system.platform: os_version is not recorded"), **attributes}
        instances = feature.instances
        if self.from_nfd and instances is not None and name in _NOT_OF_NFD:
            missing = dict.fromkeys(_NOT_OF_NFD[name], Unknown(f"{name}: NFD does not record it"))
            instances = tuple([{**missing, **one} for one in instances])
        own = Feature(
            flags=feature.flags,
            attributes=attributes,
            instances=instances,
            unknown=feature.unknown,
            unknown_flags=feature.unknown_flags,
        )
        if names is None:
            return own
        _respell(name, own, names)
        return with_unknown_elements(own, info, names)


def _respell(name: str, feature: Feature, names: set[str]) -> None:
    """Let other spellings of an element find it, as the probes do: - and _ in modules, dots and slashes in sysctls."""
    if name not in _SPELLINGS:
        return
    # Few specs name such a feature, and a recording is judged away from the hot path.
    from hostfit.facts.probes import modules, sysctl  # see the line above

    spell: Callable[[str], str | None] = sysctl.path_of if name == "kernel.sysctl" else modules.normal
    if feature.flags is not None:
        have = {spell(flag) for flag in feature.flags}
        feature.flags |= {asked for asked in names if spell(asked) in have}
    if feature.attributes is not None:
        values = {spell(key): value for key, value in feature.attributes.items()}
        for asked in names:
            if spell(asked) in values:
                feature.attributes.setdefault(asked, values[spell(asked)])


def _features(top: dict[str, Any]) -> dict[str, Feature]:
    flags = _sets(top, "flags")
    attributes = _sets(top, "attributes")
    instances = _sets(top, "instances")
    unknown = {name: _mapping(value, f"unknown.{name}") for name, value in _section(top, "unknown").items()}
    found = {}
    for name in {**flags, **attributes, **instances, **unknown}:
        why = unknown.get(name, {})
        reasons = _strings(why.get("elements") or {}, f"unknown.{name}.elements")
        values: dict[str, str | Unknown] | None = None
        if name in attributes:
            values = {**_strings(attributes[name], f"attributes.{name}")}
            values.update({element: Unknown(reason) for element, reason in reasons.items()})
        has_flags = name in flags
        of_flags = _strings(why["flags"] or {}, f"unknown.{name}.flags") if "flags" in why else reasons
        found[name.lower()] = Feature(
            flags=_mapping(flags[name], f"flags.{name}") if has_flags else None,
            attributes=values,
            instances=_instances(instances[name], why, name) if name in instances else None,
            unknown=Unknown(_string(why["reason"], f"unknown.{name}.reason")) if "reason" in why else None,
            unknown_flags={element: Unknown(reason) for element, reason in of_flags.items()} if has_flags else None,
        )
    return found


def _instances(value: Any, why: dict[str, Any], name: str) -> list[dict[str, str | Unknown]]:
    if not isinstance(value, list):
        raise FactsError(f"recorded host: instances.{name}.elements: required a list")
    found: list[dict[str, str | Unknown]] = []
    reasons = _mapping(why.get("instances") or {}, f"unknown.{name}.instances")
    for index, entry in enumerate(value):
        place = f"instances.{name}.elements[{index}]"
        one: dict[str, str | Unknown] = {}
        one.update(_strings(_mapping(entry, place).get("attributes") or {}, place))
        missing = _strings(reasons.get(str(index)) or {}, f"unknown.{name}.instances.{index}")
        one.update({element: Unknown(reason) for element, reason in missing.items()})
        found.append(one)
    return found


def _section(top: dict[str, Any], key: str) -> dict[str, Any]:
    # Go writes an empty map as null.
    return _mapping(top.get(key) or {}, key)


def _sets(top: dict[str, Any], key: str) -> dict[str, Any]:
    empty: Any = [] if key == "instances" else {}
    sets = {}
    for name, value in _section(top, key).items():
        elements = _mapping(value, f"{key}.{name}").get("elements")
        sets[name] = empty if elements is None else elements
    return sets


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FactsError(f"{_place(place)}: required an object, found {type(value).__name__}")
    return value


def _strings(value: Any, place: str) -> dict[str, str]:
    return {name: _string(text, f"{place}.{name}") for name, text in _mapping(value, place).items()}


def _string(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise FactsError(f"{_place(place)}: required a string, found {type(value).__name__}")
    return value


def _place(place: str) -> str:
    """Give a place in the document for a message; the names in it come from outside."""
    return quoted(place)[1:-1]


def _described(feature: str, recorded: Feature) -> FeatureInfo:
    """Make a vocabulary row for a feature of a site that is known only from a recording."""
    from hostfit.core import vocabulary as rows  # a rare branch

    kinds = []
    if recorded.flags is not None:
        kinds.append(rows.FLAG)
    if recorded.attributes is not None:
        kinds.append(rows.ATTRIBUTE)
    if recorded.instances is not None:
        kinds.append(rows.INSTANCE)
    return rows.FeatureInfo(
        feature, meaning="a feature of the recorded host's site", source="recording", link="", open_kinds=tuple(kinds)
    )
