"""`storage.block` from sysfs."""

from __future__ import annotations

from hostfit.core.facts import Feature
from hostfit.facts.probes.devtree import present, value, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_DEVICES = "/sys/block"
_ATTRIBUTES = ("dax", "rotational", "nr_zones", "zoned")


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `storage.block`. Raises OSError."""
    del feature
    asked = [name for name in _ATTRIBUTES if wanted(names, name)]
    found = []
    for device in root.names(_DEVICES):
        queue = f"{_DEVICES}/{device}/queue"
        found.append(present({"name": device, **{name: value(root, f"{queue}/{name}") for name in asked}}))
    return Feature(instances=found)
