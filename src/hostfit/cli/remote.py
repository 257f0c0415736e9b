"""What the commands share that go to a registry: their options, the subject that is meant, several images in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core.errors import HostfitError, UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.oci.descriptor import Descriptor
    from hostfit.sources.layout import Layout
    from hostfit.sources.registry.access import Access
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.repository import Repository

_LAYOUT_IMAGE = ""
"""Stands for the only image of a layout, which need not be named."""
_LONGEST = 86400.0


def arguments(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare the options of commands that take images of a layout, too; `what` says what is done with each image."""
    parser.add_argument(
        "--layout", metavar="DIR", help="take an OCI layout directory instead of a registry; IMAGE is a tag or digest"
    )
    options(parser, what)


def options(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare the options of every command that goes to a registry."""
    parser.add_argument("--platform", metavar="OS/ARCH[/VARIANT]", default="", help=f"{what} of this platform alone")
    parser.add_argument("--plain-http", action="store_true", help="the registry may be reached without TLS")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=300.0, help="give up an image after so long (default: 300)"
    )


def check(options: argparse.Namespace) -> None:
    """Raise UsageError where these options make no sense."""
    if not 0 < options.timeout < _LONGEST:
        raise UsageError(f"option --timeout: seconds above 0 expected, found {options.timeout:g}")
    if options.platform and not 2 <= len([part for part in options.platform.split("/") if part]) <= 3:
        raise UsageError(f"option --platform: OS/ARCH or OS/ARCH/VARIANT expected, found {escape(options.platform)}")


def named(options: argparse.Namespace) -> list[str]:
    """The images that are named; in a layout the only one may be left out. Raises UsageError."""
    check(options)
    if not options.images and options.layout is None:
        raise UsageError("IMAGE: at least one expected, found none")
    return options.images or [_LAYOUT_IMAGE]


def access(options: argparse.Namespace, paths: Paths) -> Access:
    """The way to registries that the options and this host's configuration say."""
    from hostfit.sources.registry.access import Access  # requests costs 250 ms

    return Access(paths.etc, plain_http=options.plain_http)


def heed(repository: Repository, console: Console) -> None:
    """Tell on standard error what a registry wants its users to read."""
    for text in repository.warnings():
        console.complain(f"warning: {text}")


def deadline(options: argparse.Namespace, what: str) -> Deadline:
    """The moment at which the work on one image must have ended."""
    from hostfit.sources.registry.deadline import Deadline  # with the above

    return Deadline(options.timeout, what)


def layout(options: argparse.Namespace) -> Layout:
    """The layout that the options name."""
    from hostfit.sources.layout import Layout  # only for a layout

    return Layout(options.layout)


def in_layout(layout: Layout, name: str, platform: str) -> Descriptor:
    """The manifest or index of a layout that is meant."""
    from hostfit.oci import descriptor as oci  # only for a layout
    from hostfit.sources.registry.images import chosen  # with the above

    target = layout.subject(name)
    document = layout.document(target)
    return chosen(document, target, platform) if platform and isinstance(document, oci.Index) else target


def each(images: Iterable[str], work: Callable[[str], str], console: Console) -> int:
    """Do something for each image and print what it gives, also where it failed for another.

    Gives the highest exit code.
    """
    worst = 0
    for image in images:
        try:
            console.print(work(image))
        except HostfitError as error:
            what = f"{escape(image, 300)}: " if image != _LAYOUT_IMAGE else ""
            worst = max(worst, console.fail(type(error)(what + error.message, hint=error.hint)))
    return worst
