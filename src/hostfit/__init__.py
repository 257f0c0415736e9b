"""hostfit: does this image fit this host?

The names below are the library: read a spec, read or bring facts, evaluate, report. Each is imported when it is first
used (PEP 562), so that `import hostfit` costs an entry point next to nothing.

    spec = hostfit.read_spec(data, place="upf.yaml")
    facts = hostfit.Host().read(spec.wanted())
    result = hostfit.evaluate(spec, facts)       # result.verdict: fit, misfit, unknown
"""

from __future__ import annotations

_EXPORTS = {
    "Document": "hostfit.core.document",
    "Feature": "hostfit.core.facts",
    "Host": "hostfit.facts.host",
    "HostfitError": "hostfit.core.errors",
    "Platform": "hostfit.core.image",
    "Provenance": "hostfit.core.document",
    "Recorded": "hostfit.facts.recorded",
    "Spec": "hostfit.core.spec",
    "SpecError": "hostfit.core.errors",
    "SpecResult": "hostfit.core.results",
    "Unknown": "hostfit.core.facts",
    "VERSION": "hostfit.version",
    "Wanted": "hostfit.core.facts",
    "evaluate": "hostfit.core.match",
    "parse_flat": "hostfit.core.flat",
    "platform_spec": "hostfit.core.platform",
    "read_spec": "hostfit.core.read",
    "to_json": "hostfit.core.write",
}
_RENAMED = {"parse_flat": "parse"}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.document import Document, Provenance
    from hostfit.core.errors import HostfitError, SpecError
    from hostfit.core.facts import Feature, Unknown, Wanted
    from hostfit.core.flat import parse as parse_flat
    from hostfit.core.image import Platform
    from hostfit.core.match import evaluate
    from hostfit.core.platform import platform_spec
    from hostfit.core.read import read_spec
    from hostfit.core.results import SpecResult
    from hostfit.core.spec import Spec
    from hostfit.core.write import to_json
    from hostfit.facts.host import Host
    from hostfit.facts.recorded import Recorded
    from hostfit.version import VERSION

__all__ = [  # noqa: RUF022 - in the order of a first use
    "read_spec",
    "parse_flat",
    "platform_spec",
    "Spec",
    "SpecError",
    "Host",
    "Recorded",
    "Wanted",
    "Feature",
    "Unknown",
    "evaluate",
    "SpecResult",
    "Document",
    "Provenance",
    "Platform",
    "to_json",
    "HostfitError",
    "VERSION",
]


def __getattr__(name: str) -> object:
    """Import an exported name when it is first used."""
    module = _EXPORTS.get(name)
    if module is None:
        raise AttributeError(f"module 'hostfit' has no attribute {name!r}")
    import importlib  # entry points never get here

    value: object = getattr(importlib.import_module(module), _RENAMED.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the exported names too, imported or not."""
    return sorted({*globals(), *__all__})
