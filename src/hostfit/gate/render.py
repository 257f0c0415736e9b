"""The one line that an engine shows, which alone must say what is wrong (design: diagnostics)."""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.decision import ALLOW, DENY
from hostfit.core.document import UNSYNCED
from hostfit.core.results import INVALID, MISFIT
from hostfit.gate.leaves import NAME, PRESENT, about, decisive, explaining
from hostfit.gate.words import cut, line, safe, short_id, subject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.decision import Decision, Judgement
    from hostfit.core.image import Resolution
    from hostfit.gate.leaves import Leaf
    from hostfit.oci.request import Request


def first_line(request: Request, resolution: Resolution, decision: Decision) -> str:
    """Give the line for a decision: ASCII, below 1 KiB, and with nothing that engines reclassify."""
    if decision.error:
        # The subject of these is not the image, so the whole line is the error's.
        prefix = "hostfit: break-glass file lifted: " if decision.lifted else "hostfit: "
        return _fitted(prefix + safe(decision.error, limits.DIAGNOSTIC_LINE), _more(request, 0))
    whose = subject(request, resolution)
    one = decisive(decision)
    if one is None:
        return line(f"hostfit: {whose} fits this host")
    prefix = "hostfit: "
    if decision.lifted:
        prefix += "break-glass file lifted: "
    elif decision.action != DENY:
        prefix += "warning: " if decision.action != ALLOW else "allowed: "
    text, leaves = _complaint(whose, one)
    others = len([other for other in decision.judgements if other is not one and other.action == one.action])
    more = max(leaves - 1, 0) + (others if one.action != ALLOW else 0)
    return _fitted(prefix + text, _more(request, more))


def text(report: dict[str, Any], *, width: int = 80) -> str:
    """Give a whole report (the tree) as plain text for people, `width` columns wide."""
    # Only the command line asks for it.
    from hostfit.gate.full import text as full  # keeps text layout off the hot path

    return full(report, width=width)


def _complaint(whose: str, one: Judgement) -> tuple[str, int]:
    """What is wrong with one document, and how many leaves say so."""
    place = safe(one.document.provenance.place)
    if one.verdict == INVALID:
        problems = one.document.problems
        first = str(problems[0]) if problems else one.document.reason or _reason(one)
        return f"{whose}: invalid compatibility spec in {place}: {safe(first, 400)}", len(problems)
    if one.document.state == UNSYNCED:
        why = safe(one.document.reason or "nobody looked for one yet")
        return f"{whose}: compatibility unknown until `hostfit sync`: {why}", 0
    leaves = explaining(one.result) if one.result is not None else ()
    if one.verdict == MISFIT:
        why = leaf_text(leaves[0]) if leaves else safe(_reason(one)) or f"no set of {place} matches"
        return f"{whose} does not fit this host: {why}", len(leaves)
    why = leaf_text(leaves[0]) if leaves else safe(one.document.reason or _reason(one), 400) or place
    return f"{whose}: cannot tell whether it fits this host: {why}", len(leaves)


def _reason(one: Judgement) -> str:
    return one.result.reason if one.result is not None else ""


def leaf_text(leaf: Leaf) -> str:
    """Give one expression as `feature element: required X, found Y (why)`."""
    one = leaf.expression
    name = about(safe(one.feature), safe(one.element), safe(one.instance), one.observed)
    required = PRESENT if one.instance and one.element == NAME else safe(one.required)
    because = f" ({safe(one.reason)})" if one.reason else ""
    return f"{name}: required {required}, found {safe(one.observed)}{because}"


def _more(request: Request, count: int) -> str:
    why = f"hostfit why {short_id(request.id)}" if request.id else ""
    parts = [f"+{count} more"] if count else []
    if why:
        parts.append(why)
    return f" ({'; '.join(parts)})" if parts else ""


def _fitted(message: str, tail: str) -> str:
    """The message cut so that its tail, which says where to read on, always stays."""
    return line(cut(line(message), limits.DIAGNOSTIC_LINE - len(tail)) + tail)
