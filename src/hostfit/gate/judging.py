"""What an image's documents say about one runtime: facts belong to a host and a runtime (design: facts)."""

from __future__ import annotations

from hostfit.core.results import MISFIT
from hostfit.gate import evaluate
from hostfit.policy.model import OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.decision import Judgement, Knobs
    from hostfit.core.document import Document
    from hostfit.core.image import Image, Resolution
    from hostfit.gate.deadline import Deadline
    from hostfit.oci.request import Request
    from hostfit.policy.model import Policy, RuntimeDefinition


class Question:
    """One request with everything that is known of it before a runtime is thought of.

    `image` is what scopes and images.d are asked about, `namespace` the pod's; `broken` are documents that say what
    could not be read of the image, `extra` those of the caller; `lifted` says that the break-glass file is there,
    `gpu` that the container is given an NVIDIA GPU under whatever runtime; `compare` is match.evaluate if it is None.
    """

    __slots__ = (
        "broken", "compare", "deadline", "extra", "gpu", "host", "image", "lifted", "namespace", "policy", "request",
        "resolution", "tag", "var",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - one caller, with names like these
        self,
        request: Request,
        policy: Policy,
        host: Any,
        var: str,
        tag: str,
        deadline: Deadline,
        *,
        extra: tuple[Document, ...] = (),
        lifted: bool = False,
        compare: Any = None,
    ) -> None:
        self.request = request
        self.policy = policy
        self.host = host
        self.var = var
        self.tag = tag
        self.deadline = deadline
        self.extra = extra
        self.lifted = lifted
        self.compare = compare
        self.gpu = False
        self.broken: tuple[Document, ...] = ()
        self.namespace = ""
        self.image: Image | None = None
        self.resolution: Resolution


class Judging:
    """Judges the documents of one question for any runtime; what runtimes have in common is read and compared once."""

    __slots__ = ("_documents", "_found", "_knobs", "question")

    def __init__(self, question: Question) -> None:
        self.question = question
        self._knobs: Knobs | None = None
        self._documents: dict[bool, tuple[Document, ...]] = {}
        self._found: dict[tuple[object, ...], tuple[Judgement, ...]] = {}

    def of(self, name: str, definition: RuntimeDefinition | None) -> tuple[Judgement, ...]:
        """Give the judgements for one runtime; `definition` is None where the policy does not know `name`."""
        gpu = self.question.gpu or gives_gpu(name, definition)
        own = definition is not None and definition.kernel == OWN
        # A hook does not know what the container runs on, and so not which platforms that runs.
        platforms = None if not name else definition.platforms if definition is not None else ()
        key = (gpu, name if own else "", platforms)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._judged(definition if own else None, platforms, gpu=gpu)
        return found

    def _judged(
        self, own: RuntimeDefinition | None, platforms: tuple[str, ...] | None, *, gpu: bool
    ) -> tuple[Judgement, ...]:  # fmt: skip
        asked = self.question
        host = asked.host
        if own is not None:
            from hostfit.gate.guest import Guest  # few runtimes have a kernel of their own

            host = Guest(host, own)
        documents = self.documents(gpu=gpu)
        if platforms:
            from hostfit.gate.platforms import narrowed  # few runtimes say which platforms they run

            documents = (*documents, *narrowed(asked, platforms))
        facts = evaluate.facts_for(documents, host, asked.deadline, platforms)
        if self._knobs is None:
            self._knobs = asked.policy.knobs(asked.image, asked.namespace)
        found = evaluate.judged(documents, facts, self._knobs, asked.tag, asked.deadline, compare=asked.compare)
        if "nvidia.driver" in facts and any([one.verdict == MISFIT for one in found]):
            from hostfit.gate.gpu import explain  # refusals of CUDA images only

            explain(found, host)
        return found

    def documents(self, *, gpu: bool = False) -> tuple[Document, ...]:
        """Give every document that has a say; those on a GPU are enforced where the runtime gives one, too."""
        found = self._documents.get(gpu)
        if found is None:
            asked = self.question
            own = asked.policy.documents(asked.image)
            gathered = evaluate.gathered(
                asked.request, asked.resolution, own, lookup=asked.host.lookup, var=asked.var,
                runtime=_NVIDIA if gpu else "", deadline=asked.deadline,
            )  # fmt: skip
            found = self._documents[gpu] = (*asked.broken, *gathered, *asked.extra)
        return found


_NVIDIA = "nvidia"


def gives_gpu(name: str, definition: RuntimeDefinition | None) -> bool:
    """Whether a runtime is NVIDIA's own, by its name or its program's; not where it is not known."""
    if not name:
        return False
    programs = definition.binaries if definition is not None else ()
    return _NVIDIA in name or any([one.endswith("/nvidia-container-runtime") for one in programs])
