"""`hostfit lint --index`: is the index valid, and do clients that know nothing of compatibility get a usable image?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core.errors import SpecError
from hostfit.core.results import INVALID
from hostfit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.gate.graceful import Pick
    from hostfit.gate.select import Choice
    from hostfit.sources.index import Listing


def lint_index(name: str, paths: Paths, console: Console, *, strict: bool) -> int:
    """Check one index; 0 if it is valid, 5 if what it says is not or, with `strict`, if there is a warning."""
    from hostfit.cli.select import find_index  # only for an index
    from hostfit.gate import graceful  # with the above

    listing = find_index(name, paths)
    images, picks = graceful.judged(listing, var=paths.var)
    shown = escape(listing.name)
    problems = list(dict.fromkeys([*_problems(images), *_of_others(listing, images, paths)]))
    for problem in problems:
        console.complain(f"{shown}: {problem}")
    warnings = [_warning(one) for one in picks]
    warnings += [f"{one.digest}: {why}" for one, why in listing.skipped if one.media_type and "index" in why]
    for warning in warnings:
        console.complain(f"warning: {shown}: {warning}")
    if problems or (strict and warnings):
        return SpecError.exit_code
    console.print(f"{shown}: {console.paint('valid', 'green')}")
    return 0


def _problems(images: tuple[Choice, ...]) -> Iterator[str]:
    """What is invalid in the index, each once: words that several images share are told of the first."""
    for judgement in [judgement for one in images for judgement in one.judgements if judgement.verdict == INVALID]:
        document = judgement.document
        for problem in document.problems or (document.reason,):
            yield escape(f"{document.provenance.place}: {problem}", 4096)


def _of_others(listing: Listing, images: tuple[Choice, ...], paths: Paths) -> Iterator[str]:
    """What is invalid in descriptors of images for other systems, which nobody judged on a Linux host."""
    from hostfit.core.document import BROKEN, IMAGE  # only for such images
    from hostfit.facts import vocabulary  # with the above
    from hostfit.sources import annotations as keys  # with the above
    from hostfit.sources.store import SpecStore  # with the above

    judged = {one.member.position for one in images}
    for member in [one for one in listing.members if one.position not in judged]:
        for document in keys.documents(
            keys.ours(member.descriptor.annotations),
            authority=IMAGE,
            place=f"descriptor {member.descriptor.digest}",
            lookup=vocabulary.lookup,
            store=SpecStore(paths.var),
        ):
            for problem in (document.problems or (document.reason,)) if document.state == BROKEN else ():
                yield escape(f"{document.provenance.place}: {problem}", 4096)


def _warning(pick: Pick) -> str:
    from hostfit.cli.selected import reason  # only to warn

    where = f"on a generic linux/{pick.architecture} host {', '.join(pick.clients)}"
    if pick.choice is None:
        return f"{where} find no image; add one for linux/{pick.architecture} without a variant"
    platform = pick.choice.member.platform
    features = escape(", ".join(platform.os_features)) if platform is not None else ""
    needs = f"os.features {features}" if features else reason(pick.choice)
    digest = pick.choice.member.descriptor.digest
    advice = f"; {pick.better.member.descriptor.digest} should come before it" if pick.better is not None else ""
    return f"{where} take {digest}, which asks for more: {needs}{advice}"
