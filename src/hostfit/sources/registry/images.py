"""An image as its registry describes it: its index, its platforms, their configs; never a layer (TW1, DE2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core import limits
from hostfit.core.errors import NoSuchImageError, RegistryError
from hostfit.core.image import Platform
from hostfit.core.text import quoted
from hostfit.oci import descriptor as oci
from hostfit.sources.manifest import Found, here_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostfit.oci.descriptor import Descriptor, Index, Manifest
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.repository import Repository

_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")


def images(
    repository: Repository,
    target: Descriptor,
    deadline: Deadline,
    wanted: Callable[[Platform], bool] = lambda _: True,
) -> Iterator[Found]:
    """Give the images behind a manifest or an index, those of this host's architecture first.

    `wanted` chooses by the platform that the index names; members of an index that the registry does not have are
    passed over. Raises RegistryError.
    """
    document = repository.manifest(target, deadline)
    if isinstance(document, oci.Manifest):
        found = _found(repository, target.digest, document, deadline)
        if wanted(found.platform()):
            yield found
        return
    for member in here_first(document.manifests):
        if not wanted(member.platform or Platform("", "")):
            continue
        try:
            below = repository.manifest(member, deadline)
        except NoSuchImageError:
            continue
        if not isinstance(below, oci.Manifest):
            raise RegistryError(
                f"index {target.digest}: an index inside an index is not allowed, found {member.digest}"
            )
        found = _found(repository, member.digest, below, deadline)
        found.index, found.index_digest = document, target.digest
        yield found


def member(repository: Repository, target: Descriptor, platform: str, deadline: Deadline) -> Descriptor:
    """Give the one manifest of an index that is for a platform, as "linux/arm64/v8"; a manifest is itself.

    Raises NoSuchImageError where there is none, RegistryError where there are several.
    """
    document = repository.manifest(target, deadline)
    return chosen(document, target, platform) if platform and isinstance(document, oci.Index) else target


def chosen(index: Index, target: Descriptor, platform: str) -> Descriptor:
    """Give the one member of an index that is for a platform; raises as `member` does."""
    wanted = by_platform(platform)
    fitting = [one for one in index.manifests if one.platform is not None and wanted(one.platform)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(sorted({str(one.platform) for one in index.manifests if one.platform is not None}))
    if not fitting:
        raise NoSuchImageError(f"index {target.digest}: no platform {quoted(platform)}, found {quoted(known)}")
    raise RegistryError(
        f"index {target.digest}: one manifest for {quoted(platform)} is required, found {len(fitting)}",
        hint="name its variant too, or the manifest by its digest",
    )


def by_platform(text: str) -> Callable[[Platform], bool]:
    """Give the test for "os/architecture[/variant]"."""
    system, _, rest = text.partition("/")
    architecture, _, variant = rest.partition("/")

    def fits(has: Platform) -> bool:
        return (has.os, has.architecture) == (system, architecture) and (not variant or has.variant == variant)

    return fits


def _found(repository: Repository, digest: str, manifest: Manifest, deadline: Deadline) -> Found:
    """Read the config too, where it is an image's; other artifacts have neither platform nor labels."""
    config = oci.ImageConfig(Platform("", ""), {}, (), ())
    if manifest.config.media_type in _CONFIGS:
        data = repository.blob(manifest.config, limits.MANIFEST, deadline)
        try:
            config = oci.parse_config(data, what=f"config {manifest.config.digest}")
        except ValueError as error:
            raise RegistryError(f"{repository.label}: {error}") from None
    return Found(digest, manifest, config)
