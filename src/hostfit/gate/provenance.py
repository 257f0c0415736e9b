"""Which of a subject's artifacts count: for each signer the newest, and what nobody signed as one signer (R20).

An artifact is taken for a signer's if the signer's program says so of the artifact itself, whose manifest names the
image: the same signed document beside another image is another artifact. An older one than was seen changes nothing.
"""

from __future__ import annotations

import time

from hostfit.core.text import escape
from hostfit.oci import digest as digests
from hostfit.policy.trust import IGNORE, REFERENCE, TIGHTEN
from hostfit.sources import containerspolicy, verifier
from hostfit.sources.lookups import Entry, Source
from hostfit.sources.verifier import VerifierError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.policy.trust import Scope, Signer, Trust
    from hostfit.sources.registry.artifacts import Artifact, Attached

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

    def signers(self, artifact: str, known: frozenset[str]) -> tuple[str, ...]:
        """Give the names of those who signed an artifact; who is among `known` was asked before and said yes.

        Raises VerifierError.
        """
        return tuple([one.name for one in self._scope.signers if one.name in known or self._signed(one, artifact)])

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

    `ignore` leaves out what nobody signed; `older` takes an artifact although a newer one was seen. Raises
    VerifierError where nothing can be said.
    """
    wanted = [one.name for one in scope.signers] + ([] if ignore else [NOBODY])
    counted = Counted(Source({}, before.seen))
    taken: dict[str, Artifact] = {}
    for artifact in attached.specs:
        if len(taken) == len(wanted):
            break
        known = frozenset(
            [name for name, entry in before.entries.items() if name and entry.artifact == artifact.digest]
        )
        signers = verifiers.signers(artifact.digest, known) or (NOBODY,)
        if signers == (NOBODY,) and ignore:
            counted.ignored += 1
        for name in signers:
            if name in wanted:
                taken.setdefault(name, artifact)
    for name in wanted:
        _take(name, taken.get(name), before, counted, cut=attached.left_out > 0, older=older)
    return counted


def _take(name: str, artifact: Artifact | None, before: Source, counted: Counted, *, cut: bool, older: bool) -> None:
    """Decide what counts for one signer."""
    had = before.entries.get(name)
    whose = f"signer {name}" if name else "unsigned specs"
    if artifact is None:
        if had is not None and cut:
            counted.source.entries[name] = had
            counted.problems.append(f"{whose}: {had.artifact} is among more artifacts than are read; it still counts")
        return
    seen = before.seen.get(name, "")
    if artifact.problem or artifact.data is None:
        problem = artifact.problem or f"artifact {artifact.digest}: was not read"
    elif artifact.created < seen and not older:
        problem = (
            f"artifact {artifact.digest}: is older than one that was seen ({artifact.created or 'no time'}, {seen})"
        )
    else:
        digest = digests.of(artifact.data)
        counted.documents[digest] = artifact.data
        counted.source.entries[name] = Entry(digest, artifact.digest, name, artifact.created)
        counted.source.seen[name] = artifact.created if older else max(seen, artifact.created)
        return
    counted.problems.append(f"{whose}: {problem}; nothing changes")
    if had is not None:
        counted.source.entries[name] = had
