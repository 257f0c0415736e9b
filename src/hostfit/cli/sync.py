"""`hostfit sync`: fetches the specs of images, so that nothing else has to (TW1, DE2)."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hostfit.core.errors import NoSuchImageError, SpecError, UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.gate.sync import Subject, Sync, Synced, Work

VERSION = "hostfit.sync/v1"
_INCOMPLETE = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "images", nargs="*", metavar="IMAGE", help="images by name, local or on a registry; none: all local ones"
    )
    parser.add_argument("--missing", action="store_true", help="only images that nobody has looked up yet")
    parser.add_argument(
        "--all-platforms",
        action="store_true",
        help="of an image named on its registry all platforms, not only this one",
    )
    parser.add_argument(
        "--accept-older",
        action="store_true",
        help="take specs that are older than those that were seen before, and make damaged records anew",
    )
    parser.add_argument("--plain-http", action="store_true", help="registries may be reached without TLS")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print what was found")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of what was found")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Look images up; 0 where all could be, 3 where something could not, 5 where a spec that counts is invalid."""
    if options.schema:
        from hostfit.cli.schemas import schema_text  # only to print it

        console.print(schema_text("sync-v1").rstrip("\n"))
        return 0
    from hostfit.gate import sync  # requests costs 250 ms
    from hostfit.policy import read  # with the above
    from hostfit.policy.trust import Trust  # with the above
    from hostfit.sources import containerspolicy  # with the above
    from hostfit.sources.registry.access import Access  # with the above

    policy = read.read(paths)
    demands = containerspolicy.read(f"{os.path.dirname(paths.etc)}/containers/policy.json")
    access = Access(paths.etc, plain_http=options.plain_http)
    runner = sync.Sync(
        access,
        policy.trust or Trust(),
        demands,
        var=paths.var,
        older=options.accept_older,
        every=options.all_platforms,
    )
    broken: list[str] = []
    works = list(_named(options.images) if options.images else _local(broken))
    if options.missing:
        works = [one for one in works if not runner.known(one)]
    done = _run(runner, works, console, text=options.format == "text")
    for problem in broken:
        console.complain(escape(problem, 4096))
    if options.format == "json":
        import json  # the text does not need it

        console.print(json.dumps(_tree(done, broken), indent=2))
    else:
        _summary(done, console)
    if broken or not all([one.complete for one in done]):
        return _INCOMPLETE
    return 0 if all([one.valid for one in done]) else SpecError.exit_code


def _run(runner: Sync, works: list[Work], console: Console, *, text: bool) -> list[Synced]:
    done = []
    with console.progress(len(works)) as progress:
        for work in works:
            progress.step(work.name)
            one = runner.image(work)
            done.append(one)
            problems = [*one.problems, *[each for subject in one.subjects for each in _told(subject)]]
            lines = _lines(one) if text else []
            if problems or lines:
                progress.wipe()
            for line in lines:
                console.print(line)
            for problem in dict.fromkeys(problems):
                console.complain(f"{escape(one.name)}: {escape(problem, 4096)}")
    return done


def _told(subject: Subject) -> list[str]:
    return [*subject.problems, *[f"invalid spec: {one}" for one in subject.invalid]]


def _local(broken: list[str]) -> Iterator[Work]:
    from hostfit.gate.sync import of_image  # imported before
    from hostfit.sources import inventory  # only where nothing is named

    for image in inventory.images(broken.append):
        yield of_image(image)


def _named(names: list[str]) -> Iterator[Work]:
    """What is named: the image that a local store has, and what its registry has by that name now."""
    from hostfit.gate.sync import of_image, of_reference  # imported before
    from hostfit.oci import reference as references  # with the above
    from hostfit.sources import local  # only where something is named

    for name in names:
        image = reference = None
        missing = ""
        try:
            image = local.find(name)
        except NoSuchImageError as error:
            missing = error.message
        with suppress(ValueError):
            reference = references.qualified(name)
        remote = reference is not None and reference.domain != "localhost"  # Podman's name for what it built
        if image is None and not remote:
            raise UsageError(missing, hint="name an image of a registry in full")
        if reference is not None and remote:
            yield of_reference(reference)
        if image is not None:
            yield of_image(image)


def _lines(one: Synced) -> list[str]:
    """What is new, for people; nothing where all is as it was."""
    from hostfit.gate.sync import CHANGED, NEW, WITHDRAWN  # imported before

    found = []
    for subject in one.subjects:
        if subject.outcome not in (NEW, CHANGED, WITHDRAWN):
            continue
        entries = [
            f"{entry.document} ({'signed by ' + entry.signer if entry.signer else 'not signed'})"
            for entry in subject.source.entries.values()
        ]
        found.append(f"{escape(one.name)}: {subject.outcome}: {escape(', '.join(entries) or subject.digest, 4096)}")
    return found


def _summary(done: list[Synced], console: Console) -> None:
    from hostfit.gate.sync import FAILED, NONE, UNCHANGED  # imported before

    def count(number: int, what: str) -> str:
        return f"{number} {what}{'' if number == 1 else 's'}"

    subjects = {id(subject): subject for one in done for subject in one.subjects}
    outcomes = [one.outcome for one in subjects.values()]
    words = [
        f"{outcomes.count(outcome)} {outcome}"
        for outcome in dict.fromkeys(outcomes)
        if outcome not in (NONE, UNCHANGED, FAILED)
    ]
    words += [f"{outcomes.count(UNCHANGED)} as before"] if UNCHANGED in outcomes else []
    words += [f"{outcomes.count(NONE)} without"] if NONE in outcomes else []
    words += [f"{outcomes.count(FAILED)} failed"] if FAILED in outcomes else []
    missed = len([one for one in done if not one.subjects])
    words += [f"{missed} not looked up"] if missed else []
    ignored = sum([one.ignored for one in subjects.values()])
    words += [f"{count(ignored, 'unsigned spec')} ignored"] if ignored else []
    console.print(f"{count(len(done), 'image')}: {', '.join(words) or 'nothing to look up'}")


def _tree(done: list[Synced], broken: list[str]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "images": [
            {
                "name": escape(one.name),
                "complete": one.complete,
                "problems": [escape(each, 4096) for each in one.problems],
                "subjects": [_subject(each) for each in one.subjects],
            }
            for one in done
        ],
        "problems": [escape(each, 4096) for each in broken],
    }


def _subject(one: Subject) -> dict[str, Any]:
    return {
        "digest": one.digest,
        "repository": escape(one.repository),
        "outcome": one.outcome,
        "specs": [
            {
                "digest": entry.document,
                "artifact": entry.artifact,
                "signer": escape(entry.signer),
                "created": escape(entry.created),
            }
            for entry in one.source.entries.values()
        ],
        "ignored": one.ignored,
        "problems": [escape(each, 4096) for each in one.problems],
        "invalid": [escape(each, 4096) for each in one.invalid],
    }
