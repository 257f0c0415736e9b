"""`hostfit select`: the image of an index that fits a host best, the best pair of host and image, or that none fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.core.errors import SpecError, UsageError
from hostfit.core.text import escape, quoted

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.gate.select import Choice
    from hostfit.sources.index import Listing

_NONE, _UNKNOWN = 1, 3
_REMOTE = "docker://"
"""Before a name on a registry, as skopeo has it: no local store is asked."""
_SHOWN = 20
"""Images of one host that a message about none names, the best first."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "index",
        nargs="?",
        metavar="INDEX",
        help="oci:DIRECTORY[:TAG], a file, - for standard input, a name in a local store or on a registry (docker://NAME)",
    )
    parser.add_argument("--facts", metavar="FILE", help="choose for a recorded host instead of this one")
    parser.add_argument("--root", metavar="DIR", help="choose for the host whose tree lies below DIR")
    parser.add_argument(
        "--against", metavar="HOST", nargs="+", help="find the best pair of an image and one of these recorded hosts"
    )
    parser.add_argument(
        "--prefer",
        metavar="KEY[=VALUE]",
        action="append",
        default=[],
        help="count this annotation of a descriptor as a preferred rule that is met",
    )
    parser.add_argument("--rank", action="store_true", help="print every image of the index, the best first")
    parser.add_argument("--tag", metavar="TAG", default="", help="count only compatibility sets with this tag")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print the choice")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the choice")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Choose and print; 0 where an image fits, 1 where none does, 3 where that cannot be told."""
    if options.schema:
        from hostfit.cli.schemas import schema_text  # only to print it

        console.print(schema_text("select-v1").rstrip("\n"))
        return 0
    if options.index is None:
        raise UsageError("nothing to choose from: INDEX expected, found none")
    from hostfit.gate import select  # after the arguments are known to be good
    from hostfit.policy import load  # with the above

    hosts = _hosts(options, paths)
    listing = find_index(options.index, paths)
    prefer = [(key, value) for key, _, value in [one.partition("=") for one in options.prefer]]
    chooser = select.Chooser(listing, load.load(paths), var=paths.var, prefer=prefer, tag=options.tag)
    found = []
    with console.progress(len(hosts)) as progress:
        for name, host in hosts:
            progress.step(name or "this host")
            found.append(chooser.choices(host))
    names = [name for name, _ in hosts]
    best = select.best(found)
    code = _code(best[1] if best is not None else None)
    if options.format == "json":
        import json  # the text does not need it

        from hostfit.cli.selected import tree  # with the above

        console.print(json.dumps(tree(listing, names, found, best), indent=2))
    else:
        _show(listing, names, found, best, console, rank=options.rank)
    return code


def _hosts(options: argparse.Namespace, paths: Paths) -> list[tuple[str, Any]]:
    """Give the hosts to choose for, by the name to show; that of this host is empty."""
    import argparse  # to open each host as the option --facts would

    from hostfit.cli.facts import open_host  # after the arguments are known to be good

    if options.against is None:
        name = options.facts or options.root or ""
        return [(name, open_host(options, paths))]
    if options.facts is not None or options.root is not None:
        raise UsageError("options --against, --facts and --root: at most one expected, found more")
    return [(one, open_host(argparse.Namespace(facts=one, root=None), paths)) for one in options.against]


def find_index(name: str, paths: Paths) -> Listing:
    """Find an index by what a person calls it, here first and then on its registry.

    Raises NoSuchImageError, SourceError or UsageError.
    """
    from hostfit.cli.files import read_named  # reads standard input
    from hostfit.core import limits  # with the above
    from hostfit.core.errors import NoSuchImageError  # with the above
    from hostfit.oci import reference as references  # with the above
    from hostfit.sources import index  # only for an index

    if not name.startswith(_REMOTE):
        found = index.find(name, read_stdin=lambda: read_named("-", limits.MANIFEST))
        if found is not None:
            return found
        try:
            references.qualified(name)
        except ValueError:
            raise NoSuchImageError(
                f"index {quoted(name)} is in no layout, file or local store",
                hint="name an OCI layout as oci:DIRECTORY:TAG, a file, or in full what a registry has",
            ) from None
    from hostfit.sources.registry import access, listing  # requests costs 250 ms
    from hostfit.sources.registry.deadline import COMMAND, Deadline  # with the above

    reference = access.reference(name.removeprefix(_REMOTE))
    return listing.read(access.Access(paths.etc), reference, Deadline(COMMAND, f"reading {escape(name)}"))


def _code(best: Choice | None) -> int:
    if best is None:
        return _NONE
    return {"fit": 0, "unknown": _UNKNOWN, "invalid": SpecError.exit_code}.get(best.score.verdict, _NONE)


def _show(
    listing: Listing,
    names: list[str],
    found: list[tuple[Choice, ...]],
    best: tuple[int, Choice] | None,
    console: Console,
    *,
    rank: bool,
) -> None:
    """Print the digest for scripts or the table for people; what is wrong goes to standard error."""
    from hostfit.cli.selected import forms_read, reason, table  # JSON does not need it

    for digest, forms in forms_read(found):
        console.complain(f"note: {digest}: read {', '.join(forms)}, as the image compatibility working group proposed")
    code = _code(best[1] if best is not None else None)
    if best is not None and best[1].unsynced:
        console.complain(
            f"note: nobody has looked for specs attached to {best[1].member.descriptor.digest} yet (hostfit sync)"
        )
    several = len(names) > 1
    if rank:
        console.print(table(names, found, console.width))
    elif best is not None and code in (0, _UNKNOWN):
        host = f"  {escape(names[best[0]], 4096)}" if several else ""
        console.print(best[1].member.descriptor.digest + host)
    shown = escape(listing.name)
    if best is None:
        console.complain(f"{shown}: no image in this index")
    elif code == _UNKNOWN:
        console.complain(f"warning: {shown}: no image is known to fit; the best may: {reason(best[1])}")
    elif code:
        console.complain(f"{shown}: no image fits {'any of these hosts' if several else 'this host'}")
        for position, choices in enumerate(found) if not rank else ():
            where = f"{escape(names[position], 4096)}: " if several else ""
            for one in choices[:_SHOWN]:
                console.err.write(f"  {where}{one.member.descriptor.digest} {_platform(one)}: {reason(one)}\n")
            if len(choices) > _SHOWN:
                console.err.write(f"  {where}and {len(choices) - _SHOWN} more (--rank shows all)\n")


def _platform(choice: Choice) -> str:
    return escape(str(choice.member.platform or "no platform"))
