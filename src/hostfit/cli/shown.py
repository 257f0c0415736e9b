"""A report on the terminal: its first line in the colour of the verdict, then all that led to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.gate import render

if TYPE_CHECKING:
    from hostfit.cli.console import Console

_COLOURS = {"fit": "green", "misfit": "red", "invalid": "red", "unknown": "yellow"}


def show(report: dict[str, Any], console: Console, *, host: str = "") -> None:
    """Print a report's tree as text; `host`, already escaped, names the host where it is not this one."""
    # The first line stays whole, as engines show it, so that it can be found by searching for it.
    first, rest = report["line"], render.text(report, width=console.width).partition("\n\n")[2]
    colour = "bold" if report["error"] else _COLOURS.get(report["verdict"], "bold")
    console.print(console.paint(first, colour) + "\n")
    if host:
        console.print(f"{'host:':<14}{host}")
    console.print(rest.rstrip("\n"))
