"""`hostfit doctor`: whether hostfit really is in the path of every container, engine by engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.checks.every import Result
    from hostfit.cli.checks.findings import Finding
    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths

VERSION = "hostfit.doctor/v1"
_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}
_STATES = {
    "none": "no container goes through hostfit",
    "asked": "containers that ask for it go through hostfit",
    "every": "containers go through hostfit unless they name another runtime",
}
_LONGEST = 4096


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from hostfit.cli.engines.engine import NAMES  # for the choices

    parser.add_argument("engines", metavar="ENGINE", nargs="*", help=f"look at these alone: {', '.join(NAMES)}")
    parser.add_argument("--root", metavar="DIR", default="/", help="look at the host whose files lie below DIR")
    parser.add_argument("--bin", metavar="DIR", default="", help="where that host has hostfit-runtime")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print it")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Show what is found; 0 if nothing is wrong, 1 after an error, 3 after a warning. Changes nothing."""
    from hostfit.cli.checks import every  # once the arguments are good
    from hostfit.cli.engines.engine import NAMES  # with the above
    from hostfit.cli.main import paths as below  # with the above
    from hostfit.core.errors import UsageError  # with the above

    unknown = [name for name in options.engines if name not in NAMES]
    if unknown:
        raise UsageError(f"engine {escape(unknown[0])}: required one of {', '.join(NAMES)}")
    if options.root != "/":
        paths = below(options.root)
    result = every.look(options.root, paths, options.engines, options.bin)
    if options.format == "json":
        import json  # text does not need it

        console.print(json.dumps(tree(result), indent=2))
    else:
        _show(result, console)
    return code(result)


def code(result: Result) -> int:
    """Give the exit code for what was found."""
    severities = {one.kind.severity for one in result.findings}
    return 1 if "error" in severities else 3 if "warning" in severities else 0


def tree(result: Result) -> dict[str, Any]:
    """Give the document of `--format json`, all texts escaped."""
    return {
        "version": VERSION,
        "engines": [{"name": name, "containers": state} for name, state in result.engines.items()],
        "findings": [
            {
                "id": one.kind.id,
                "severity": one.kind.severity,
                "engine": one.engine,
                "subject": escape(one.subject, _LONGEST),
                "message": one.message,
                "fix": one.fix,
            }
            for one in result.findings
        ],
    }


def _show(result: Result, console: Console) -> None:
    """One line a finding, those of the installation first; then one for each engine that is there."""
    for one in result.findings:
        console.print(line(one, console))
    for name, state in result.engines.items():
        if state in _STATES:
            console.print(f"{name}: {console.paint(_STATES[state], 'green' if state == 'every' else 'yellow')}")


def line(one: Finding, console: Console) -> str:
    """Give a finding as its line."""
    severity = console.paint(one.kind.severity, _COLOURS[one.kind.severity])
    return f"{one.engine or 'hostfit'}: {severity}: {one.kind.id}: {one.message}; fix: {one.fix}"
