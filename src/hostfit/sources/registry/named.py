"""Documents that others name by digest, fetched where they lie: beside the image, or where an include says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core import limits
from hostfit.core.errors import RegistryError
from hostfit.core.text import quoted
from hostfit.oci import reference as references
from hostfit.sources.store import SpecStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostfit.core.spec import Spec
    from hostfit.sources.registry.access import Access
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.repository import Repository


class Named(SpecStore):
    """Stands in for the spec store of this host where an image is only looked at."""

    def __init__(
        self,
        access: Access,
        repository: Repository,
        follows: Callable[[str, str], bool],
        deadline: Deadline,
    ) -> None:
        super().__init__("")
        self._access = access
        self._repository = repository
        self._follows = follows
        self._deadline = deadline
        self._places: dict[str, str] = {}
        self._known: dict[str, Spec | None] = {}

    def expect(self, spec: Spec) -> None:
        """Remember where the documents lie that a spec includes."""
        for one in spec.includes:
            if one.reference:
                self._places.setdefault(one.digest, one.reference)

    def spec(self, digest: str) -> Spec | None:
        """Fetch and read a document, None where it is not there. Raises SourceError and SpecError."""
        if digest not in self._known:
            data = self.read(digest)
            from hostfit.core.read import read_spec  # reads YAML, which costs its import

            self._known[digest] = spec = read_spec(data, place=digest) if data is not None else None
            if spec is not None:
                self.expect(spec)
        return self._known[digest]

    def read(self, digest: str) -> bytes | None:
        """Fetch a document; None where its place does not have it. Raises RegistryError."""
        place = self._places.get(digest, "")
        if not place:
            return self._repository.blob_named(digest, limits.DOCUMENT, self._deadline)
        try:
            name = references.qualified(place)
        except ValueError as error:
            raise RegistryError(f"include {digest}: {error}") from None
        if not self._follows(name.domain, self._repository.registry):
            raise RegistryError(
                f"include {digest}: registry {quoted(name.domain)} is not asked",
                hint="[sync] registries in hostfit.toml lists those that are",
            )
        with self._access.open(name) as repository:
            return repository.blob_named(digest, limits.DOCUMENT, self._deadline)
