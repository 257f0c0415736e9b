"""Everything that a registry has about an image's compatibility: specs at both levels, base images, SBOMs (RM1, IA6).

An image is looked at subject by subject: its index, then each of its manifests, then what they were built on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core import limits
from hostfit.core.document import ARTIFACT, BROKEN, IMAGE, Document, Provenance
from hostfit.core.errors import HostfitError, NoSuchImageError, RegistryError
from hostfit.core.text import escape, quoted
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests
from hostfit.oci import reference as references
from hostfit.sources import annotations as keys
from hostfit.sources.include import included
from hostfit.sources.manifest import BASE_DIGEST, BASE_NAME
from hostfit.sources.registry import artifacts, images, sboms
from hostfit.sources.registry.named import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostfit.core.vocabulary import Lookup
    from hostfit.oci.descriptor import Descriptor
    from hostfit.oci.reference import Reference
    from hostfit.sources.manifest import Found
    from hostfit.sources.registry.access import Access
    from hostfit.sources.registry.artifacts import Artifact
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.repository import Repository

    Signers = Callable[[Repository, Artifact], tuple[str, ...] | None]
    """Says whose signatures an artifact has, None where nobody checks any there or could be asked."""

INDEX, MANIFEST = "index", "manifest"


class Spec:
    """One document about an image; `artifact` is None where the image itself carries it.

    `older` says that a newer artifact of the same subject counts in its place, for each of its signers; `signers` is
    None where nobody checked.
    """

    __slots__ = ("artifact", "document", "older", "signers")

    def __init__(self, document: Document, artifact: Artifact | None = None, *, older: bool = False) -> None:
        self.document = document
        self.artifact = artifact
        self.older = older
        self.signers: tuple[str, ...] | None = None


class Sbom:
    """One SBOM of a subject: its digest, format (see sboms.py), type, when it was made and where it is listed."""

    __slots__ = ("artifact_type", "created", "digest", "format", "place")

    def __init__(self, digest: str, form: str, artifact_type: str, created: str, place: str) -> None:
        self.digest = digest
        self.format = form
        self.artifact_type = artifact_type
        self.created = created
        self.place = place


class Subject:
    """An index or a manifest and what is known about it.

    `base` says that the image only builds on it, `said` what hostfit's annotations and labels hold, `left_out` how many
    artifacts with a spec are older than those that count.
    """

    def __init__(self, kind: str, name: str, digest: str, platform: str = "", *, base: bool = False) -> None:
        self.kind = kind
        self.name = name
        self.digest = digest
        self.platform = platform
        self.base = base
        self.said: set[tuple[str, str]] = set()
        self.specs: list[Spec] = []
        self.sboms: list[Sbom] = []
        self.others: list[Artifact] = []
        self.left_out = 0


class Inspector:
    """Reads one image after the other.

    `lookup` is the vocabulary; `follows(registry, own)` says whether base images and includes are fetched from another
    registry than the image's own; `signers` is asked about each artifact that holds a spec.
    """

    def __init__(
        self,
        access: Access,
        lookup: Lookup,
        follows: Callable[[str, str], bool] = lambda registry, own: registry == own,
        signers: Signers | None = None,
    ) -> None:
        self._access = access
        self._lookup = lookup
        self._follows = follows
        self._signers = signers
        self.notes: list[str] = []
        self.subjects: dict[str, Subject] = {}

    def image(self, name: Reference, deadline: Deadline, platform: str = "") -> Descriptor:
        """Look at an image, of one platform or of all, and give its descriptor.

        Raises NoSuchImageError where it is not there, RegistryError where anything of its own cannot be known.
        """
        wanted = images.by_platform(platform) if platform else lambda _: True
        with self._access.open(name) as repository:
            target = repository.resolve(name.digest or name.tag or "latest", deadline)
            found = list(images.images(repository, target, deadline, wanted))
            for one in found:
                self._levels(repository, one, str(name), deadline)
            if not found and platform:
                raise NoSuchImageError(f"{target.digest}: no platform {quoted(platform)}")
            if not found:
                self._index(repository, target, str(name), deadline)
            for text in repository.warnings():
                self._note(text)
        for one in found:
            self._bases(one, name, deadline)
        return target

    def _levels(
        self, repository: Repository, found: Found, name: str, deadline: Deadline, *, base: bool = False
    ) -> None:
        """Look at an image at both levels, its index and its manifest, each once."""
        if found.index is not None and found.index_digest not in self.subjects:
            subject = self._add(INDEX, name, found.index_digest, base=base)
            self._carried(repository, subject, "annotation", found.index.annotations, deadline)
            self._attached(repository, subject, deadline)
        if found.digest in self.subjects:
            return
        subject = self._add(MANIFEST, name, found.digest, str(found.platform()), base=base)
        self._carried(repository, subject, "annotation", found.manifest.annotations, deadline)
        self._carried(repository, subject, "label", found.config.labels, deadline)
        self._environment(subject, found.config.env)
        self._attached(repository, subject, deadline)
        for one, about in sboms.attestations(found.index) if found.index is not None else ():
            if about == found.digest:
                self._attestation(repository, subject, one, deadline)

    def _index(self, repository: Repository, target: Descriptor, name: str, deadline: Deadline) -> None:
        """Look at an index alone, none of whose images is there or wanted."""
        document = repository.manifest(target, deadline)
        if isinstance(document, oci.Index):
            subject = self._add(INDEX, name, target.digest)
            self._carried(repository, subject, "annotation", document.annotations, deadline)
            self._attached(repository, subject, deadline)

    def _add(self, kind: str, name: str, digest: str, platform: str = "", *, base: bool = False) -> Subject:
        self.subjects[digest] = subject = Subject(kind, name, digest, platform, base=base)
        return subject

    def _carried(
        self, repository: Repository, subject: Subject, kind: str, notes: Mapping[str, str], deadline: Deadline
    ) -> None:
        """What the image says itself, in hostfit's annotations and labels; the same words twice say nothing new."""
        own = {key: value for key, value in keys.ours(notes).items() if (key, value) not in subject.said}
        subject.said |= set(own.items())
        store = self._store(repository, deadline)
        place = f"{subject.kind} {subject.digest}"
        found = keys.documents(own, authority=IMAGE, place=place, lookup=self._lookup, store=store, kind=kind)
        for key, value in sorted(own.items()):
            if key.startswith(keys.SPEC_DIGEST + "."):  # for one container of a pod
                found.append(keys.by_digest(value, authority=IMAGE, place=f"{kind} {key} of {place}", store=store))
        for document in found:
            self._keep(subject, Spec(document), store)

    def _environment(self, subject: Subject, env: tuple[str, ...]) -> None:
        """NVIDIA_REQUIRE_* of the image, which counts only where a container is given a GPU."""
        from hostfit.core import nvidia  # with an image only

        spec, problems = nvidia.parse(env)
        provenance = Provenance(IMAGE, f"environment of {subject.kind} {subject.digest}")
        if problems:
            broken = Document(provenance, problems=tuple(problems), state=BROKEN, reason=str(problems[0]))
            subject.specs.append(Spec(broken))
        elif spec is not None:
            subject.specs.append(Spec(Document(provenance, spec=spec)))

    def _attached(self, repository: Repository, subject: Subject, deadline: Deadline) -> None:
        """What is attached to a subject: specs that are read, and other artifacts of which the manifest says enough."""
        found = artifacts.specs(repository, subject.digest, deadline)
        subject.left_out = found.left_out
        store = self._store(repository, deadline)
        taken: set[str] = set()
        for one in found.specs:
            signers = self._signers(repository, one) if self._signers is not None else None
            # Per signer the newest counts, and what nobody signed is one signer's.
            parties = set(signers or ("",))
            spec = Spec(_document(one), one, older=parties <= taken)
            spec.signers = signers
            taken |= parties
            self._keep(subject, spec, store)
        for one in artifacts.attached(repository.referrers(subject.digest, deadline), subject.digest):
            if one.artifact_type == artifacts.SPEC_TYPE:
                continue
            try:
                one.problem = artifacts.manifest(repository, one, deadline)
            except RegistryError as error:
                if deadline.over():
                    raise
                one.problem = error.message
            form = sboms.format_of(one.artifact_type, one.manifest, one.descriptor.annotations)
            if form and not one.problem:
                subject.sboms.append(Sbom(one.digest, form, one.artifact_type, one.created, one.place))
            else:
                subject.others.append(one)

    def _attestation(self, repository: Repository, subject: Subject, one: Descriptor, deadline: Deadline) -> None:
        """An SBOM that BuildKit lists in the index; an attestation that is not there is none."""
        try:
            manifest = repository.manifest(one, deadline)
        except NoSuchImageError:
            return
        form = sboms.format_of("", manifest, one.annotations) if isinstance(manifest, oci.Manifest) else ""
        if form:
            subject.sboms.append(Sbom(one.digest, form, "application/vnd.in-toto+json", "", "index of the image"))

    def _keep(self, subject: Subject, spec: Spec, store: Named) -> None:
        subject.specs.append(spec)
        if spec.document.spec is not None and spec.document.spec.includes:
            store.expect(spec.document.spec)
            subject.specs += [Spec(one, older=spec.older) for one in included(spec.document, store)]

    def _store(self, repository: Repository, deadline: Deadline) -> Named:
        return Named(self._access, repository, self._follows, deadline)

    def _bases(self, found: Found, name: Reference, deadline: Deadline) -> None:
        """Follow the base images of an image as far as their registries may be asked and have them."""
        own = name
        for _ in range(limits.INCLUDE_DEPTH):
            digest = found.base()
            if not digest or digest in self.subjects:
                return
            place = _base_name(found) or name
            if not self._follows(place.domain, own.domain):
                self._note(f"base image {digest} is on {escape(place.domain)}, which is not asked")
                return
            try:
                below = self._base(place, digest, found, deadline)
            except HostfitError as error:
                if deadline.over():
                    raise
                self._note(f"base image {digest} of {escape(place.repository)}: {error.message}")
                return
            if below is None:
                return
            found, name = below, place
        self._note(f"base images are followed to depth {limits.INCLUDE_DEPTH}, and there are more")

    def _base(self, place: Reference, digest: str, above: Found, deadline: Deadline) -> Found | None:
        """Look at a base image, which its digest may name by manifest or by index; gives it, to look further down."""
        with self._access.open(place) as repository:
            target = repository.resolve(digest, deadline)
            platform = above.platform()
            members = list(
                images.images(repository, target, deadline, lambda one: one == platform or str(one) == str(platform))
            )
            found = members[0] if members else None
            if found is None:
                self._index(repository, target, place.repository, deadline)
                return None
            if found.index is None:
                self._above(repository, place, found, deadline)
            self._levels(repository, found, str(references.Reference(place.path, domain=place.domain, tag=place.tag)),
                         deadline, base=True)  # fmt: skip
            return found

    def _above(self, repository: Repository, place: Reference, found: Found, deadline: Deadline) -> None:
        """Give a base image that is known by its manifest the index that its tag means, where that lists it."""
        if not place.tag:
            return
        try:
            target = repository.resolve(place.tag, deadline)
        except NoSuchImageError:
            return
        document = repository.manifest(target, deadline)
        if isinstance(document, oci.Index) and found.digest in [one.digest for one in document.manifests]:
            found.index, found.index_digest = document, target.digest

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _document(artifact: Artifact) -> Document:
    """The document that an artifact holds, or what is wrong with it."""
    from hostfit.core.read import read_spec  # reads YAML, which costs its import

    data, manifest = artifact.data, artifact.manifest
    place = f"artifact {artifact.digest} in {artifact.place}"
    if data is None or manifest is None:
        return Document(Provenance(ARTIFACT, place), state=BROKEN, reason=artifact.problem)
    digest = manifest.layers[0].digest
    return keys.parsed(lambda: read_spec(data, place=digest), Provenance(ARTIFACT, place, digest=digest))


def _base_name(found: Found) -> Reference | None:
    """Where the base image lies, as the image says beside its digest; None where it does not."""
    for notes in (found.manifest.annotations, found.index.annotations if found.index else {}, found.config.labels):
        if BASE_NAME in notes and digests.valid(notes.get(BASE_DIGEST)):
            try:
                return references.normalised(notes[BASE_NAME])
            except ValueError:
                return None
    return None
