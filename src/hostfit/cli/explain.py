"""`hostfit explain`: what a feature means, where it is read, its value here, and how to ask for it (SA2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.cli.table import render
from hostfit.core import suggest, vocabulary
from hostfit.core.errors import UsageError
from hostfit.core.facts import Feature, Unknown, Wanted
from hostfit.core.spec import REQUEST
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.core.vocabulary import FeatureInfo
    from hostfit.facts.host import Host
    from hostfit.facts.recorded import Recorded

_EXAMPLES = {
    vocabulary.TEXT: ("=", "VALUE"),
    vocabulary.HEX: ("=", "10de"),
    vocabulary.NUMBER: (">=", "4"),
    vocabulary.VERSION: (">=", "1.2"),
    vocabulary.BOOLEAN: ("=", "true"),
}
"""By what a value compares as: an operator, and a value where this host has none that can be written without quotes."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "name",
        nargs="?",
        metavar="FEATURE[.ELEMENT]",
        help="what to explain, or a domain whose features to list; without it, list all",
    )
    parser.add_argument("--spec", metavar="FILE", help="explain every requirement of a spec instead")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print it")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Explain one feature, one spec, or list the vocabulary. Raises UsageError for an unknown name."""
    from hostfit.facts.host import Host  # the host's vocabulary, needed once the arguments are good

    host = Host(etc=paths.etc)
    if options.spec is not None:
        if options.name is not None or options.format != "text":
            raise UsageError("option --spec: required alone, found it with FEATURE or --format json")
        from hostfit.cli.explain_spec import explain_spec  # only for a spec

        return explain_spec(options.spec, host, console)
    features = [info for info in host.features() if options.name is None or _within(info.name, options.name)]
    if options.name is None or (features and host.lookup(options.name.lower()) is None):
        if options.format == "json":
            _print_json([_tree(info) for info in features], console)
            return 0
        console.print(render(("FEATURE", "MEANING"), [(info.name, info.meaning) for info in features], console.width))
        return 0
    info, element = find(options.name, host)
    if options.format == "json":
        _print_json(_tree(info), console)
        return 0
    _explain(info, element, host, console)
    return 0


def _within(feature: str, domain: str) -> bool:
    return feature.startswith(f"{domain.lower()}.")


def find(name: str, host: Host | Recorded) -> tuple[FeatureInfo, str]:
    """Split a name into feature and element by the longest feature that the vocabulary knows.

    Raises UsageError with a suggestion where there is none.
    """
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        info = host.lookup(".".join(parts[:end]).lower())
        if info is None:
            continue
        element = ".".join(parts[end:])
        if element and not info.knows(element):
            near = suggest.closest(element, info.elements)
            raise UsageError(
                f"feature {info.name} has no element {escape(element)}",
                hint=f"did you mean {info.name}.{near}?" if near else f"its elements: {', '.join(info.elements)}",
            )
        return info, element
    names = [info.name for info in host.features()]
    near = next(filter(None, [suggest.closest(".".join(parts[:end]), names) for end in range(len(parts), 0, -1)]), "")
    raise UsageError(
        f"feature {escape(name)} is not in the vocabulary",
        hint=f"did you mean {near}?" if near else "hostfit explain lists all features",
    )


def _explain(info: FeatureInfo, element: str, host: Host, console: Console) -> None:
    console.print(console.paint(info.name, "bold"))
    facts = [
        ("meaning", info.meaning),
        ("kind", ", ".join(info.kinds)),
        ("read from", info.source),
        ("changes", "while the host runs" if info.stability == vocabulary.VOLATILE else "not while the host runs"),
        ("see", info.link),
    ]
    console.print(render(("", ""), facts, console.width).lstrip("\n"))
    elements = [one for one in info.elements.values() if not element or one.name == element]
    if elements:
        console.print()
        rows = [(one.name, one.kind, one.comparison, one.meaning) for one in elements]
        console.print(render(("ELEMENT", "KIND", "COMPARES AS", "MEANING"), rows, console.width))
    if info.open_kinds and not element:
        which = f"any other name beginning with {info.open_prefix}" if info.open_prefix else "any other name"
        console.print(f"\n{which} is an element too, compared as {info.open_comparison}")
    if info.name.startswith(REQUEST):
        console.print("\nask for it: in the administrator's rules alone, as `when` of a runtime in hostfit.toml(5)")
        return
    name = element or next(iter(info.elements), "")
    feature = host.read(Wanted({info.name: {name}})).get(info.name) if name else None
    console.print(f"\nask for it: io.hostfit.require={example(info, element, _first(feature, name))!r}")
    if element:
        console.print(f"on this host: {escape(_value(feature, element))}")
    else:
        console.print(f"on this host: hostfit facts {info.name}")


def example(info: FeatureInfo, element: str, here: str = "") -> str:
    """Give one clause of the flat form that asks for the feature; `here` is a value that this host has."""
    name = element or next(iter(info.elements), "NAME")
    comparison = info.comparison(name)
    operator, value = _EXAMPLES[comparison]
    term = f"{operator}{_written(here, comparison) or value}"
    kinds = info.kinds
    if kinds == (vocabulary.INSTANCE,):
        return f"{info.name} {name}{term}"
    declared = info.elements.get(name)
    kind = declared.kind if declared is not None else (info.open_kinds or kinds)[0]
    return f"{info.name}.{name} {'exists' if kind == vocabulary.FLAG else term}"


def _written(value: str, comparison: str) -> str:
    """Give a value as a clause has it without quotes, nothing where it needs them; of a version the numbers."""
    if comparison == vocabulary.VERSION:
        numbers = value[: len(value) - len(value.lstrip("0123456789."))].strip(".")
        return numbers if ".." not in numbers else ""
    if comparison == vocabulary.NUMBER:
        return value if value.isdecimal() and value.isascii() else ""
    return value if comparison != vocabulary.BOOLEAN and value.isascii() and value.isalnum() else ""


def _first(feature: Feature | None, element: str) -> str:
    """Give the first value that this host has of an attribute, empty where it has none or it is not known."""
    found = [feature.attributes or {}, *(feature.instances or ())] if feature is not None else []
    values = [one.get(element) for one in found]
    return next((value for value in values if isinstance(value, str)), "")


def _value(feature: Feature | None, element: str) -> str:
    if feature is None:
        return "unknown"
    value = (feature.attributes or {}).get(element)
    if isinstance(value, Unknown):
        return f"unknown ({value.reason})"
    if value is not None:
        return value
    if feature.flags is not None and element in feature.flags:
        return "present"
    if feature.instances is not None:
        found = [one[element] for one in feature.instances if element in one]
        return ", ".join([f"unknown ({v.reason})" if isinstance(v, Unknown) else v for v in found]) or "none"
    if feature.unknown is not None:
        return f"unknown ({feature.unknown.reason})"
    return "absent"


def _tree(info: FeatureInfo) -> dict[str, object]:
    return {
        "feature": info.name,
        "kinds": list(info.kinds),
        "meaning": info.meaning,
        "source": info.source,
        "stability": info.stability,
        "documentation": info.link,
        "elements": [
            {"name": one.name, "kind": one.kind, "comparison": one.comparison, "meaning": one.meaning}
            for one in info.elements.values()
        ],
        "open": list(info.open_kinds),
    }


def _print_json(tree: object, console: Console) -> None:
    import json  # the text form does not need it

    console.print(json.dumps(tree, indent=2))
