"""`hostfit facts`: what this host has, as a table, as JSON, or recorded for another day (SA4, SA5)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hostfit.cli.table import render
from hostfit.core import limits
from hostfit.core.errors import FactsError
from hostfit.core.facts import Feature, Unknown, Wanted
from hostfit.core.spec import REQUEST
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.facts.host import Host
    from hostfit.facts.recorded import Recorded


_OF_A_RUNTIME = "runtime.platform"
"""Like the features of a request it is known in a decision only."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "names", nargs="*", metavar="FEATURE", help="features, elements or whole domains; without any, all"
    )
    parser.add_argument("--root", metavar="DIR", help="read the tree below DIR instead of this host")
    parser.add_argument("--facts", metavar="FILE", help="show a recorded host instead of this one")
    parser.add_argument(
        "--format", choices=["table", "json"], default="table", help="a table, or a recording of the features named"
    )
    parser.add_argument("--output", metavar="FILE", help="record the features in FILE, for check --facts")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Show or record facts. Raises UsageError for a name that is not in the vocabulary."""
    host = open_host(options, paths)
    wanted = _wanted(options.names, host)
    recording = options.output is not None or options.format == "json"
    features: dict[str, Feature] = {}
    with console.progress(len(wanted.elements)) as progress:
        for name, elements in sorted(wanted.elements.items()):
            progress.step(name)
            # A recording has whole features: what it did not list would later be taken for absent.
            features.update(host.read(Wanted({name: None if recording else elements})))
    if recording:
        import json  # the table does not need it

        from hostfit.facts import recorded  # the table does not need it

        text = json.dumps(recorded.dump(features), indent=1, sort_keys=True) + "\n"
        if options.output is not None:
            _record(options.output, text)
        else:
            console.out.write(text)
        return 0
    shown = [row for row in rows(features) if _asked(row, wanted)]
    # Elsewhere than on a terminal it is searched, so nothing is wrapped.
    console.print(render(("FEATURE", "ELEMENT", "VALUE"), shown, console.width if console.terminal else sys.maxsize))
    return 0


def open_host(options: argparse.Namespace, paths: Paths) -> Host | Recorded:
    """Give the host that --facts or --root names, else this one. Raises FactsError for a bad recording."""
    if options.facts is not None:
        if options.root is not None:
            from hostfit.core.errors import UsageError  # needed for the message only

            raise UsageError("options --facts and --root: at most one expected, found both")
        from hostfit.cli.files import read_named  # only for a recorded host
        from hostfit.facts.recorded import Recorded  # only for a recorded host

        try:
            return Recorded.load(read_named(options.facts, limits.FACTS_FILE))
        except FactsError as error:
            raise FactsError(f"file {escape(options.facts)}: {error.message}", hint=error.hint) from error
    if options.root is not None and not os.path.isdir(options.root):
        from hostfit.core.errors import UsageError  # needed for the message only

        raise UsageError(f"option --root: required a directory, found none at {escape(options.root, 4096)}")
    from hostfit.facts.host import Host  # only for a live host

    return Host(options.root or "/", etc=paths.etc)


def _wanted(names: list[str], host: Host | Recorded) -> Wanted:
    """Turn names into features: a feature, one of its elements, or every feature of a domain."""
    every = [info.name for info in host.features() if not info.name.startswith((REQUEST, _OF_A_RUNTIME))]
    wanted = Wanted()
    if not names:
        for feature in every:
            wanted.add(feature, None)
        return wanted
    from hostfit.cli.explain import find  # only where names are given

    for name in names:
        domain = [feature for feature in every if feature.startswith(f"{name.lower()}.")]
        if domain:
            for feature in domain:
                wanted.add(feature, None)
            continue
        info, element = find(name, host)
        wanted.add(info.name, {element} if element else None)
    return wanted


def _asked(row: tuple[str, str, str], wanted: Wanted) -> bool:
    """Whether a row is of an element that was named; a probe may read others on the way."""
    elements = wanted.elements.get(row[0].partition("[")[0])
    return elements is None or not row[1] or row[1] in elements | {one.replace("-", "_") for one in elements}


def rows(features: Mapping[str, Feature]) -> list[tuple[str, str, str]]:
    """Give one row per element, and one per feature that could not be determined."""
    shown: list[tuple[str, str, str]] = []
    for name, feature in sorted(features.items()):
        before = len(shown)
        shown += [(name, escape(flag), "present") for flag in sorted(feature.flags or ())]
        shown += [(name, escape(flag), _text(gap)) for flag, gap in sorted(feature.unknown_flags.items())]
        shown += [(name, escape(key), _text(value)) for key, value in sorted((feature.attributes or {}).items())]
        for number, instance in enumerate(feature.instances or ()):
            shown += [(f"{name}[{number}]", escape(key), _text(value)) for key, value in sorted(instance.items())]
        if feature.unknown is not None:
            shown.append((name, "", _text(feature.unknown)))
        elif len(shown) == before:
            shown.append((name, "", "none"))
    return shown


def _text(value: str | Unknown) -> str:
    return f"unknown: {escape(value.reason)}" if isinstance(value, Unknown) else escape(value)


def _record(path: str, text: str) -> None:
    """Write the recording whole or not at all."""
    from hostfit.core.errors import UsageError  # recording is rare
    from hostfit.oci.files import write_atomic  # recording is rare

    try:
        write_atomic(path, text.encode(), 0o644)
    except OSError as error:
        import errno  # needed for the message only

        raise UsageError(f"file {escape(path)}: cannot be written: {errno.errorcode.get(error.errno or 0)}") from error
