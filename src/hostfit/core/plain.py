"""Facts as a program has them at hand, as plain values, made into features (cold)."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def features(facts: Mapping[str, Any]) -> dict[str, Feature]:
    """Give features by name in lower case, as evaluation looks them up.

    A value is a `Feature`, a mapping of attributes, a set of flags, a sequence of such mappings (instances), or an
    `Unknown`. Values of attributes are text; truth values and whole numbers become what rules compare with, and None
    is an attribute that is not there. Raises TypeError that names the feature for anything else.
    """
    return {name.lower(): _feature(name, value) for name, value in facts.items()}


def _feature(name: str, value: Any) -> Feature:
    if isinstance(value, Feature):
        return value
    if isinstance(value, Unknown):
        return Feature(unknown=value)
    if hasattr(value, "items"):
        return Feature(attributes=_attributes(name, value))
    if isinstance(value, (set, frozenset)) and all([isinstance(one, str) for one in value]):
        return Feature(flags=value)
    if isinstance(value, (list, tuple)) and all([hasattr(one, "items") for one in value]):
        return Feature(instances=[_attributes(name, one) for one in value])
    raise TypeError(f"{name}: a feature, attributes, flags or instances are required, found {type(value).__name__}")


def _attributes(name: str, values: Any) -> dict[str, str | Unknown]:
    found: dict[str, str | Unknown] = {}
    for key, value in values.items():
        if value is None:
            continue
        if isinstance(value, bool):
            found[key] = "true" if value else "false"
        elif isinstance(value, int):
            found[key] = str(value)
        elif isinstance(value, (str, Unknown)):
            found[key] = value
        else:
            raise TypeError(f"{name}: {key}: text, a number or a truth value is required, found {type(value).__name__}")
    return found
