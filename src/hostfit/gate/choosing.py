"""Choosing among all runtimes of the policy: what the request asks for, what each requires, what the image fits."""

from __future__ import annotations

from hostfit.core import choice, match
from hostfit.core.decision import DENY, WARN, Candidate, strictest
from hostfit.core.document import ADMINISTRATOR, ARTIFACT, DEPLOYER, IMAGE
from hostfit.core.results import FIT, MISFIT, UNKNOWN, worst
from hostfit.core.spec import CompatibilitySet, Spec
from hostfit.gate import asked as requests
from hostfit.gate.candidates import NOT_INSTALLED, candidate, entry_names
from hostfit.gate.judging import gives_gpu
from hostfit.gate.leaves import explaining
from hostfit.gate.pods import fixed
from hostfit.gate.render import leaf_text
from hostfit.sources.annotations import RUNTIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.choice import Choice
    from hostfit.core.decision import Judgement
    from hostfit.core.facts import Feature
    from hostfit.core.results import SpecResult
    from hostfit.core.spec import Rule
    from hostfit.gate.judging import Judging, Question
    from hostfit.policy.model import RuntimeDefinition


class Chosen:
    """A choice as the report needs it: `candidates` with the taken one first, its `path`, and the judgements on it.

    Where none was taken, `judgements` are those on the runtime that should have been, and `error` says why not,
    empty where that is the image. `asked` says whether anybody asked for another runtime than the entry's own.
    """

    __slots__ = ("asked", "because", "candidates", "error", "judgements", "path")

    def __init__(
        self,
        candidates: tuple[Candidate, ...],
        judgements: tuple[Judgement, ...],
        *,
        path: str = "",
        because: str = "",
        error: str = "",
        asked: bool = False,
    ) -> None:
        self.candidates = candidates
        self.judgements = judgements
        self.path = path
        self.because = because
        self.error = error
        self.asked = asked


def chosen(question: Question, judging: Judging) -> Chosen:
    """Choose the runtime for one question."""
    return _Choosing(question, judging).chosen()


class _Choosing:
    """One choice: turns request, policy, host and image into the values of hostfit.core.choice."""

    def __init__(self, question: Question, judging: Judging) -> None:
        self.question = question
        self.judging = judging
        self.request, self.policy = question.request, question.policy
        self.defaults = entry_names(self.request, self.policy)
        self.paths: dict[str, Candidate] = {}
        self._plain = requests.features(question)
        self._trusted = requests.features(question, trusted=True)
        self._runtimes = {name: one for name, one in self.policy.runtimes.items() if not one.shipped or self.here(one)}
        for name in (*self.defaults, self._requested()[0]):
            one = self.policy.runtime(name)
            if one is not None:
                self._runtimes[name] = one

    def chosen(self) -> Chosen:
        """Choose, and turn the result into candidates."""
        entry = self.policy.runtime(self.defaults[0])
        kind, bound, lost = fixed(self.request, self.policy, self.defaults[0])
        wanted = {name: self._wanted(one, entry) for name, one in self._runtimes.items()}
        # A GPU that was asked for is given, or nothing starts: it must not run without, where the driver is too old.
        self.question.gpu = any([wanted[name][0] and gives_gpu(name, one) for name, one in self._runtimes.items()])
        runtimes = {
            name: choice.Runtime(
                name, isolation=one.isolation, kind=one.kind, grants=one.grants, asked=wanted[name][1],
                wanted=wanted[name][0], instead=one.instead,
            )
            for name, one in self._runtimes.items()
        }  # fmt: skip
        requested, certain = self._requested()
        wish = choice.Wish(
            self.defaults[0],
            bound or self.defaults,
            requested=requested,
            certain=certain,
            preferred=self._preferred(),
            allowed=self.policy.allowed_for(self.question.image, self.question.namespace),
            kind=kind,
        )
        found = choice.choose(wish, runtimes, self.assess)
        return self._result(found, lost, asked=bool(requested) or any([one for one, _ in wanted.values()]))

    def _result(self, found: Choice, lost: str, *, asked: bool) -> Chosen:
        path = self.path(found.name).path if found.name else ""
        missing = [
            Candidate(name, "", NOT_INSTALLED) for name in self.policy.runtimes if name not in self._runtimes
        ]  # fmt: skip
        others = [Candidate(name, self.paths[name].path if name in self.paths else "", reason)
                  for name, reason in found.reasons.items()]  # fmt: skip
        taken = [Candidate(found.name, path)] if found.name else []
        judgements = self.judging.of(found.about, self._runtimes.get(found.about))
        return Chosen(
            (*taken, *others, *missing), judgements, path=path, because=found.because, error=lost or found.error,
            asked=asked or bool(lost),
        )  # fmt: skip

    def here(self, one: RuntimeDefinition) -> bool:
        """Whether a runtime that hostfit ships a definition of is on this host at all."""
        return self.path(one.name).reason != NOT_INSTALLED

    def path(self, name: str) -> Candidate:
        """Give what would be executed for a runtime, or why nothing can."""
        if name not in self.paths:
            definition = self.policy.runtime(name)
            if definition is None:
                self.paths[name] = Candidate(name, "", "no such runtime in the policy")
            elif getattr(self.question.host, "live", True):
                self.paths[name] = candidate(definition, self.request.entry)
            else:
                from hostfit.gate.elsewhere import candidate as recorded  # a host that is not this one

                self.paths[name] = recorded(definition, self.question.host)
        return self.paths[name]

    def assess(self, name: str) -> choice.Assessment:
        """Say what host and image make of one runtime; what costs most comes last."""
        definition = self._runtimes[name]
        default = name in self.defaults
        reason = self.path(name).reason
        if not reason and definition.requires:
            reason = self._requires(definition.requires, default=default)
        if reason and not default:
            return choice.Assessment(reason)
        judgements = [one for one in self.judging.of(name, definition) if not one.document.reported_only]
        verdict = worst([one.verdict for one in judgements])
        action = strictest(tuple([one.action for one in judgements]))
        if self.question.lifted and action == DENY:
            action = WARN
        misfit = "" if verdict == FIT else _misfit(judgements, verdict)
        return choice.Assessment(reason, verdict=verdict, action=action, misfit=misfit)

    def _requires(self, rules: tuple[Rule, ...], *, default: bool) -> str:
        """Why what a runtime requires of the host does not hold; unknown is no reason against the entry's default."""
        spec = Spec((CompatibilitySet(rules),))
        found = self._evaluated(spec, self._plain)
        if found.verdict == FIT or (default and found.verdict == UNKNOWN):
            return ""
        leaves = explaining(found)
        return "requires " + (leaf_text(leaves[0]) if leaves else found.verdict)

    def _wanted(self, one: RuntimeDefinition, entry: RuntimeDefinition | None) -> tuple[bool, bool]:
        """Whether requests like this are for a runtime, and whether anybody but the image made it one.

        A rule that cannot be determined counts for a runtime that isolates more than the entry's own: what is not
        known must not lower anything. Nor must what the image says, where a rule excludes it.
        """
        if not one.when:
            return False, False
        spec = Spec((CompatibilitySet(one.when),))
        if one.grants and not one.from_image:
            sure = self._evaluated(spec, self._trusted).verdict == FIT
            return sure, sure
        verdict = self._evaluated(spec, self._plain).verdict
        stricter = entry is not None and one.isolation > entry.isolation and not one.grants
        if stricter and verdict == MISFIT:
            verdict = self._evaluated(spec, requests.without_image(self._trusted)).verdict
        return verdict == FIT or (stricter and verdict == UNKNOWN), verdict == FIT

    def _evaluated(self, spec: Spec, requested: dict[str, Feature]) -> SpecResult:
        from hostfit.core.facts import Wanted  # see evaluate.facts_for
        from hostfit.gate import evaluate  # as above

        wanted = Wanted({
            name.lower(): elements for name, elements in spec.wanted().elements.items() if name.lower() not in requested
        })  # fmt: skip
        host = evaluate.features(wanted, self.question.host, self.question.deadline) if wanted.elements else {}
        return match.evaluate(spec, {**host, **requested})

    def _requested(self) -> tuple[str, bool]:
        """The deployer's request for a runtime, and whether it is certain that the image did not write it."""
        request, resolution = self.request, self.question.resolution
        name = request.bundle.annotations.get(RUNTIME, "")
        image = resolution.image
        said = () if image is None else (image.manifest_annotations, image.index_annotations, image.labels)
        # Podman 4.3 alone copies an image's annotations into the bundle, but an image that is not known proves nothing.
        theirs = resolution.untold or (
            resolution.engine in ("podman", "") and any([one.get(RUNTIME) == name for one in said])
        )
        return name, not theirs

    def _preferred(self) -> tuple[str, ...]:
        """The preference of the administrator's and the deployer's documents, and where it is trusted the image's.

        Of what was fetched for an image only what a signer of the administrator's signed chooses anything (SEC1).
        """
        trusted = [ADMINISTRATOR, DEPLOYER]
        policy, asked = self.policy, self.question
        if policy.preference_for(asked.image, asked.namespace):
            trusted += [IMAGE, ARTIFACT]
        found: list[str] = []
        for one in self.judging.documents():
            unsigned = one.provenance.authority == ARTIFACT and not one.provenance.signer
            if one.spec is not None and one.provenance.authority in trusted and not (one.reported_only or unsigned):
                found += [name for each in one.spec.sets for name in each.runtimes]
        return tuple(dict.fromkeys(found))


def _misfit(judgements: list[Judgement], verdict: str) -> str:
    """Say in a few words what is wrong between an image and a runtime."""
    one = next(one for one in judgements if one.verdict == verdict)
    leaves = explaining(one.result) if one.result is not None else ()
    if leaves:
        return leaf_text(leaves[0])
    word = "does not fit" if verdict == MISFIT else verdict
    return f"{one.document.provenance.place}: {one.document.reason or word}"
