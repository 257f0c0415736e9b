"""Which of a subject's artifacts count: for each signer the newest, and what nobody signed as one signer (R20).

An artifact is taken for a signer's if the signer's program says so of the artifact itself, whose manifest names the
image: the same signed document beside another image is another artifact. An older one than was seen changes nothing.
"""

from __future__ import annotations

import time

from hostfit.core.text import escape
from hostfit.oci import digest as digests
from hostfit.oci.descriptor import Descriptor
from hostfit.policy.trust import IGNORE, REFERENCE, TIGHTEN
from hostfit.sources import containerspolicy, verifier
from hostfit.sources.lookups import Entry, Source
from hostfit.sources.registry.referrers import created
from hostfit.sources.verifier import VerifierError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hostfit.policy.trust import Scope, Signer, Trust
    from hostfit.sources.registry.artifacts import Artifact, Attached
    from hostfit.sources.registry.repository import Repository

NOBODY = ""
"""The signer of what is not signed."""
_TIMES = 3
"""An image takes at most so many times the longest limit of a verifier."""


def end_of_verifying(trust: Trust) -> float:
    """The moment, in monotonic time, at which all verifying for an image that is begun now must have ended."""
    limits = [signer.timeout for scope in trust.scopes for signer in scope.signers]
    return time.monotonic() + _TIMES * max(limits, default=0)


class Verifiers:
    """The signers of one scope while one subject is looked up, until a moment in monotonic time."""

    def __init__(self, scope: Scope, repository: str, end: float) -> None:
        self._scope = scope
        self._repository = repository
        self._end = end

    def signers(self, artifact: str, before: Source) -> tuple[str, ...]:
        """Give the names of those who signed an artifact; who said so `before` is not asked again.

        Raises VerifierError.
        """
        asked = self._scope.signers
        return tuple([one.name for one in asked if _said(one, artifact, before) or self._signed(one, artifact)])

    def _signed(self, signer: Signer, artifact: str) -> bool:
        left = self._end - time.monotonic()
        if left <= 0:
            raise VerifierError(f"verifiers of {escape(self._repository)}: took too long for one image")
        return verifier.signed(
            signer.verify,
            REFERENCE,
            self._repository,
            artifact,
            environment=signer.environment,
            timeout=min(signer.timeout, left),
        )


def asker(trust: Trust, problem: Callable[[str], None]) -> Callable[[Repository, Artifact], tuple[str, ...] | None]:
    """Give what names those who signed an artifact, or None where nobody is configured or could be asked.

    All calls share the time of one image; `problem` is told in one line why somebody could not be asked.
    """
    end = end_of_verifying(trust)

    def signers(repository: Repository, artifact: Artifact) -> tuple[str, ...] | None:
        scope = trust.of(repository.name)
        if not scope.signers:
            return None
        try:
            return Verifiers(scope, repository.name, end).signers(artifact.digest, Source())
        except VerifierError as error:
            problem(error.message)
            return None

    return signers


class Counted:
    """What counts of one subject in one repository now, and what is to be told about it.

    `documents` holds the bytes of documents that are new, by digest; `ignored` counts what was left out because nobody
    signed it.
    """

    __slots__ = ("documents", "ignored", "problems", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.documents: dict[str, bytes] = {}
        self.ignored = 0
        self.problems: list[str] = []


def unsigned(scope: Scope, demanded: str) -> str:
    """Whether unsigned artifacts count: as the scope says, else as containers-policy.json asks of images."""
    return scope.unsigned or (IGNORE if demanded == containerspolicy.SIGNED else TIGHTEN)


def count(
    attached: Attached, before: Source, scope: Scope, verifiers: Verifiers, *, ignore: bool, older: bool
) -> Counted:
    """Say what counts of what is attached, given what counted before.

    `ignore` leaves out what nobody signed; `older` takes an artifact although a newer one was seen. What a signer
    signed is withdrawn only where nothing at all is attached. Raises VerifierError where nothing can be said.
    """
    marks = {one.name: one.mark for one in scope.signers} | ({} if ignore else {NOBODY: ""})
    counted = Counted(Source({}, before.seen))
    taken: dict[str, Artifact] = {}
    if not marks:
        counted.ignored = len(attached.specs)
    for artifact in attached.specs:
        if len(taken) == len(marks):
            break
        signers = verifiers.signers(artifact.digest, before) or (NOBODY,)
        if signers == (NOBODY,) and ignore:
            counted.ignored += 1
        for name in signers:
            if name in marks:
                taken.setdefault(name, artifact)
    for name, mark in marks.items():
        found = taken.get(name)
        if found is not None:
            _take(name, mark, found, before, counted, older=older)
        elif attached.left_out:
            # Whoever may attach artifacts could push another's out of those that are read.
            number = attached.left_out
            counted.problems.append(f"{_whose(name)}: may be among {number} older artifacts that are not read")
            if name in before.entries:
                counted.source.entries[name] = before.entries[name]
        elif attached.specs and name != NOBODY and name in before.entries and before.entries[name].mark == mark:
            # A verifier may say no for reasons of its own, and a mirror may list only a part of what there is.
            counted.problems.append(f"{_whose(name)}: no spec that is listed has its signature; nothing changes")
            counted.source.entries[name] = before.entries[name]
    return counted


def _take(name: str, mark: str, artifact: Artifact, before: Source, counted: Counted, *, older: bool) -> None:
    """Decide whether a signer's newest artifact counts from now on, or what counted before."""
    seen, made = before.seen.get(name, ""), _created(name, artifact)
    if artifact.problem or artifact.data is None:
        problem = artifact.problem or f"artifact {artifact.digest}: was not read"
    elif made < seen and not older:
        times = f"({made or 'no time'}, {seen})"
        problem = (
            f"artifact {artifact.digest}: is older than one that was seen {times}, so only --accept-older takes it"
        )
    else:
        digest = digests.of(artifact.data)
        counted.documents[digest] = artifact.data
        counted.source.entries[name] = Entry(digest, artifact.digest, name, made, mark)
        counted.source.seen[name] = made
        return
    counted.problems.append(f"{_whose(name)}: {problem}; nothing changes")
    if name in before.entries:
        counted.source.entries[name] = before.entries[name]


def _whose(name: str) -> str:
    return f"signer {name}" if name else "unsigned specs"


def _created(name: str, artifact: Artifact) -> str:
    """When an artifact was made; of a signed one its manifest alone says so, for the list is not signed."""
    if name == NOBODY or artifact.manifest is None:
        return artifact.created
    return created(Descriptor("", artifact.digest, 0, annotations=artifact.manifest.annotations))


def _said(signer: Signer, artifact: str, before: Source) -> bool:
    """Whether a signer, defined as it is now, was asked about this artifact before and said yes."""
    entry = before.entries.get(signer.name)
    return entry is not None and (entry.artifact, entry.mark) == (artifact, signer.mark)
