"""The report on one decision: the value that entry points act on, and the JSON tree that is kept and shown.

Texts from images, pods and hosts are escaped where the tree is built, so whoever prints a tree need not.
"""

from __future__ import annotations

import time

from hostfit.core import fastjson, limits
from hostfit.core.decision import DENY
from hostfit.core.results import FIT, INVALID, MISFIT
from hostfit.core.text import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hostfit.core.decision import Decision, Judgement
    from hostfit.core.image import Resolution
    from hostfit.core.results import ExpressionResult, RuleResult, SetResult, SpecResult, TermResult
    from hostfit.oci.request import Request

VERSION = "hostfit.report/v1"
POLICY, CRASH, RUNTIME = "policy", "internal", "runtime"
"""What `error_kind` can be besides empty."""
KEPT = "the break-glass file lifts only verdicts"
"""What an error that denies says where that file is there."""
_EXIT = {FIT: 0, MISFIT: 1, INVALID: 5}
_IMAGE_NAME = 512
"""Characters of an image name that are shown; reference names end at 255, a digest adds to that."""


class Report:
    """What was decided on one request, and everything that led to it.

    `line` is one ASCII line below 1 KiB for the engine's user; `runtime_path` what is to be executed, empty where
    nothing can be; `namespace` the pod's, where a CRI engine says so; `error_kind` is POLICY, CRASH or RUNTIME where
    `decision.error` is set; `traceback` is for the journal alone; `when` counts nanoseconds since 1970.
    """

    __slots__ = (
        "decision", "error_kind", "line", "namespace", "request", "resolution", "runtime_path", "traceback", "when",
    )  # fmt: skip

    def __init__(
        self,
        request: Request,
        resolution: Resolution,
        decision: Decision,
        *,
        line: str = "",
        runtime_path: str = "",
        namespace: str = "",
        error_kind: str = "",
        traceback: str = "",
        when: int = 0,
    ) -> None:
        self.request = request
        self.resolution = resolution
        self.decision = decision
        self.line = line
        self.runtime_path = runtime_path
        self.namespace = namespace
        self.error_kind = error_kind
        self.traceback = traceback
        self.when = when or time.time_ns()

    @property
    def starts(self) -> bool:
        """Whether the container is to start."""
        return self.decision.action != DENY

    @property
    def exit_code(self) -> int:
        """What `hostfit check` ends with: 0 fit, 1 misfit, 2 policy error, 3 unknown, 4 internal error, 5 invalid."""
        if self.error_kind == POLICY:
            return 2
        if self.error_kind == RUNTIME and self.decision.verdict == FIT:
            return 1
        return 4 if self.error_kind == CRASH else _EXIT.get(self.decision.verdict, 3)

    def tree(self) -> dict[str, Any]:
        """Give the report as the JSON document of `hostfit check --format json`, all texts escaped."""
        return {**self._head(), "documents": [document_tree(one) for one in self.decision.judgements]}

    def json(self, sets: Callable[[SpecResult], str] | None = None) -> str:
        """Give `tree` as JSON text. `sets` gives what sets_json does, for a caller that keeps such texts."""
        write = sets or sets_json
        documents = [
            _with(_document(one), "sets", write(one.result) if one.result is not None else "[]")
            for one in self.decision.judgements
        ]
        return _with(self._head(), "documents", f"[{','.join(documents)}]")

    def _head(self) -> dict[str, Any]:
        decision, image = self.decision, self.resolution.image
        return {
            "version": VERSION,
            "id": escape(self.request.id),
            "time": timestamp(self.when),
            "entry": self.request.entry,
            "verdict": decision.verdict,
            "action": decision.action,
            "starts": self.starts,
            "lifted": decision.lifted,
            "line": self.line,
            "error": escape(decision.error, limits.DIAGNOSTIC_LINE),
            "image": {
                "name": escape(image.name, _IMAGE_NAME) if image is not None else "",
                "digest": escape(image.digest) if image is not None else "",
                "engine": escape(self.resolution.engine),
                "store": escape(image.store) if image is not None else "",
                "reason": escape(self.resolution.reason),
            },
            "container": {
                "id": escape(self.request.id, 1024),
                "bundle": escape(self.request.bundle.path, 4096),
                "namespace": escape(self.namespace),
            },
            "runtime": {
                "name": escape(decision.runtime),
                "path": escape(self.runtime_path, 4096),
                "because": decision.because,
            },
            "candidates": [
                {"name": escape(one.name), "path": escape(one.path, 4096), "reason": escape(one.reason)}
                for one in decision.candidates
            ],
        }


def timestamp(nanoseconds: int) -> str:
    """Give a time since 1970 in RFC 3339 form, in UTC with milliseconds."""
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{rest // 1_000_000:03d}Z"


def document_tree(one: Judgement) -> dict[str, Any]:
    """Give one document with all that was compared, as reports have it, all texts escaped."""
    return {**_document(one), "sets": _sets(one.result) if one.result is not None else []}


def sets_json(result: SpecResult) -> str:
    """Give the sets of a result as reports have them, as JSON text."""
    return fastjson.dumps(_sets(result))


def _with(tree: dict[str, Any], key: str, text: str) -> str:
    """Write a tree that is not empty, with one more key whose value is JSON already."""
    return f'{fastjson.dumps(tree)[:-1]},"{key}":{text}}}'


def _sets(result: SpecResult) -> list[dict[str, Any]]:
    return [_set(each) for each in result.sets]


def _document(one: Judgement) -> dict[str, Any]:
    provenance, result = one.document.provenance, one.result
    return {
        "source": provenance.authority,
        "place": escape(provenance.place, _IMAGE_NAME),
        "digest": escape(provenance.digest),
        "signer": escape(provenance.signer),
        "state": one.document.state,
        "reason": escape(one.document.reason or (result.reason if result is not None else ""), limits.DIAGNOSTIC_LINE),
        "enforced": not one.document.reported_only,
        "verdict": one.verdict,
        "knob": one.knob,
        "action": one.action,
        "problems": [escape(str(problem), limits.DIAGNOSTIC_LINE) for problem in one.document.problems[:100]],
        "chosen": result.chosen if result is not None else None,
    }


def _set(one: SetResult) -> dict[str, Any]:
    return {
        "result": one.result,
        "weight": one.set.weight,
        "tag": escape(one.set.tag),
        "description": escape(one.set.description),
        "documentation": escape(one.set.documentation),
        "runtimes": [escape(name) for name in one.set.runtimes],
        "preferred": one.preferred,
        "rules": [_rule(each) for each in one.rules],
    }


def _rule(one: RuleResult) -> dict[str, Any]:
    return {
        "name": escape(one.rule.name),
        "level": one.rule.level,
        "documentation": escape(one.rule.documentation),
        "result": one.result,
        "applies": one.applies,
        "path": escape(one.rule.path),
        "expressions": _leaves(one.features),
        "any": [_leaves(branch) for branch in one.any],
        "when": _leaves(one.when),
    }


def _leaves(terms: tuple[TermResult, ...]) -> list[dict[str, Any]]:
    return [_leaf(leaf) for term in terms for leaf in term.expressions]


def _leaf(one: ExpressionResult) -> dict[str, Any]:
    return {
        "feature": escape(one.feature),
        "element": escape(one.element),
        "instance": escape(one.instance),
        "result": one.result,
        "required": escape(one.required),
        "observed": escape(one.observed),
        "reason": escape(one.reason),
        "path": escape(one.path),
    }
