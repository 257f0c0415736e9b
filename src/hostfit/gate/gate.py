"""One request, one decision, one report: what every entry point of hostfit calls.

The order is fixed: break-glass file, policy, image, documents, facts, comparison, decision. Nothing that is read on
the way can make it raise; what crashes denies, and says so.
"""

from __future__ import annotations

from hostfit.core.decision import DENY, failed
from hostfit.core.decision import decide as combine
from hostfit.core.errors import PolicyError
from hostfit.core.image import Resolution
from hostfit.core.results import FIT
from hostfit.gate import evaluate, words
from hostfit.gate.candidates import candidates_for
from hostfit.gate.deadline import SECONDS, Deadline, Expired
from hostfit.gate.report import CRASH, POLICY, RUNTIME, Report
from hostfit.policy import load
from hostfit.policy.model import OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.decision import Candidate, Decision
    from hostfit.core.document import Document
    from hostfit.core.paths import Paths
    from hostfit.oci.request import Request
    from hostfit.policy.model import Policy

CHECK_ENTRY = "check"
CHECK_SECONDS = 60.0
RUNTIME_ENTRY = "runtime"
"""The entry point that executes a runtime itself, and so needs one that can be executed."""


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
) -> Report:
    """Decide on one request. Never raises for anything that was read: a crash is a denial.

    `host` answers `.read(wanted)` and `.lookup(feature)`; by default it is the machine this runs on. `tag` chooses
    among the sets of specs; by default the policy's. A caller that knows the image gives its `resolution`, and one
    that has further documents gives them as `extra`; those hold whatever else does. `policies` answers load and
    disabled as hostfit.policy.load does; `seconds` is the time there is, by default that of the entry point.
    """
    lifted = False
    try:
        lifted = policies.disabled(paths)
        policy = policies.load(paths)
        if host is None:
            from hostfit.facts.host import Host  # callers with a host of their own need no probes

            host = Host(etc=paths.etc)
        asked = _Asked(request, policy, paths.var, tag or policy.tag, resolution, extra, seconds)
        return _decide(asked, host, lifted=lifted)
    except PolicyError as error:
        return _without_policy(request, error, lifted)
    except (Exception, Expired) as error:  # noqa: BLE001 - whatever it is, a container must not start because of it
        return _crashed(request, paths, error, lifted)


def publish(report: Report, paths: Paths) -> None:
    """Write the journal's entry and keep the report. Failures of either change nothing and are not reported."""
    from hostfit.gate import journal, keep  # the report comes first, and is complete without them

    try:
        tree = report.tree()
    except Exception:  # noqa: BLE001 - a decision stands even if it cannot be told whole
        tree = {}
    for step in (journal.send, keep.keep):
        try:
            step(report, tree, paths)
        except Exception:  # noqa: BLE001, S112 - a full disk or a dead journal must not stop a container
            continue


class _Asked:
    """One request with what its caller knows already."""

    __slots__ = ("extra", "policy", "request", "resolution", "seconds", "tag", "var")

    def __init__(  # noqa: PLR0917 - one caller, with names like these
        self,
        request: Request,
        policy: Policy,
        var: str,
        tag: str,
        resolution: Resolution | None,
        extra: tuple[Document, ...],
        seconds: float,
    ) -> None:
        # Nobody waits in the middle of a start for the answer to a person's question.
        self.seconds = seconds or (CHECK_SECONDS if request.entry == CHECK_ENTRY else SECONDS)
        self.request = request
        self.policy = policy
        self.var = var
        self.tag = tag
        self.resolution = resolution
        self.extra = extra


def _decide(asked: _Asked, host: Any, *, lifted: bool) -> Report:
    request, policy = asked.request, asked.policy
    deadline = Deadline(asked.seconds)
    candidates, runtime_path = candidates_for(request, policy)
    host = _as_seen(host, candidates, policy)
    broken: tuple[Document, ...] = ()
    resolution = asked.resolution
    if resolution is None:
        resolution, broken = evaluate.resolved(request, deadline)
    namespace, image = "", resolution.image
    if resolution.engine:
        from hostfit.gate.claims import image_of, namespace_of  # plain bundles claim nothing

        namespace, image = namespace_of(request, resolution), image_of(request, resolution)
    own = policy.documents(image)
    # A hook runs below whatever runtime the engine chose, which need not be the policy's.
    runtime = _chosen(candidates) if request.entry == RUNTIME_ENTRY else request.runtime
    found = evaluate.gathered(
        request, resolution, own, lookup=host.lookup, var=asked.var, runtime=runtime, deadline=deadline
    )
    documents = (*broken, *found, *asked.extra)
    facts = evaluate.facts_for(documents, host, deadline)
    knobs = policy.knobs(image, namespace)
    judgements = evaluate.judged(documents, facts, knobs, asked.tag, deadline)
    decision = combine(judgements, candidates=candidates, lifted=lifted)
    if request.entry == RUNTIME_ENTRY and not runtime_path and decision.action != DENY:
        # Nothing can be executed: no break-glass file lifts that. A refusal keeps its own reason.
        decision = failed(
            _none_usable(candidates), verdict=decision.verdict, judgements=judgements, candidates=candidates
        )
    return _report(
        request,
        resolution,
        decision,
        runtime_path=runtime_path,
        namespace=namespace,
        error_kind=RUNTIME if decision.error else "",
    )


def _as_seen(host: Any, candidates: tuple[Candidate, ...], policy: Policy) -> Any:
    """The host as containers of the chosen runtime see it."""
    name = _chosen(candidates) or policy.default
    runtime = policy.runtimes.get(name)
    if runtime is None or runtime.kernel != OWN:
        return host
    from hostfit.gate.guest import Guest  # few runtimes have a kernel of their own

    return Guest(host, runtime)


def _chosen(candidates: tuple[Candidate, ...]) -> str:
    return next((one.name for one in candidates if not one.reason), "")


def _report(request: Request, resolution: Resolution, decision: Decision, **fields: Any) -> Report:
    return Report(request, resolution, decision, line=_line(request, resolution, decision), **fields)


def _line(request: Request, resolution: Resolution, decision: Decision) -> str:
    if not decision.error and all([one.verdict == FIT for one in decision.judgements]):
        return words.line(f"hostfit: {words.subject(request, resolution)} fits this host")
    from hostfit.gate.render import first_line  # most containers fit

    return first_line(request, resolution, decision)


def _none_usable(candidates: tuple[Candidate, ...]) -> str:
    reasons = [f"{one.name}: {one.reason}" for one in candidates]
    return "no OCI runtime can be used: " + ("; ".join(reasons) or "none is defined")


def _without_policy(request: Request, error: PolicyError, lifted: bool) -> Report:
    """A policy that cannot be used denies; the break-glass file lifts that only where the policy's runtimes, and so
    the isolation that it asks for, are known all the same.
    """
    salvaged: Policy | None = getattr(error, "salvaged", None)
    candidates, runtime_path = candidates_for(request, salvaged) if lifted and salvaged is not None else ((), "")
    lifts = lifted and (request.entry != RUNTIME_ENTRY or bool(runtime_path))
    decision = failed(f"policy cannot be used: {error.message}", candidates=candidates, lifted=lifts)
    return _report(request, Resolution(""), decision, runtime_path=runtime_path, error_kind=POLICY)


def _crashed(request: Request, paths: Paths, error: BaseException, lifted: bool) -> Report:
    import traceback  # for the journal of a crash only

    candidates: tuple[Candidate, ...] = ()
    runtime_path = ""
    if lifted:
        try:
            candidates, runtime_path = candidates_for(request, load.load(paths))
        except Exception:  # noqa: BLE001 - then the floor is not known, and it stays a denial
            candidates = ()
    lifts = lifted and (request.entry != RUNTIME_ENTRY or bool(runtime_path))
    text = "".join(traceback.format_exception(error))
    decision = failed(
        f"internal error ({type(error).__name__}); the journal has it", candidates=candidates, lifted=lifts
    )
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
        traceback=text,
    )
