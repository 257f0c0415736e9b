"""From the bytes of a document, JSON or YAML, to a checked spec."""

from __future__ import annotations

from hostfit.core import fastjson, limits
from hostfit.core.check import check
from hostfit.core.errors import SpecError
from hostfit.core.problem import Problem, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.spec import Spec
    from hostfit.core.vocabulary import Lookup

_HINT = "hostfit lint shows every problem of a document"


def read_spec(data: bytes | str, *, place: str, lookup: Lookup | None = None, yaml: bool = True) -> Spec:
    """Read a document, check it whole and give the spec; `place` says in messages where it came from.

    With `lookup`, features and elements outside the vocabulary are problems too (lint). With `yaml=False` only
    JSON is taken, as in annotations. Raises SpecError whose `problems` lists everything that is wrong.
    """
    tree, lines, problem = read_tree(data, yaml=yaml)
    if problem is not None:
        raise SpecError(summary(place, (problem,)), (problem,), hint=_HINT)
    spec, problems = check(tree, lookup=lookup, lines=lines)
    if spec is None:
        raise SpecError(summary(place, problems), problems, hint=_HINT)
    return spec


def read_tree(data: bytes | str, *, yaml: bool = True) -> tuple[Any, dict[str, int], Problem | None]:
    """Give the plain tree of a document and the lines of its paths (none for JSON), or the problem that prevents it.

    What starts with a brace is JSON unless it is none by its syntax; a YAML mapping may start so, too.
    """
    try:
        raw = data.encode() if isinstance(data, str) else data
        text = raw.decode()
    except UnicodeError:
        return None, {}, Problem("", "text in UTF-8 is required, found other bytes")
    if len(raw) > limits.DOCUMENT:
        return None, {}, Problem("", f"at most {limits.DOCUMENT} bytes are allowed, found {len(raw)}")
    text = text.removeprefix("\ufeff")
    problem = None
    if not yaml or text.lstrip()[:1] == "{":
        try:
            return fastjson.loads(text.encode(), what="JSON"), {}, None
        except ValueError as error:
            problem = Problem("", str(error).removeprefix("JSON: "))
        if not yaml or not problem.message.startswith("not valid JSON"):
            return None, {}, problem
    try:
        from hostfit.core import yamltree  # cold

        tree, lines = yamltree.load(text)
    except ImportError:
        return None, {}, problem or Problem("", "JSON is required here, for no YAML reader is installed")
    except ValueError as error:
        line = getattr(error, "line", 0)
        return None, {}, problem or Problem("", getattr(error, "message", str(error)), line=line)
    return tree, lines, None
