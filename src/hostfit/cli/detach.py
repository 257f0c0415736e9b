"""`hostfit detach`: takes specs off images again, on their registry or in an OCI layout."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hostfit.cli import remote
from hostfit.core.errors import NoSuchImageError, UsageError
from hostfit.core.text import escape
from hostfit.oci import digest as digests

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.sources.registry.access import Access


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="full name on a registry, with a tag or digest")
    parser.add_argument("--artifact", metavar="DIGEST", default="", help="take off this artifact, and no other spec")
    remote.arguments(parser, "take off the manifest")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Take the specs off each image; 0 where none is left of those that were meant."""
    images = remote.named(options)
    if options.artifact and not digests.valid(options.artifact):
        raise UsageError(f"option --artifact: a digest expected, found {escape(options.artifact)}")
    if options.layout is not None:
        return remote.each(images, partial(_from_layout, options), console)
    access = remote.access(options, paths)
    return remote.each(images, partial(_from_registry, options, access, console=console), console)


def _from_registry(options: argparse.Namespace, access: Access, image: str, *, console: Console) -> str:
    from hostfit.sources.registry import attach as writing  # requests costs 250 ms
    from hostfit.sources.registry import images  # with the above
    from hostfit.sources.registry.access import reference, target  # with the above
    from hostfit.sources.registry.artifacts import SPEC_TYPE  # with the above

    name = reference(image)
    deadline = remote.deadline(options, f"detaching from {escape(image)}")
    with access.open(name, write=True) as repository:
        subject = images.member(repository, repository.resolve(target(name), deadline), options.platform, deadline)
        listed = repository.referrers(subject.digest, deadline, SPEC_TYPE)
        shown = f"{name.repository}@{subject.digest}"
        meant = _meant([one.digest for one in listed.descriptors], options.artifact, shown)
        for digest in meant:
            writing.detach(repository, subject.digest, digest, listed_by_api=listed.api, deadline=deadline)
        remote.heed(repository, console)
    return _said(shown, meant)


def _from_layout(options: argparse.Namespace, image: str) -> str:
    from hostfit.sources import layoutattach as writing  # only for a layout

    layout = remote.layout(options)
    subject = remote.in_layout(layout, image, options.platform).digest
    meant = _meant([one.digest for one in writing.specs(layout, subject)], options.artifact, subject)
    for digest in meant:
        writing.detach(layout, digest)
    return _said(subject, meant)


def _meant(there: list[str], artifact: str, shown: str) -> list[str]:
    """Which of the specs that are there are to go. Raises NoSuchImageError where the named one is not among them."""
    if not artifact:
        return there
    if artifact not in there:
        raise NoSuchImageError(f"{shown}: spec {artifact} is not attached")
    return [artifact]


def _said(shown: str, gone: list[str]) -> str:
    return "\n".join([f"{shown}: detached {digest}" for digest in gone]) or f"{shown}: nothing is attached"
