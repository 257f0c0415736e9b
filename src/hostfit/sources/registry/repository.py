"""One repository, asked in every place that has it: what a tag means, content by digest, who refers to a subject.

Mirrors come first and the registry itself last. What is named by its digest may come from any of them. Who refers to a
subject may come from a mirror too, but only the registry's own word counts for "nobody": an empty mirror must lift no
requirement while the registry is down. Whoever trusts signers does not let mirrors list at all, for no signature covers
a list: one that lacks the signed artifact looks like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from hostfit.core import limits
from hostfit.core.errors import NoSuchImageError, RegistryError, UnreachableError
from hostfit.core.text import escape, quoted
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests
from hostfit.oci.descriptor import Descriptor
from hostfit.sources.registry import referrers as lists
from hostfit.sources.registry.endpoint import PULL, PUSH, RESOLVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostfit.oci.descriptor import Index, Manifest
    from hostfit.oci.reference import Reference
    from hostfit.sources.registry.client import Client
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.referrers import Referrers
    from hostfit.sources.registry.transport import Answer

    Found = TypeVar("Found")

_SHARE = 0.5
"""The part of the time that is left which a mirror may take."""
ACCEPT = ", ".join([*oci.INDEXES, *oci.MANIFESTS])


class Repository:
    """One repository of one registry; `name` is `registry/path`. Not for use by two threads at once."""

    def __init__(self, reference: Reference, clients: tuple[Client, ...]) -> None:
        self.registry = reference.domain
        self.name = reference.repository
        self.label = f"repository {escape(self.name)}"
        self._clients = clients
        self._given_up: set[Client] = set()
        self._documents: dict[str, tuple[Descriptor, Manifest | Index, bytes]] = {}

    def resolve(self, name: str, deadline: Deadline) -> Descriptor:
        """Give the manifest or index that a tag or a digest means.

        Raises NoSuchImageError where the registry has none, RegistryError where that cannot be found out.
        """
        need = PULL if digests.valid(name) else RESOLVE
        found = self._first(lambda client, until: _named(client, name, until), need, deadline)
        if found is None:
            raise NoSuchImageError(f"{self.label}: no manifest {quoted(name)} on {escape(self.registry)}")
        self._documents[found[0].digest] = found
        return found[0]

    def confirm(self, digest: str, deadline: Deadline) -> None:
        """Make sure that the registry itself, and not only a mirror, has a manifest. Raises as `resolve` does."""
        if self._first(lambda client, until: _named(client, digest, until), PULL, deadline, mirrors=False) is None:
            raise NoSuchImageError(f"{self.label}: no manifest {quoted(digest)} on {escape(self.registry)}")

    def manifest(self, target: Descriptor, deadline: Deadline) -> Manifest | Index:
        """Give the manifest or index behind a descriptor, verified. Raises as `resolve` does."""
        if target.digest in self._documents:
            return self._documents[target.digest][1]
        if target.media_type and target.media_type not in (*oci.MANIFESTS, *oci.INDEXES):
            raise RegistryError(
                f"{self.label}: {target.digest}: a manifest is required, found {quoted(target.media_type)}"
            )
        found = self._first(lambda client, until: _named(client, target.digest, until, target), PULL, deadline)
        if found is None:
            raise NoSuchImageError(f"{self.label}: no manifest {target.digest} on {escape(self.registry)}")
        self._documents[target.digest] = found
        return found[1]

    def content(self, target: Descriptor, deadline: Deadline) -> bytes:
        """Give the bytes of a manifest or index, verified. Raises as `resolve` does."""
        self.manifest(target, deadline)
        return self._documents[target.digest][2]

    def blob(self, target: Descriptor, cap: int, deadline: Deadline) -> bytes:
        """Give a blob of at most `cap` bytes, verified: a config or a document, never a layer. Raises RegistryError."""
        if target.size > cap:
            raise RegistryError(f"{self.label}: {target.digest}: must be at most {cap} bytes, found {target.size}")
        found = self._first(
            lambda client, until: _blob(client, target.digest, target.size, until, target.size), PULL, deadline
        )
        if found is None:
            raise RegistryError(f"{self.label}: no blob {target.digest} on {escape(self.registry)}")
        return found

    def small(self, digest: str, cap: int, deadline: Deadline) -> bytes:
        """Give a blob of which the digest alone is known, of at most `cap` bytes. Raises RegistryError."""
        found = self.blob_named(digest, cap, deadline)
        if found is None:
            raise RegistryError(f"{self.label}: no blob {digest} on {escape(self.registry)}")
        return found

    def blob_named(self, digest: str, cap: int, deadline: Deadline) -> bytes | None:
        """Give a blob of at most `cap` bytes of which only the digest is known, None where there is none."""
        return self._first(lambda client, until: _blob(client, digest, cap, until), PULL, deadline)

    def referrers(
        self, subject: str, deadline: Deadline, artifact_type: str = "", *, mirrors: bool = True
    ) -> Referrers:
        """Give who refers to the subject with this digest, of one artifact type or of all. Raises RegistryError.

        Without `mirrors` the registry itself must say so.
        """
        try:
            found = self._first(
                lambda client, until: _listed(client, subject, artifact_type, until), PULL, deadline, mirrors=mirrors
            )
        except RegistryError as error:
            if mirrors or not any([client.endpoint.mirror for client in self._clients]):
                raise
            told = f"{error.message}; a mirror's list does not count where signers do"
            raise type(error)(told, hint=error.hint) from None
        if found is None:
            raise RegistryError(f"{self.label}: nobody can say who refers to {subject}")
        return found

    def writer(self) -> Client:
        """The client of the registry itself, the only one that is ever written to. Raises RegistryError."""
        for client in self._clients:
            if not client.endpoint.mirror and PUSH in client.endpoint.can:
                return client
        raise RegistryError(f"{self.label}: was not opened to be written to")

    def warnings(self) -> list[str]:
        """What the registry and its mirrors want users to read, escaped."""
        return [text for client in self._clients for text in client.warnings]

    def close(self) -> None:
        """End all connections."""
        for client in self._clients:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first(
        self,
        ask: Callable[[Client, Deadline], Found | None],
        need: str,
        deadline: Deadline,
        *,
        mirrors: bool = True,
    ) -> Found | None:
        """Ask each place until one has it; None where the registry itself says that it has not.

        A mirror gets half of the time that is left, and is not asked again once it could not be reached. Raises the
        errors of all places in one where no place has it and the registry's own word is missing.
        """
        problems: list[RegistryError] = []
        for client in self._clients:
            if need not in client.endpoint.can or client in self._given_up:
                continue
            mirror, until = client.endpoint.mirror, deadline
            if mirror and not mirrors:
                continue
            if mirror:
                until = deadline.within(deadline.left() * _SHARE, client.endpoint.label)
            try:
                found = ask(client, until)
            except RegistryError as error:
                problems.append(error)
                if mirror and isinstance(error, UnreachableError):
                    self._given_up.add(client)
                if mirror:
                    continue
                raise _joined(problems) from None
            if found is not None:
                return found
            if not mirror:
                return None
        if not problems:
            raise RegistryError(f"{self.label}: no place is configured that may be asked")
        raise _joined(problems)


def _joined(problems: list[RegistryError]) -> RegistryError:
    """One error for what went wrong in several places; the registry's own, the last one, comes first."""
    first, *others = reversed(problems)
    more = "".join([f"; {one.message}" for one in others])
    return type(first)(first.message + more, hint=first.hint)


def document(answer: Answer, what: str) -> Manifest | Index:
    """Read a manifest or index that was sent as what it says it is. Raises RegistryError."""
    if answer.media_type not in (*oci.MANIFESTS, *oci.INDEXES):
        raise RegistryError(f"{what}: a manifest or an index is required, found {quoted(answer.media_type)}")
    try:
        return oci.parse(answer.body, what=what, media_type=answer.media_type)
    except ValueError as error:
        raise RegistryError(str(error)) from None


def _named(
    client: Client, name: str, deadline: Deadline, target: Descriptor | None = None
) -> tuple[Descriptor, Manifest | Index, bytes] | None:
    """Fetch a manifest by tag or digest, None where the place has none of this name."""
    what = f"{client.endpoint.label}: manifest {escape(name)}"
    cap = limits.MANIFEST if target is None else min(limits.MANIFEST, target.size)
    if target is not None and target.size > limits.MANIFEST:
        raise RegistryError(f"{what}: must be at most {limits.MANIFEST} bytes, found {target.size}")
    answer = client.call(
        "GET", client.path("manifests", name), headers={"Accept": ACCEPT}, cap=cap, deadline=deadline
    )  # fmt: skip
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise client.fault(answer, f"manifest {escape(name)}", "status 200 is required")
    digest = name if digests.valid(name) else answer.headers.get("docker-content-digest", "")
    found = Descriptor(answer.media_type, digest or digests.of(answer.body), len(answer.body))
    if target is not None and target.media_type not in ("", answer.media_type):
        raise RegistryError(f"{what}: media type must be {target.media_type}, found {quoted(answer.media_type)}")
    try:
        (found if target is None else target).verify(answer.body)
    except ValueError as error:
        raise RegistryError(f"{what}: {error}") from None
    return found, document(answer, what), answer.body


def _blob(client: Client, digest: str, cap: int, deadline: Deadline, size: int = -1) -> bytes | None:
    """Fetch a blob, of exactly `size` bytes where that is known, None where the place does not have it."""
    what = f"{client.endpoint.label}: blob {digest}"
    answer = client.call("GET", client.path("blobs", digest), cap=cap, deadline=deadline)
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise client.fault(answer, f"blob {digest}", "status 200 is required")
    try:
        Descriptor("", digest, len(answer.body) if size < 0 else size).verify(answer.body)
    except ValueError as error:
        raise RegistryError(f"{what}: {error}") from None
    return answer.body


def _listed(client: Client, subject: str, artifact_type: str, deadline: Deadline) -> Referrers | None:
    found = lists.read(client, subject, artifact_type, deadline)
    return None if client.endpoint.mirror and not found.descriptors else found
