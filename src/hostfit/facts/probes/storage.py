"""`storage.block` from sysfs."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_ATTRIBUTES = ("dax", "rotational", "nr_zones", "zoned")


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `storage.block`. Raises OSError."""
    del feature
    found = []
    for device in root.names("/sys/block"):
        one: dict[str, str | Unknown] = {"name": device}
        for attribute in _ATTRIBUTES:
            if names is not None and attribute not in names:
                continue
            try:
                value = root.optional(f"/sys/block/{device}/queue/{attribute}")
            except OSError as error:
                one[attribute] = Unknown(reason(error))
                continue
            if value is not None:
                one[attribute] = value
        found.append(one)
    return Feature(instances=found)
