"""What is attached to a subject: artifacts read and verified, and the specs that they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core import limits
from hostfit.core.errors import HostfitError, UnreachableError
from hostfit.core.text import quoted
from hostfit.oci import descriptor as oci
from hostfit.sources.registry import deadline as spans
from hostfit.sources.registry.referrers import created

if TYPE_CHECKING:
    from hostfit.oci.descriptor import Descriptor, Manifest
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.referrers import Referrers
    from hostfit.sources.registry.repository import Repository

SPEC_TYPE = "application/vnd.nfd.image-compatibility.v1alpha1"
"""Artifact type of a compatibility spec (NFD, api/image-compatibility/v1alpha1/spec.go)."""
SPEC_YAML = "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml"
SPEC_JSON = "application/vnd.nfd.image-compatibility.spec.v1alpha1+json"
"""Media types of the document; NFD's documentation has the first one."""


class Artifact:
    """One artifact as it was found.

    `descriptor` is its manifest's, `subject` the digest it was found for, `place` where it was listed, `created` a
    time that sorts or empty. `manifest` and `data` (the document of a spec) are None until they were read, and stay so
    where `problem` says in one line why that failed: such an artifact says something that nobody can read.
    """

    __slots__ = ("created", "data", "descriptor", "manifest", "place", "problem", "subject")

    def __init__(self, descriptor: Descriptor, subject: str, place: str) -> None:
        self.descriptor = descriptor
        self.subject = subject
        self.place = place
        self.created = created(descriptor)
        self.manifest: Manifest | None = None
        self.data: bytes | None = None
        self.problem = ""

    @property
    def digest(self) -> str:
        """The digest of its manifest."""
        return self.descriptor.digest

    @property
    def artifact_type(self) -> str:
        """What it is: by its manifest where that was read, else as it was listed."""
        return self.manifest.artifact_type if self.manifest is not None else self.descriptor.artifact_type


class Attached:
    """The specs of one subject, the newest first, and how many older ones were left out unread."""

    __slots__ = ("left_out", "place", "specs")

    def __init__(self, specs: tuple[Artifact, ...], place: str, left_out: int = 0) -> None:
        self.specs = specs
        self.place = place
        self.left_out = left_out


def specs(repository: Repository, subject: str, deadline: Deadline, *, mirrors: bool = True) -> Attached:
    """Find and read the specs of one subject, the digest of a manifest or an index.

    Without `mirrors` the registry itself must list them; what they hold may come from anywhere. An artifact that is not
    what it should be is among them with its `problem`. Raises RegistryError where they cannot be listed, and
    UnreachableError where one of them cannot be asked for.
    """
    listing = deadline.within(spans.ARTIFACTS, f"listing the artifacts of {subject}")
    found = repository.referrers(subject, listing, SPEC_TYPE, mirrors=mirrors)
    reading = deadline.within(spans.DOCUMENTS, f"reading the specs of {subject}")
    read = [document(repository, one, reading) for one in attached(found, subject)]
    newest = sorted(read, key=lambda one: (one.created, one.digest), reverse=True)
    return Attached(tuple(newest), found.place, found.left_out)


def attached(found: Referrers, subject: str) -> list[Artifact]:
    """Make artifacts of a list, none of them read yet."""
    return [Artifact(one, subject, found.place) for one in found.descriptors]


def document(repository: Repository, artifact: Artifact, deadline: Deadline) -> Artifact:
    """Read the manifest and the document of a spec; what is wrong with them becomes its `problem`.

    Raises UnreachableError where nothing can be known of them now.
    """
    try:
        _read(repository, artifact, deadline)
    except UnreachableError:
        raise
    except HostfitError as error:
        artifact.problem = error.message
    return artifact


def manifest(repository: Repository, artifact: Artifact, deadline: Deadline) -> str:
    """Read the manifest of an artifact of any type; gives the problem that prevents it, or an empty text."""
    found = repository.manifest(artifact.descriptor, deadline)
    if not isinstance(found, oci.Manifest):
        return f"artifact {artifact.digest}: a manifest is required, found an index"
    named = found.subject.digest if found.subject is not None else "none"
    if named != artifact.subject:
        return f"artifact {artifact.digest}: subject must be {artifact.subject}, found {named}"
    artifact.manifest = found
    own = oci.Descriptor("", artifact.digest, 0, annotations=found.annotations)
    artifact.created = created(own) or artifact.created
    return ""


def accept(artifact: Artifact) -> Descriptor | None:
    """Give the descriptor of the document of a spec whose manifest was read, or say in `problem` why there is none."""
    found = artifact.manifest
    if found is None:
        return None
    if found.artifact_type != SPEC_TYPE:
        kind = quoted(found.artifact_type)
        artifact.problem = f"artifact {artifact.digest}: artifact type must be {SPEC_TYPE}, found {kind}"
    elif len(found.layers) != 1:
        artifact.problem = f"artifact {artifact.digest}: one document is required, found {len(found.layers)}"
    elif found.layers[0].media_type not in (SPEC_YAML, SPEC_JSON):
        kind = quoted(found.layers[0].media_type)
        artifact.problem = f"artifact {artifact.digest}: media type must be {SPEC_YAML} or {SPEC_JSON}, found {kind}"
    elif found.layers[0].size > limits.DOCUMENT:
        size = found.layers[0].size
        artifact.problem = f"artifact {artifact.digest}: document must be at most {limits.DOCUMENT} bytes, found {size}"
    else:
        return found.layers[0]
    return None


def _read(repository: Repository, artifact: Artifact, deadline: Deadline) -> None:
    artifact.problem = manifest(repository, artifact, deadline)
    layer = accept(artifact)
    if layer is not None:
        artifact.data = repository.blob(layer, limits.DOCUMENT, deadline)
