"""One request, one decision, one report: what every entry point of hostfit calls.

The order is fixed: break-glass file, policy, image, documents, facts, comparison, decision. Nothing that is read on
the way can make it raise; what crashes denies, and says so.
"""

from __future__ import annotations

from hostfit.core.decision import DENY, failed
from hostfit.core.decision import decide as combine
from hostfit.core.errors import PolicyError
from hostfit.core.image import Resolution
from hostfit.core.results import FIT, MISFIT
from hostfit.gate import evaluate, words
from hostfit.gate.candidates import SHIM_ENTRY, candidates_for, none_usable, settled
from hostfit.gate.deadline import SECONDS, Deadline, Expired
from hostfit.gate.judging import Judging, Question
from hostfit.gate.report import CRASH, KEPT, POLICY, RUNTIME, Report
from hostfit.policy import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hostfit.core.decision import Candidate, Decision, Judgement
    from hostfit.core.document import Document
    from hostfit.core.paths import Paths
    from hostfit.core.results import SpecResult
    from hostfit.oci.request import Request
    from hostfit.policy.model import Policy

CHECK_ENTRY = "check"
CHECK_SECONDS = 60.0
RUNTIME_ENTRY, HOOK_ENTRY = "runtime", "hook"
EXECUTING = (RUNTIME_ENTRY, SHIM_ENTRY)
"""The entry points that execute a runtime or shim themselves, and so need one that can be executed."""


def decide(
    request: Request,
    paths: Paths,
    *,
    host: Any = None,
    tag: str = "",
    resolution: Resolution | None = None,
    extra: tuple[Document, ...] = (),
    policies: Any = load,
    seconds: float = 0.0,
    compare: Any = None,
) -> Report:
    """Decide on one request. Never raises for anything that was read: a crash is a denial.

    `host` answers `.read(wanted)` and `.lookup(feature)`; by default it is the machine this runs on. `tag` chooses
    among the sets of specs; by default the policy's. A caller that knows the image gives its `resolution`, and one
    that has further documents gives them as `extra`; those hold whatever else does. `policies` answers load and
    disabled as hostfit.policy.load does; `seconds` is the time there is, by default that of the entry point; `compare`
    answers as hostfit.core.match.evaluate does, which it is by default.
    """
    lifted = False
    try:
        lifted = policies.disabled(paths)
        policy = policies.load(paths)
        if request.bundle.problem and request.entry in EXECUTING:
            why = _unjudged(request, policy)[2]
            if why:
                problem = _kept(request.bundle.problem, why, lifted)
                return _report(request, Resolution(""), failed(problem), error_kind=RUNTIME)
        if host is None:
            from hostfit.facts.host import Host  # callers with a host of their own need no probes

            host = Host(etc=paths.etc)
        # Nobody waits in the middle of a start for the answer to a person's question.
        deadline = Deadline(seconds or (CHECK_SECONDS if request.entry == CHECK_ENTRY else SECONDS))
        question = Question(
            request, policy, host, paths.var, tag or policy.tag, deadline, extra=extra, lifted=lifted, compare=compare
        )  # fmt: skip
        deadline.arm()
        try:
            return _decide(question, resolution)
        finally:
            deadline.disarm()
    except PolicyError as error:
        return _without_policy(request, error, lifted)
    except (Exception, Expired) as error:  # noqa: BLE001 - whatever it is, a container must not start because of it
        return _crashed(request, paths, error, lifted)


def publish(
    report: Report, paths: Paths, *, tidy: bool = True, sets: Callable[[SpecResult], str] | None = None
) -> None:
    """Write the journal's entry and keep the report. Failures of either change nothing and are not reported.

    Without `tidy` the oldest reports stay, for a caller that drops them by itself (hostfit.gate.keep.prune);
    `sets` is for one that keeps texts, as Report.json takes it.
    """
    from hostfit.gate import journal, keep  # the report comes first, and is complete without them

    try:
        text = report.json(sets)
    except Exception:  # noqa: BLE001 - a decision stands even if it cannot be told whole
        text = ""
    for step in (journal.send, lambda *given, text: keep.keep(*given, text=text, tidy=tidy)):
        try:
            step(report, {}, paths, text=text)
        except Exception:  # noqa: BLE001, S112 - a full disk or a dead journal must not stop a container
            continue


def _decide(question: Question, resolution: Resolution | None) -> Report:
    request, policy, lifted = question.request, question.policy, question.lifted
    if resolution is None:
        resolution, question.broken = evaluate.resolved(request, question.deadline)
    question.resolution, question.image = resolution, resolution.image
    if resolution.engine:
        from hostfit.gate.claims import image_of, namespace_of  # plain bundles claim nothing

        question.namespace, question.image = namespace_of(request, resolution), image_of(request, resolution)
    judging = Judging(question)
    candidates, runtime_path = candidates_for(request, policy)
    error = because = ""
    # A hook runs below whatever runtime the engine chose, which need not be the policy's.
    name = request.runtime if request.entry == HOOK_ENTRY else _chosen(candidates) or policy.default
    judgements = judging.of(name, policy.runtime(name or policy.default))
    if request.entry != HOOK_ENTRY and _open(question, judgements, runtime_path):
        from hostfit.gate.choosing import chosen  # most containers take the entry's own runtime

        found = chosen(question, judging)
        candidates, runtime_path, judgements = found.candidates, found.path, found.judgements
        because, error = found.because, found.error
        if request.entry == CHECK_ENTRY and not found.asked and not _shows_runtimes(question.host):
            # Whoever only asks about an image need not have a runtime.
            error = ""
    decision = combine(judgements, candidates=candidates, lifted=lifted, because=because)
    if not runtime_path and decision.action != DENY:
        if request.entry in EXECUTING and not error:
            error = none_usable(candidates)
        if error:
            # Nothing can be executed: no break-glass file lifts that. A refusal keeps its own reason.
            error = _kept(error, "", lifted)
            decision = failed(error, verdict=decision.verdict, judgements=judgements, candidates=candidates)
    return _report(
        request,
        resolution,
        decision,
        runtime_path=runtime_path,
        namespace=question.namespace,
        error_kind=RUNTIME if decision.error else "",
    )


def _open(question: Question, judgements: tuple[Judgement, ...], path: str) -> bool:
    """Whether another runtime than the entry's own may take the container."""
    request, policy = question.request, question.policy
    if request.entry == CHECK_ENTRY or not path or not settled(request, policy):
        return True
    for one in judgements:
        spec = one.document.spec
        if one.verdict == MISFIT or (spec is not None and any([each.runtimes for each in spec.sets])):
            return True
    return False


def _shows_runtimes(host: Any) -> bool:
    if getattr(host, "live", True):
        return False
    from hostfit.gate.elsewhere import has_runtimes  # a host that is not this one

    return has_runtimes(host)


def _chosen(candidates: tuple[Candidate, ...]) -> str:
    return next((one.name for one in candidates if not one.reason), "")


def _report(request: Request, resolution: Resolution, decision: Decision, **fields: Any) -> Report:
    return Report(request, resolution, decision, line=_line(request, resolution, decision), **fields)


def _line(request: Request, resolution: Resolution, decision: Decision) -> str:
    if not decision.error and all([one.verdict == FIT for one in decision.judgements]):
        return words.line(f"hostfit: {words.subject(request, resolution)} fits this host")
    from hostfit.gate.render import first_line  # most containers fit

    return first_line(request, resolution, decision)


def _unjudged(request: Request, policy: Policy) -> tuple[tuple[Candidate, ...], str, str]:
    from hostfit.gate.unjudged import unjudged  # with the break-glass file only

    return unjudged(request, policy)


def _kept(error: str, why: str, lifted: bool) -> str:
    """An error that denies, with why the break-glass file does not lift it, where it is there."""
    if not lifted:
        return error
    return f"{error}; {KEPT}" + (f", and {why}" if why else "")


def _without_policy(request: Request, error: PolicyError, lifted: bool) -> Report:
    """A policy that cannot be used denies; the break-glass file lifts that only where the policy's runtimes, and so
    the isolation that it asks for, are known all the same, and none of them but the entry's own can be demanded.
    """
    salvaged: Policy | None = getattr(error, "salvaged", None)
    candidates: tuple[Candidate, ...] = ()
    runtime_path, why = "", "which runtimes it demands is not known"
    if lifted and salvaged is not None:
        candidates, runtime_path, why = _unjudged(request, salvaged)
    lifts = lifted and (request.entry not in EXECUTING or bool(runtime_path))
    text = f"policy cannot be used: {error.message}"
    decision = failed(text if lifts else _kept(text, why, lifted), candidates=candidates, lifted=lifts)
    return _report(request, Resolution(""), decision, runtime_path=runtime_path, error_kind=POLICY)


def _crashed(request: Request, paths: Paths, error: BaseException, lifted: bool) -> Report:
    import traceback  # for the journal of a crash only

    candidates: tuple[Candidate, ...] = ()
    runtime_path, why = "", "which runtimes the policy demands is not known"
    if lifted:
        try:
            candidates, runtime_path, why = _unjudged(request, load.load(paths))
        except Exception:  # noqa: BLE001 - then the floor is not known, and it stays a denial
            candidates = ()
    lifts = lifted and (request.entry not in EXECUTING or bool(runtime_path))
    stack = "".join(traceback.format_exception(error))
    text = f"internal error ({type(error).__name__}); the journal has it"
    decision = failed(text if lifts else _kept(text, why, lifted), candidates=candidates, lifted=lifts)
    try:
        line = _line(request, Resolution(""), decision)
    except Exception:  # noqa: BLE001 - the renderer itself may be what crashed
        line = "hostfit: internal error; the journal has it"
    return Report(
        request,
        Resolution(""),
        decision,
        line=line,
        runtime_path=runtime_path if decision.action != DENY else "",
        error_kind=CRASH,
        traceback=stack,
    )
