"""From verdicts to one decision: each document is judged by its own knob, and the strictest action wins."""

from __future__ import annotations

from hostfit.core.document import BROKEN, MISSING, UNSYNCED
from hostfit.core.results import FIT, INVALID, MISFIT, UNKNOWN, worst

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.document import Document
    from hostfit.core.results import SpecResult

ALLOW, WARN, DENY = "allow", "warn", "deny"
ACTIONS = (ALLOW, WARN, DENY)
"""In rising strictness."""


class Knobs:
    """What the administrator wants done in the four cases that are no plain fit, each one of ACTIONS."""

    __slots__ = ("on_error", "on_misfit", "on_unknown", "on_unsynced")

    def __init__(
        self, on_misfit: str = DENY, on_unknown: str = WARN, on_unsynced: str = WARN, on_error: str = DENY
    ) -> None:
        self.on_misfit = on_misfit
        self.on_unknown = on_unknown
        self.on_unsynced = on_unsynced
        self.on_error = on_error

    def _key(self) -> tuple[str, str, str, str]:
        return (self.on_misfit, self.on_unknown, self.on_unsynced, self.on_error)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Knobs) and other._key() == self._key()

    def __hash__(self) -> int:
        return hash(self._key())


class Judgement:
    """One document, its verdict, and the action its knob asks for; `knob` is empty where the verdict is fit."""

    __slots__ = ("action", "document", "knob", "result", "verdict")

    def __init__(
        self, document: Document, verdict: str, action: str, knob: str, result: SpecResult | None = None
    ) -> None:
        self.document = document
        self.verdict = verdict
        self.action = action
        self.knob = knob
        self.result = result


def judge(document: Document, result: SpecResult | None, knobs: Knobs) -> Judgement:
    """Give the judgement on one document; `result` is None where its state is not PRESENT."""
    if document.state == BROKEN:
        verdict, knob = INVALID, "on_error"
    elif document.state == UNSYNCED:
        verdict, knob = UNKNOWN, "on_unsynced"
    elif document.state == MISSING or result is None:
        verdict, knob = UNKNOWN, "on_unknown"
    else:
        verdict = result.verdict
        knob = {MISFIT: "on_misfit", UNKNOWN: "on_unknown", INVALID: "on_error"}.get(verdict, "")
    action = ALLOW if not knob or document.reported_only else getattr(knobs, knob)
    return Judgement(document, verdict, action, knob, result)


class Candidate:
    """A runtime that was considered: its name, the binary or shim that would be executed, and why not, if so.

    An empty `reason` means that it may take the container.
    """

    __slots__ = ("name", "path", "reason")

    def __init__(self, name: str, path: str = "", reason: str = "") -> None:
        self.name = name
        self.path = path
        self.reason = reason

    def _key(self) -> tuple[str, str, str]:
        return (self.name, self.path, self.reason)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidate) and other._key() == self._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Candidate{self._key()!r}"


class Decision:
    """What is to happen, and why.

    `action` is the strictest of the judgements'; `verdict` the worst of the enforced documents; `lifted` is set
    when the break-glass file turned a denial into a start; `error` is one line about what could not be evaluated at
    all (a crash, a broken policy), empty otherwise. `runtime` names the runtime that takes the container, empty where
    none of the `candidates` can, and `because` says why it was taken.
    """

    __slots__ = ("action", "because", "candidates", "error", "judgements", "lifted", "runtime", "verdict")

    def __init__(
        self,
        action: str,
        verdict: str,
        judgements: tuple[Judgement, ...],
        *,
        runtime: str = "",
        candidates: tuple[Candidate, ...] = (),
        lifted: bool = False,
        error: str = "",
        because: str = "",
    ) -> None:
        self.action = action
        self.verdict = verdict
        self.judgements = judgements
        self.runtime = runtime
        self.candidates = candidates
        self.lifted = lifted
        self.error = error
        self.because = because


def strictest(actions: tuple[str, ...]) -> str:
    """The strictest of some actions; of none it is ALLOW."""
    return max(actions, key=ACTIONS.index, default=ALLOW)


def decide(
    judgements: tuple[Judgement, ...],
    *,
    candidates: tuple[Candidate, ...] = (),
    lifted: bool = False,
    because: str = "",
) -> Decision:
    """Combine the judgements on all documents of one container into one decision.

    The first candidate without a reason against it takes the container. `lifted` says that the break-glass file is
    there: a denial becomes a warning, the verdict stays what it is.
    """
    enforced = [one for one in judgements if not one.document.reported_only]
    action = strictest(tuple([one.action for one in enforced]))
    verdict = worst([one.verdict for one in enforced]) if enforced else FIT
    lifts = lifted and action == DENY
    runtime = next((one.name for one in candidates if not one.reason), "")
    return Decision(
        WARN if lifts else action,
        verdict,
        judgements,
        runtime=runtime,
        candidates=candidates,
        lifted=lifts,
        because=because,
    )


def failed(
    error: str,
    *,
    verdict: str = UNKNOWN,
    judgements: tuple[Judgement, ...] = (),
    candidates: tuple[Candidate, ...] = (),
    lifted: bool = False,
) -> Decision:
    """Give the decision where something could not be evaluated at all: a denial, unless the break-glass file is there
    and a runtime is known.
    """
    runtime = next((one.name for one in candidates if not one.reason), "")
    return Decision(
        WARN if lifted else DENY,
        verdict,
        judgements,
        runtime=runtime,
        candidates=candidates,
        lifted=lifted,
        error=error,
    )
