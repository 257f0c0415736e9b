"""`hostfit why CONTAINER`: the kept report of a decision, for whoever reads the journal at night."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("container", metavar="CONTAINER", help="container id, or a prefix that only one has")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print it")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Show the newest report on the container. Raises UsageError where none, or more than one, is kept."""
    if not options.container:
        from hostfit.core.errors import UsageError  # needed for the message only

        raise UsageError("CONTAINER: required an id or the beginning of one, found an empty word")
    from hostfit.gate import keep  # needed once the arguments are good

    report = keep.find(options.container, paths)
    if options.format == "json":
        import json  # the text does not need it

        console.print(json.dumps(report, indent=2))
    else:
        from hostfit.cli.shown import show  # JSON does not need it

        show(report, console)
    return 0
