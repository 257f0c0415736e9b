"""Every image of an index against one host: what has a say about each, the verdicts, and which is the best (DE1, DE6).

The platform is asked first: of an image whose platform misfits nothing else is read. Facts are read once for all of
them, and no document is compared twice.
"""

from __future__ import annotations

from hostfit.core import match
from hostfit.core.decision import Knobs, judge
from hostfit.core.document import BROKEN, IMAGE, MISSING, PRESENT, UNSYNCED, Document, Provenance
from hostfit.core.image import Resolution
from hostfit.core.platform import platform_spec
from hostfit.core.ranking import closeness, ranked, score
from hostfit.core.results import FIT, INVALID, MISFIT, worst
from hostfit.gate import evaluate
from hostfit.gate.deadline import Deadline
from hostfit.oci.request import Bundle, Request
from hostfit.sources import annotations as keys
from hostfit.sources import collect, proposals
from hostfit.sources.include import included
from hostfit.sources.proposals import Proposed
from hostfit.sources.store import SpecStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from hostfit.core.decision import Judgement
    from hostfit.core.facts import Feature
    from hostfit.core.ranking import Score
    from hostfit.core.results import SpecResult
    from hostfit.core.vocabulary import Lookup
    from hostfit.policy.model import Policy
    from hostfit.sources.index import Listing, Member

SECONDS = 10.0
"""For reading the facts of one host."""
_DESCRIPTORS = 64 << 10
"""Characters that the descriptors of one index may spend on hostfit, words that several share counted once."""
_NOTHING = Proposed()


class Choice:
    """One image of an index on one host.

    `rank` counts from 0, the best; `forms` are the working group's forms that were read; `unsynced` says that nobody
    has looked yet for specs that may be attached to it.
    """

    __slots__ = ("forms", "judgements", "member", "rank", "score", "unsynced")

    def __init__(
        self, member: Member, judgements: tuple[Judgement, ...], score: Score, forms: tuple[str, ...], unsynced: bool
    ) -> None:
        self.member = member
        self.judgements = judgements
        self.score = score
        self.forms = forms
        self.unsynced = unsynced
        self.rank = 0


class Chooser:
    """What is the same for every host: the index, the policy and the documents, each read once."""

    def __init__(
        self, listing: Listing, policy: Policy, *, var: str, prefer: Iterable[tuple[str, str]] = (), tag: str = ""
    ) -> None:
        self._listing = listing
        self._policy = policy
        self._var = var
        self._prefer = tuple(prefer)
        self._tag = tag or policy.tag

    def choices(self, host: Any) -> tuple[Choice, ...]:
        """Give the members of the index on one host, the best first; of equals the first of the index comes first."""
        asked = _Asked(self._tag)
        platforms = {one.position: _platform_documents(one) for one in self._listing.members}
        asked.read([one for each in platforms.values() for one in each], host)
        runs = [one for one in self._listing.members if asked.verdict(platforms[one.position]) not in (MISFIT, INVALID)]
        documents = self._documents(runs, host)
        asked.read([one for each in documents.values() for one in each], host)
        proposed = proposals.of_index(self._listing.data, lookup=host.lookup) if self._listing.data else {}
        found = []
        for member in self._listing.members:
            whole = platforms[member.position] + documents.get(member.position, ())
            judgements = tuple([asked.judged(one) for one in whole if one.state != UNSYNCED])
            said = proposed.get(member.position, _NOTHING)
            close = closeness(member.platform, asked.facts, features=said.features)
            met = len([1 for key, value in self._prefer if _has(member.descriptor.annotations, key, value)])
            results = [one.result for one in judgements if one.result is not None and not one.document.reported_only]
            total = score(_worst(judgements), results, close, preferred=met)
            forms = said.forms if member in runs else ()
            unsynced = any([one.state == UNSYNCED for one in whole])
            found.append(Choice(member, judgements, total, forms, unsynced))
        best_first = [found[index] for index in ranked([one.score for one in found])]
        for rank, choice in enumerate(best_first):
            choice.rank = rank
        return tuple(best_first)

    def _documents(self, members: list[Member], host: Any) -> dict[int, tuple[Document, ...]]:
        """What has a say about each of these members, beside its platform; the administrator may replace it all."""
        listing, store = self._listing, SpecStore(self._var)
        proposed = proposals.of_index(listing.data, lookup=host.lookup) if listing.data else {}
        common = self._common(host, store) if members else ()
        said = _Said(host.lookup, store)
        found = {}
        for member in members:
            own, replace = self._policy.documents(member.image(listing, whole=True))
            if replace:
                found[member.position] = own
                continue
            image = member.image(listing, whole=False)
            notes = keys.ours(member.descriptor.annotations)
            notes = {key: value for key, value in notes.items() if image.manifest_annotations.get(key) != value}
            of_descriptor = said.documents(notes, f"descriptor {member.descriptor.digest}")
            of_descriptor += proposed.get(member.position, _NOTHING).documents
            others = collect.documents(_REQUEST, Resolution("", image), lookup=host.lookup, var=self._var)
            found[member.position] = (*own, *common, *_with_included(of_descriptor, store), *others)
        return found

    def _common(self, host: Any, store: SpecStore) -> tuple[Document, ...]:
        """What the index says of all its members."""
        listing = self._listing
        if not listing.digest:
            return ()
        place = f"index {listing.digest}"
        of_index = keys.documents(
            listing.index.annotations, authority=IMAGE, place=place, lookup=host.lookup, store=store
        )
        attached = collect.looked_up((listing.digest,), store, "index ")[1]
        return _with_included((*of_index, *attached), store)


class _Said:
    """What descriptors say in hostfit's keys: the same words are read once, and all of them together have an end."""

    def __init__(self, lookup: Lookup, store: SpecStore) -> None:
        self._lookup = lookup
        self._store = store
        self._known: dict[tuple[tuple[str, str], ...], tuple[Document, ...]] = {}
        self._left = _DESCRIPTORS

    def documents(self, notes: Mapping[str, str], place: str) -> tuple[Document, ...]:
        """Give the documents that some annotations of a descriptor hold."""
        words = tuple(sorted(notes.items()))
        if words not in self._known:
            self._left -= sum([len(value) for value in notes.values()])
            if self._left < 0:
                reason = (
                    f"descriptors of one index: at most {_DESCRIPTORS} characters for hostfit are allowed, found more"
                )
                return (Document(Provenance(IMAGE, place), state=BROKEN, reason=reason),)
            self._known[words] = tuple(
                keys.documents(notes, authority=IMAGE, place=place, lookup=self._lookup, store=self._store)
            )
        return self._known[words]


class _Asked:
    """The facts of one host and what documents came to there; each fact and each comparison is made once."""

    def __init__(self, tag: str) -> None:
        self.facts: dict[str, Feature] = {}
        self._tag = tag
        self._results: dict[tuple[int, Provenance], tuple[object, Judgement]] = {}

    def read(self, documents: list[Document], host: Any) -> None:
        """Read the facts that these documents name."""
        fresh = {id(one.spec): one for one in documents if one.spec is not None}
        self.facts.update(evaluate.facts_for(tuple(fresh.values()), host, Deadline(SECONDS)))

    def judged(self, document: Document) -> Judgement:
        """Compare a document with the facts."""
        what = document if document.spec is None else document.spec
        key = (id(what), document.provenance)
        known = self._results.get(key)
        if known is None:
            result: SpecResult | None = None
            if document.state == PRESENT and document.spec is not None:
                result = match.evaluate(document.spec, self.facts, tag=evaluate.tag_for(document.spec, self._tag))
            known = self._results[key] = (what, judge(document, result, _KNOBS))
        return known[1]

    def verdict(self, documents: tuple[Document, ...]) -> str:
        """Give the worst verdict of some documents."""
        return _worst([self.judged(one) for one in documents])


_KNOBS = Knobs()
_REQUEST = Request(entry="check", verb="check", id="", bundle=Bundle(""))


def _with_included(documents: tuple[Document, ...], store: SpecStore) -> tuple[Document, ...]:
    including = [one for one in documents if one.spec is not None and one.spec.includes]
    return (*documents, *[further for one in including for further in included(one, store)])


def _platform_documents(member: Member) -> tuple[Document, ...]:
    platform, digest = member.platform, member.descriptor.digest
    if platform is None:
        reason = "neither the index nor a local copy says what it runs on"
        return (Document(Provenance(IMAGE, f"platform of image {digest}"), state=MISSING, reason=reason),)
    place = f"platform of descriptor {digest}"
    found = [Document(Provenance(IMAGE, place), spec=platform_spec(platform))]
    if platform.os == "linux" and platform.os_features:
        # Engines read these apart: containerd asks for each of them, Podman for none.
        reason = f"os.features: whether this host has {', '.join(platform.os_features)} depends on its engine"
        found.append(Document(Provenance(IMAGE, f"os.features of descriptor {digest}"), state=MISSING, reason=reason))
    return tuple(found)


def _worst(judgements: Iterable[Judgement]) -> str:
    return worst([one.verdict for one in judgements if not one.document.reported_only])


def _has(notes: Mapping[str, str], key: str, value: str) -> bool:
    return key in notes and (not value or notes[key] == value)


def best(found: Iterable[tuple[Choice, ...]]) -> tuple[int, Choice] | None:
    """Give the best pair of host, by its position, and image (DE1b); None where there is no image at all.

    Of equals the first host counts.
    """
    leading = [(position, choices[0]) for position, choices in enumerate(found) if choices]
    return max(leading, key=lambda pair: (pair[1].score.key(), -pair[0]), default=None)


def fits(choice: Choice) -> bool:
    """Whether the image is known to fit."""
    return choice.score.verdict == FIT
