"""One question to one answer: the gate's decision on live facts and a held policy, or the question handed back.

The service decides only what it sees as the launcher does. Where its own view may be narrower (a sandbox, a mount that
is not there, time that runs out) it says YOURSELF, and Python decides with the same code and everything that root sees.
"""

from __future__ import annotations

import importlib
import os
import time

from hostfit.core import flat, memo
from hostfit.core.document import DEPLOYER, Document, Provenance
from hostfit.core.errors import PolicyError
from hostfit.core.image import Resolution
from hostfit.core.paths import Paths
from hostfit.core.results import FIT, MISFIT
from hostfit.facts import vocabulary
from hostfit.gate import gate
from hostfit.gate.candidates import settled
from hostfit.gate.report import POLICY
from hostfit.gate.wording import wording
from hostfit.oci.bundle import read_bundle
from hostfit.oci.pod import is_id, sandbox_of
from hostfit.oci.request import Bundle, Request
from hostfit.oci.state import parse_state
from hostfit.service import wire
from hostfit.service.comparisons import Comparisons
from hostfit.service.live import DENIED
from hostfit.service.policies import Policies
from hostfit.service.programs import Programs
from hostfit.service.vocabulary import Vocabulary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.gate.report import Report
    from hostfit.service.live import LiveHost
    from hostfit.service.wire import Answer, Question

SECONDS = 0.15
"""Time for one decision: the others wait meanwhile, and the launcher waits 250 ms before it is told to wait."""
_CONFIG = 1 << 20
"""Bytes of a configuration; a longer one is Python's, so that a few of them do not fill the memory."""
_MEMO = 512 << 10
"""Characters of the texts of specs whose parsed form is kept."""
_TIDY = 64
"""Reports between two times of dropping the oldest, which takes a look at the names of all of them."""
_WARMING = 10.0
_LAZY = (
    "hostfit.core.nvidia",
    "hostfit.core.platform",
    "hostfit.gate.claims",
    "hostfit.gate.journal",
    "hostfit.gate.keep",
    "hostfit.gate.render",
    "hostfit.sources.containerimage",
    "hostfit.sources.docker",
    "hostfit.sources.elf",
    "hostfit.sources.include",
    "hostfit.sources.resolve",
    "hostfit.sources.storage",
)
"""Modules that other entry points import only where they need them."""
_EVERYTHING = (
    "kernel.version.full exists; kernel.loadedmodule.x exists; kernel.sysctl.kernel.ostype exists;"
    " cpu.cpuid.SSE2 exists; os.glibc.version exists; udev.device name=lo; network.link kind=none; pci.device vendor=0"
)
"""Asks for what is slow the first time; the answer does not matter."""
_YOURSELF = wire.Answer(wire.YOURSELF)


class Decider:
    """Decides with the facts of one host."""

    def __init__(self, paths: Paths, host: LiveHost) -> None:
        self.paths = paths
        self.own = Paths(paths.etc, f"{paths.run}/service", paths.var)
        """Where reports go: a service writes nowhere else."""
        self.host = host
        self.policies = Policies()
        self.programs = Programs(f"{paths.etc}/facts.d")
        self.vocabulary = Vocabulary(paths.etc, self.programs)
        self.comparisons = Comparisons()
        self._published = 0
        memo.enable(_MEMO)

    def warm(self) -> None:
        """Import and read before the first question what every question needs."""
        for name in _LAZY:
            importlib.import_module(name)
        request = Request(entry="hook", verb="create", id="", bundle=Bundle("/"))
        spec = flat.parse(_EVERYTHING, level="required", lookup=vocabulary.lookup, place="warming")
        document = Document(Provenance(DEPLOYER, "warming"), spec=spec)
        self.decide(request, seconds=_WARMING, resolution=Resolution(""), extra=(document,))

    def answer(self, question: Question, config: int) -> tuple[Answer, Report | None]:
        """Decide on one question; `config` is its configuration, open. The report, where there is one, is to be
        published by whoever delivers the answer. Raises nothing.
        """
        try:
            report = self._decided(question, config)
        except Exception:  # noqa: BLE001 - whatever a bundle does to one decision, the service goes on with the next
            report = None
        answer = _YOURSELF if report is None else _answer(question, report)
        return answer, None if answer.action == wire.YOURSELF else report

    def _decided(self, question: Question, config: int) -> Report | None:
        container = question.id
        if question.entry == wire.HOOK:
            state = parse_state(question.state)
            container = state.id
            if state.bundle != question.bundle:
                return None
        if not _seen_alike(question.bundle, config):
            return None
        bundle = read_bundle(question.bundle, fd=config)
        request = Request(
            entry=question.entry,
            verb=question.verb or "create",
            id=container,
            bundle=bundle,
            root=question.root,
            runtime=question.runtime,
            environ=question.environ,
        )
        return None if self._bound(request) else self.decide(request)

    def _bound(self, request: Request) -> bool:
        """Whether the answer depends on what the sandbox of a pod runs on, which only root can read."""
        sandbox = sandbox_of(request.bundle, request.id)
        if not sandbox or request.entry == wire.HOOK:
            return False
        try:
            return not is_id(sandbox) or not settled(request, self.policies.load(self.paths))
        except PolicyError:
            # That is told to whoever asks, whatever the sandbox runs on.
            return False

    def publish(self, report: Report) -> None:
        """Write the journal's entry and keep the report; of the oldest, some are dropped every now and then."""
        gate.publish(report, self.own, tidy=self._published % _TIDY == 0, sets=self.comparisons.sets)
        self._published += 1

    def decide(self, request: Request, *, seconds: float = SECONDS, **known: Any) -> Report | None:
        """Decide on a request; None where the answer may not be the one that Python would give."""
        start = time.monotonic()
        self.host.begin(self.vocabulary.current())
        report = gate.decide(
            request, self.paths, host=self.host, policies=self.policies, seconds=seconds,
            compare=self.comparisons.evaluate, **known,
        )  # fmt: skip
        late = time.monotonic() - start >= seconds
        narrow = report.error_kind not in ("", POLICY) or self._narrower(report) or self._store_is_hidden()
        return None if late or narrow else report

    def _store_is_hidden(self) -> bool:
        """Whether this process may not look into the spec store, where an image then looks as if it had no spec."""
        for name in ("specs", "looked-up"):
            try:
                os.stat(f"{self.paths.var}/{name}/sha256/.")
            except PermissionError:
                return True
            except OSError:
                continue
        return False

    def _narrower(self, report: Report) -> bool:
        """Whether something was refused to this process that root without bounds may do, and it mattered."""
        judgements = report.decision.judgements
        if report.error_kind == POLICY:
            return any([word in report.decision.error for word in DENIED])
        if any([word in one.reason for one in report.decision.candidates for word in DENIED]):
            return True
        if all([one.verdict in (FIT, MISFIT) for one in judgements]) and not report.resolution.unresolved:
            return False
        if self.host.refused or any([word in report.resolution.reason for word in DENIED]):
            return True
        return any([word in one.document.reason for one in judgements for word in DENIED])


def _answer(question: Question, report: Report) -> Answer:
    if not report.starts:
        return wire.Answer(wire.DENY, line=wording(report.line))
    fingerprint = report.request.bundle.fingerprint
    runtime = "" if question.entry == wire.HOOK else report.decision.runtime
    if question.entry != wire.HOOK and not runtime:
        return _YOURSELF
    sandbox = sandbox_of(report.request.bundle, report.request.id) if runtime else ""
    return wire.Answer(wire.START, runtime=runtime, digest=str(fingerprint[-1]), sandbox=sandbox)


def _seen_alike(bundle: str, config: int) -> bool:
    """Whether the bundle's path leads this process to the very file that the launcher has open."""
    given, found = os.fstat(config), os.stat(f"{bundle}/config.json")
    return (given.st_dev, given.st_ino) == (found.st_dev, found.st_ino) and given.st_size <= _CONFIG
