"""Fetches the specs of images into the spec store: the only thing that does (TW1, DE2).

For each repository that an image's names lead to, each of its digests is looked up there. What is fetched is kept
first and recorded last, so that a run that dies leaves what was known. A registry that does not answer changes nothing.
"""

from __future__ import annotations

import time

from hostfit.core import limits
from hostfit.core.errors import HostfitError, NoSuchImageError, SourceError, SpecError
from hostfit.core.text import escape
from hostfit.gate.provenance import Verifiers, count, end_of_verifying, unsigned
from hostfit.oci import digest as digests
from hostfit.oci import reference as references
from hostfit.oci.files import symbol
from hostfit.policy.trust import IGNORE
from hostfit.sources import annotations as keys
from hostfit.sources import containerspolicy, inventory
from hostfit.sources.collect import subjects_of
from hostfit.sources.lookups import Lookups, Source, StoreError
from hostfit.sources.manifest import BASE_NAME, base_digest
from hostfit.sources.registry import artifacts, images
from hostfit.sources.registry.access import target
from hostfit.sources.registry.deadline import COMMAND, DOCUMENTS, Deadline
from hostfit.sources.store import SpecStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostfit.core.image import Image
    from hostfit.oci.reference import Reference
    from hostfit.policy.trust import Trust
    from hostfit.sources.containerspolicy import ContainersPolicy
    from hostfit.sources.manifest import Found
    from hostfit.sources.registry.access import Access
    from hostfit.sources.registry.repository import Repository

NEW, CHANGED, UNCHANGED, WITHDRAWN, NONE, FAILED = "new", "changed", "unchanged", "withdrawn", "none", "failed"
_ENOUGH = 3
"""Failures in a row after which a registry is not asked for further images."""
_MOST_INCLUDED = 64


class Work:
    """One image to look up: its name for people, its repositories, its digests, and what its author says of it."""

    __slots__ = ("name", "named", "notes", "repositories", "subjects")

    def __init__(
        self,
        name: str,
        repositories: Iterable[Reference],
        subjects: Iterable[str],
        notes: Iterable[Mapping[str, str]] = (),
        *,
        named: Reference | None = None,
    ) -> None:
        self.name = name
        self.repositories = list(repositories)
        self.subjects = list(subjects)
        self.notes = list(notes)
        self.named = named
        """What has to be resolved on its registry, for no local store has said its digests."""


class Subject:
    """What became of one digest in one repository; `problems` were told and may have left things as they were.

    `blameless` says that a failure was not the registry's: it answered that it has no such manifest, or was not asked.
    """

    __slots__ = ("blameless", "digest", "ignored", "invalid", "outcome", "problems", "repository", "source")

    def __init__(self, digest: str, repository: str) -> None:
        self.digest = digest
        self.repository = repository
        self.outcome = NONE
        self.source = Source()
        self.ignored = 0
        self.blameless = False
        self.problems: list[str] = []
        self.invalid: list[str] = []


class Synced:
    """What became of one image."""

    __slots__ = ("name", "problems", "subjects")

    def __init__(self, name: str) -> None:
        self.name = name
        self.subjects: list[Subject] = []
        self.problems: list[str] = []

    @property
    def complete(self) -> bool:
        """Whether everything could be looked up, and nothing was left as it was although there is something new."""
        return not self.problems and not any([one.problems for one in self.subjects])

    @property
    def valid(self) -> bool:
        """Whether every spec that counts is valid."""
        return not any([one.invalid for one in self.subjects])


def of_image(image: Image) -> Work:
    """Give the work for an image of a local store."""
    notes = [each for one in (image, *image.bases) for each in _notes(one)]
    subjects = subjects_of(image)
    # What a registry has, it has by the digest of a manifest; an image that has none here came from no registry.
    remote = subjects != (image.config_digest,)
    return Work(image.name, inventory.repositories(image) if remote else [], subjects, notes)


def of_reference(reference: Reference) -> Work:
    """Give the work for an image that is named on its registry, whether it was pulled or not."""
    repository = references.Reference(reference.path, domain=reference.domain)
    return Work(str(reference), [repository], [], named=reference)


class Sync:
    """One run; `older` takes artifacts although newer ones were seen, `every` all platforms of a named image."""

    def __init__(
        self,
        access: Access,
        trust: Trust,
        demands: ContainersPolicy,
        *,
        var: str,
        older: bool = False,
        every: bool = False,
    ) -> None:
        self._access = access
        self._trust = trust
        self._demands = demands
        self._older = older
        self._every = every
        self._store = SpecStore(var)
        self._lookups = Lookups(self._store, var, anew=older)
        self._failures: dict[str, int] = {}
        self._done: dict[tuple[str, str], Subject] = {}
        self._end = 0.0
        self._lookups.tidy()

    def known(self, work: Work) -> bool:
        """Whether every digest of an image was looked up before, in each of its repositories."""
        places = [one.repository for one in work.repositories] or [""]
        asked = [self._lookups.known(one, place) for one in work.subjects for place in places]
        return bool(asked) and all(asked)

    def image(self, work: Work) -> Synced:
        """Look one image up in all its repositories. Raises StoreError where the store cannot be written."""
        synced = Synced(work.name)
        self._end = end_of_verifying(self._trust)
        deadline = Deadline(COMMAND, f"looking up {escape(work.name)}")
        for reference in work.repositories:
            self._in_repository(reference, work, synced, deadline)
        if not work.repositories:
            # No registry has it, so there is nobody to ask: that is an answer, too.
            for digest in work.subjects:
                subject = Subject(digest, "")
                synced.subjects.append(subject)
                try:
                    self._lookups.replace(digest, "", None, time=_now())
                except StoreError:
                    raise
                except SourceError as error:
                    _fail(subject, error, blameless=True)
        return synced

    def _in_repository(self, reference: Reference, work: Work, synced: Synced, deadline: Deadline) -> None:
        registry = reference.domain
        if self._failures.get(registry, 0) >= _ENOUGH:
            synced.problems.append(f"{registry}: not asked again, for it failed {_ENOUGH} times")
            return
        if self._demands.of(reference.repository) == containerspolicy.REJECT:
            synced.problems.append(f"{reference.repository}: containers-policy.json rejects it; nothing is fetched")
            return
        try:
            with self._access.open(reference) as repository:
                subjects, notes = self._resolved(repository, work, deadline)
                before = len(synced.subjects)
                for digest in subjects:
                    self._once(repository, digest, synced, deadline)
                self._named(repository, notes, synced, deadline)
                self._bases(reference, repository, notes, synced, deadline)
                failed = any([one.outcome == FAILED and not one.blameless for one in synced.subjects[before:]])
        except StoreError:
            raise
        except NoSuchImageError as error:
            synced.problems.append(error.message)
            return
        except SourceError as error:
            failed = True
            synced.problems.append(error.message)
        except Exception as error:  # noqa: BLE001 - whatever one registry answers, the other images are looked up
            failed = True
            synced.problems.append(f"{reference.repository}: internal error: {type(error).__name__}: {error}")
        self._failures[registry] = self._failures.get(registry, 0) + 1 if failed else 0

    def _resolved(
        self, repository: Repository, work: Work, deadline: Deadline
    ) -> tuple[list[str], list[Mapping[str, str]]]:
        """The digests of an image that is named on its registry, and what its author says of it."""
        if work.named is None:
            return work.subjects, work.notes
        top = repository.resolve(target(work.named), deadline)
        subjects, notes = [top.digest], list(work.notes)
        for found in images.images(repository, top, deadline):
            subjects.append(found.digest)
            notes += _said(found)
            if not self._every:
                break
        return list(dict.fromkeys(subjects)), notes

    def _once(
        self, repository: Repository, digest: str, synced: Synced, deadline: Deadline, *, guessed: bool = False
    ) -> None:
        """Look up one digest in one repository, once in a run; `guessed` where nobody says that it is there."""
        key = (repository.name, digest)
        if key not in self._done:
            self._done[key] = self._subject(repository, digest, deadline, guessed=guessed)
        if self._done[key] not in synced.subjects:
            synced.subjects.append(self._done[key])

    def _subject(self, repository: Repository, digest: str, deadline: Deadline, *, guessed: bool) -> Subject:
        subject = Subject(digest, repository.name)
        scope = self._trust.of(repository.name)
        ignore = unsigned(scope, self._demands.of(repository.name)) == IGNORE
        try:
            before = subject.source = self._lookups.source(digest, repository.name)
        except SourceError as error:
            return _fail(subject, error, blameless=True)
        try:
            attached = artifacts.specs(repository, digest, deadline, mirrors=not scope.signers)
            if not attached.specs and (before.entries or not guessed):
                # Some registries say "nothing here" to whoever may not look: none is an answer only beside the image.
                repository.confirm(digest, deadline)
            verifiers = Verifiers(scope, repository.name, self._end)
            counted = count(attached, before, scope, verifiers, ignore=ignore, older=self._older)
        except SourceError as error:
            return _fail(subject, error, blameless=isinstance(error, NoSuchImageError))
        subject.ignored, subject.source = counted.ignored, counted.source
        subject.problems += counted.problems
        if counted.problems and not counted.source.entries:
            # Something is attached, and nobody can say what it asks for: that is not "looked, none there".
            subject.outcome, subject.blameless = FAILED, True
            return subject
        reading = deadline.within(DOCUMENTS, f"reading what specs of {digest} include")
        self._keep(repository, list(counted.documents.values()), subject, reading)
        self._lookups.replace(digest, repository.name, counted.source, time=_now())
        subject.outcome = _outcome(before, counted.source)
        return subject

    def _keep(self, repository: Repository, documents: list[bytes], subject: Subject, deadline: Deadline) -> None:
        """Put documents into the store, and what they include; what cannot be had is told and is unknown at a start."""
        todo = [(data, 0) for data in documents]
        seen: set[str] = set()
        while todo:
            data, depth = todo.pop(0)
            digest = self._put(data)
            try:
                spec = self._store.spec(digest)
            except SpecError as error:
                subject.invalid.append(error.message)
                continue
            for include in spec.includes if spec is not None else ():
                if include.digest in seen or depth >= limits.INCLUDE_DEPTH or len(seen) >= _MOST_INCLUDED:
                    continue
                seen.add(include.digest)
                try:
                    todo.append((self._included(repository, include.digest, include.reference, deadline), depth + 1))
                except StoreError:
                    raise
                except HostfitError as error:
                    subject.problems.append(f"include {include.digest}: {error.message}")

    def _put(self, data: bytes) -> str:
        """Keep a document unless the store has it whole, in both its forms."""
        digest = digests.of(data)
        try:
            if self._store.read(digest) == data and self._store.current(digest):
                return digest
        except SourceError:
            pass  # a file that was changed is replaced
        try:
            return self._store.put(data)
        except OSError as error:
            raise StoreError(f"spec store: cannot be written: {symbol(error)}") from None

    def _included(self, repository: Repository, digest: str, named: str, deadline: Deadline) -> bytes:
        """Give an included document, from the store or from where it lies, if that may be asked."""
        try:
            known = self._store.read(digest)
        except SourceError:
            known = None
        if known is not None:
            return known
        if not named:
            return repository.small(digest, limits.DOCUMENT, deadline)
        try:
            reference = references.qualified(named)
        except ValueError as error:
            raise SourceError(str(error)) from None
        if reference.repository == repository.name:
            return repository.small(digest, limits.DOCUMENT, deadline)
        self._require_followed(reference, repository.registry)
        with self._access.open(reference) as other:
            return other.small(digest, limits.DOCUMENT, deadline)

    def _require_followed(self, reference: Reference, own: str) -> None:
        if not self._trust.follows(reference.domain, own):
            raise SourceError(
                f"registry {escape(reference.domain)} is neither the image's own nor in [sync] registries"
            )
        if self._demands.of(reference.repository) == containerspolicy.REJECT:
            raise SourceError(f"{escape(reference.repository)}: containers-policy.json rejects it")

    def _named(
        self, repository: Repository, notes: list[Mapping[str, str]], synced: Synced, deadline: Deadline
    ) -> None:
        """Fetch the documents that the image's own keys name (IA5)."""
        wanted = {
            value
            for one in notes
            for key, value in keys.ours(one).items()
            if key.startswith(keys.SPEC_DIGEST) and digests.valid(value)
        }
        reading = deadline.within(DOCUMENTS, "reading the documents that the image names")
        for digest in sorted(wanted)[:_MOST_INCLUDED]:
            subject = Subject(digest, repository.name)
            try:
                self._keep(repository, [self._included(repository, digest, "", reading)], subject, reading)
            except StoreError:
                raise
            except HostfitError as error:
                subject.problems.append(f"document {digest}: {error.message}")
            synced.problems += [*subject.problems, *subject.invalid]

    def _bases(
        self,
        reference: Reference,
        repository: Repository,
        notes: list[Mapping[str, str]],
        synced: Synced,
        deadline: Deadline,
    ) -> None:
        """Look up the base images that the author names, where that may be asked (IA6)."""
        for one in notes:
            digest = base_digest(one)
            if not digest:
                continue
            try:
                base = references.normalised(one.get(BASE_NAME, "")) if one.get(BASE_NAME) else reference
                if base.repository == repository.name:
                    self._once(repository, digest, synced, deadline, guessed=not one.get(BASE_NAME))
                    continue
                self._require_followed(base, repository.registry)
                with self._access.open(base) as other:
                    self._once(other, digest, synced, deadline)
            except StoreError:
                raise
            except (SourceError, ValueError) as error:
                synced.problems.append(f"base image {digest}: {error}")


def _fail(subject: Subject, error: SourceError, *, blameless: bool) -> Subject:
    subject.outcome = FAILED
    subject.blameless = blameless
    subject.problems.append(error.message)
    return subject


def _outcome(before: Source, after: Source) -> str:
    had = {name: entry.document for name, entry in before.entries.items()}
    has = {name: entry.document for name, entry in after.entries.items()}
    if had == has:
        return UNCHANGED if has else NONE
    if not had:
        return NEW
    return CHANGED if has else WITHDRAWN


def _notes(image: Image) -> tuple[Mapping[str, str], ...]:
    return (image.manifest_annotations, image.index_annotations, image.labels)


def _said(found: Found) -> tuple[Mapping[str, str], ...]:
    of_index = found.index.annotations if found.index is not None else {}
    return (found.manifest.annotations, of_index, found.config.labels)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
