"""What `hostfit select` found, as a table for people and as a tree for JSON (schema select-v1)."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from hostfit.cli.table import render
from hostfit.core import limits
from hostfit.core.results import FIT
from hostfit.core.text import escape
from hostfit.gate.leaves import explaining
from hostfit.gate.render import leaf_text
from hostfit.gate.report import document_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.core.decision import Judgement
    from hostfit.gate.select import Choice
    from hostfit.sources.index import Listing

VERSION = "hostfit.select/v1"
_SHOWN = 12
"""Digits of a digest in a table."""


def reason(choice: Choice) -> str:
    """Say in one line why an image does not fit or may not, escaped; empty where it fits."""
    if choice.score.verdict == FIT:
        return ""
    one = next((one for one in choice.judgements if one.verdict == choice.score.verdict), None)
    return "" if one is None else _why(one)


@cache
def _why(one: Judgement) -> str:
    leaves = explaining(one.result) if one.result is not None else ()
    if leaves:
        return leaf_text(leaves[0])
    problems = one.document.problems
    text = str(problems[0]) if problems else one.document.reason or (one.result.reason if one.result else "")
    return escape(text or f"{one.document.provenance.place}: {one.verdict}", limits.DIAGNOSTIC_LINE)


def forms_read(found: list[tuple[Choice, ...]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the digests of images of which forms that the working group proposed were read, with those."""
    seen = set()
    for one in [one for choices in found for one in choices if one.forms]:
        digest = one.member.descriptor.digest
        if digest not in seen:
            seen.add(digest)
            yield digest, one.forms


def table(names: list[str], found: list[tuple[Choice, ...]], width: int) -> str:
    """Give every pair of host and image, the best first within each host, as text of at most `width` columns."""
    several = len(names) > 1
    short = [os.path.basename(name) for name in names]
    shown = short if len(set(short)) == len(set(names)) else names
    headers = ("HOST",) * several + ("RANK", "DIGEST", "PLATFORM", "VERDICT", "WEIGHT", "PREFERRED", "WHY")
    rows = []
    for position, choices in enumerate(found):
        for one in choices:
            host = (escape(shown[position], 4096),) * several
            rank = str(one.rank + 1)
            digest = one.member.descriptor.digest.partition(":")[2][:_SHOWN]
            platform = escape(str(one.member.platform or "-"))
            version = one.member.platform.os_version if one.member.platform is not None else ""
            said = f"{platform} {escape(version)}".rstrip()
            score = one.score
            rows.append(
                (*host, rank, digest, said, score.verdict, str(score.weight), str(score.preferred), reason(one))
            )
    return render(headers, rows, width)


def tree(
    listing: Listing, names: list[str], found: list[tuple[Choice, ...]], best: tuple[int, Choice] | None
) -> dict[str, Any]:
    """Give the document of `hostfit select --format json`, all texts escaped."""
    chosen = None
    if best is not None and best[1].score.verdict in ("fit", "unknown"):
        chosen = {"digest": best[1].member.descriptor.digest, "host": escape(names[best[0]], 4096)}
    return {
        "version": VERSION,
        "verdict": best[1].score.verdict if best is not None else "misfit",
        "index": {"name": escape(listing.name), "digest": listing.digest, "place": escape(listing.place, 4096)},
        "chosen": chosen,
        "hosts": [_host(name, choices) for name, choices in zip(names, found, strict=True)],
        "skipped": [{"digest": one.digest, "reason": why} for one, why in listing.skipped],
    }


def _host(name: str, choices: tuple[Choice, ...]) -> dict[str, Any]:
    """One host: a document that has a say about many images is told once."""
    numbers: dict[int, int] = {}
    documents: list[dict[str, Any]] = []
    for judgement in [judgement for one in choices for judgement in one.judgements]:
        if numbers.setdefault(id(judgement), len(documents)) == len(documents):
            documents.append(document_tree(judgement))
    return {
        "host": escape(name, 4096),
        "images": [_image(one, [numbers[id(judgement)] for judgement in one.judgements]) for one in choices],
        "documents": documents,
    }


def _image(one: Choice, documents: list[int]) -> dict[str, Any]:
    platform = one.member.platform
    return {
        "rank": one.rank,
        "digest": one.member.descriptor.digest,
        "position": one.member.position,
        "platform": None
        if platform is None
        else {
            "os": escape(platform.os),
            "architecture": escape(platform.architecture),
            "variant": escape(platform.variant),
            "os_version": escape(platform.os_version),
            "os_features": [escape(feature) for feature in platform.os_features],
        },
        "verdict": one.score.verdict,
        "weight": one.score.weight,
        "preferred": one.score.preferred,
        "reason": reason(one),
        "proposals": list(one.forms),
        "unsynced": one.unsynced,
        "documents": documents,
    }
