"""`request.*`: no fact of a host, so nothing is known of it to whoever asks a host."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Say that the feature is not for specs."""
    del root, names
    why = Unknown(f"{feature}: only the administrator's rules for runtimes may ask for it")
    if feature in ("request.device", "request.cdi"):
        return Feature(instances=(), unknown=why)
    return Feature(attributes={}, unknown=why)
