"""An image index as its registry has it, to choose among its images: one request where it says enough (SA3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core import limits
from hostfit.oci import descriptor as oci
from hostfit.sources import index
from hostfit.sources.registry.access import target

if TYPE_CHECKING:
    from hostfit.oci.descriptor import Descriptor
    from hostfit.oci.reference import Reference
    from hostfit.sources.index import Listing
    from hostfit.sources.registry.access import Access
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.repository import Repository


def read(access: Access, reference: Reference, deadline: Deadline) -> Listing:
    """Read an index; of a member that it gives no platform, and of an image without an index, the config is read too.

    Raises NoSuchImageError where the registry has none, RegistryError where that cannot be found out.
    """
    with access.open(reference) as repository:
        found = repository.resolve(target(reference), deadline)
        name = str(reference) if reference.tag or reference.digest else f"{reference}:latest"
        return index.parsed(
            repository.content(found, deadline),
            name=name,
            names=(name,),
            place=repository.label,
            content=lambda one: _content(repository, one, deadline),
            media_type=found.media_type,
            sparing=True,
        )


def _content(repository: Repository, one: Descriptor, deadline: Deadline) -> bytes:
    if one.media_type in (*oci.MANIFESTS, *oci.INDEXES):
        return repository.content(one, deadline)
    return repository.blob(one, limits.MANIFEST, deadline)
