"""`hostfit attach`: publishes what images need, beside the images and independently of them (IA1, IA4, DE3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hostfit.cli import remote
from hostfit.core.errors import RegistryError, SpecError
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.sources.registry.access import Access


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("spec", metavar="SPEC", help="the spec, in YAML or JSON; - for standard input")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="full name on a registry, with a tag or digest")
    parser.add_argument("--strict", action="store_true", help="treat warnings of lint as errors")
    remote.arguments(parser, "attach to the manifest")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Check the spec, then attach it to each image; 0 where all have it in the end."""
    from hostfit.cli.lint import checked  # jsonschema and YAML cost their imports

    images = remote.named(options)
    document, warnings = checked(options.spec, paths)
    for warning in warnings:
        console.complain(f"warning: {escape(options.spec)}: {escape(str(warning), 4096)}")
    if warnings and options.strict:
        return SpecError.exit_code
    title = "" if options.spec == "-" else options.spec.rpartition("/")[2]
    if options.layout is not None:
        return remote.each(images, partial(_to_layout, document, title, options), console)
    access = remote.access(options, paths)
    return remote.each(images, partial(_to_registry, document, title, options, access, console=console), console)


def _to_registry(
    document: bytes, title: str, options: argparse.Namespace, access: Access, image: str, *, console: Console
) -> str:
    from hostfit.sources.registry import artifacts, images  # requests costs 250 ms
    from hostfit.sources.registry import attach as writing  # with the above
    from hostfit.sources.registry.access import reference, target  # with the above

    name = reference(image)
    deadline = remote.deadline(options, f"attaching to {escape(image)}")
    with access.open(name, write=True) as repository:
        subject = images.member(repository, repository.resolve(target(name), deadline), options.platform, deadline)
        there = artifacts.specs(repository, subject.digest, deadline).specs
        shown = f"{name.repository}@{subject.digest}"
        if there and there[0].data == document:
            return f"{shown}: already attached as {there[0].digest}"
        created = _later(there[0].created if there else "")
        digest = writing.attach(repository, subject, document, title=title, created=created, deadline=deadline)
        remote.heed(repository, console)
    return f"{shown}: attached {digest}"


def _to_layout(document: bytes, title: str, options: argparse.Namespace, image: str) -> str:
    from hostfit.sources import layoutattach as writing  # only for a layout

    layout = remote.layout(options)
    subject = remote.in_layout(layout, image, options.platform)
    there = writing.specs(layout, subject.digest)
    if there and there[0].data == document:
        return f"{subject.digest}: already attached as {there[0].digest}"
    created = _later(there[0].created if there else "")
    return f"{subject.digest}: attached {writing.attach(layout, subject, document, title=title, created=created)}"


def _later(newest: str) -> str:
    """The time of a new artifact: now, or just after the newest one that is there, for the newest counts.

    Raises RegistryError where the calendar has no later one.
    """
    from datetime import UTC, datetime, timedelta  # only to attach

    now = datetime.now(UTC)
    if newest:
        try:
            now = max(now, datetime.fromisoformat(newest[:19] + "+00:00") + timedelta(seconds=1))
        except OverflowError:
            raise RegistryError(
                f"a spec that is attached is dated {newest}: no other can be newer", hint="detach it first"
            ) from None
    return f"{now:%Y-%m-%dT%H:%M:%SZ}"
