"""Runtimes of a host that is not this one: its own facts say which it has (`check --facts`, `check --root`)."""

from __future__ import annotations

from hostfit.core.decision import Candidate
from hostfit.core.facts import Wanted
from hostfit.gate.candidates import NOT_INSTALLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.policy.model import RuntimeDefinition

_FEATURE = "runtime.available"


def has_runtimes(host: Any) -> bool:
    """Whether the host is one of which runtimes were recorded; most recordings are of other things."""
    return bool(host.read(Wanted({_FEATURE: {"path"}}))[_FEATURE].instances)


def candidate(definition: RuntimeDefinition, host: Any) -> Candidate:
    """Give a runtime with the first of its binaries or shims that the host has; by name alone where it is unknown."""
    feature = host.read(Wanted({_FEATURE: {"path", "name"}}))[_FEATURE]
    paths = definition.binaries or definition.shims
    found = [one.get("path") for one in feature.instances or ()]
    for path in paths:
        if path in found:
            return Candidate(definition.name, path)
    if feature.unknown is not None and not definition.shipped:
        return Candidate(definition.name, paths[0])
    return Candidate(definition.name, "", NOT_INSTALLED if definition.shipped else f"{paths[0]}: ENOENT")
