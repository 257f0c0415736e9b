"""`hostfit lint`: checks specs against checker and JSON Schema, and the configuration; converts specs (IA3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core.errors import SpecError, UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.core.problem import Problem
    from hostfit.core.spec import Spec
    from hostfit.core.vocabulary import Lookup


_WHOLE = "annotation io.hostfit.spec holds a whole document as JSON"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="specs in YAML or JSON, - for standard input; none: /etc/hostfit",
    )
    parser.add_argument("--require", metavar="TEXT", help="check the flat form, as in annotation io.hostfit.require")
    parser.add_argument("--prefer", metavar="TEXT", help="check the flat form, as in annotation io.hostfit.prefer")
    parser.add_argument(
        "--index", metavar="INDEX", help="check an image index, and what clients that know only platforms take of it"
    )
    parser.add_argument("--convert", choices=["yaml", "json", "flat"], help="print the one spec given in this form")
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of specs")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Check what is named; 0 if all is valid, 5 if a spec is not, 2 if the configuration is not."""
    if options.schema:
        from hostfit.cli.schemas import spec_schema_text  # only to print it

        console.print(spec_schema_text().rstrip("\n"))
        return 0
    if options.index is not None:
        if options.files or options.require or options.prefer or options.convert:
            raise UsageError("option --index: no spec beside it expected, found one")
        from hostfit.cli.lint_index import lint_index  # only for an index

        return lint_index(options.index, paths, console, strict=options.strict)
    from hostfit.facts.host import Host  # the vocabulary with the site's own features

    host = Host(etc=paths.etc)
    flat = [(level, text) for level, text in (("required", options.require), ("preferred", options.prefer)) if text]
    if not options.files and not flat:
        if options.convert:
            raise UsageError("option --convert: exactly one spec expected, found none")
        from hostfit.cli.lint_configuration import lint_configuration  # only without a spec

        return lint_configuration(paths, console, strict=options.strict)
    named = [*options.files, *[f"option --{'require' if level == 'required' else 'prefer'}" for level, _ in flat]]
    if options.convert and len(named) != 1:
        raise UsageError(f"option --convert: exactly one spec expected, found {len(named)}")
    worst = 0
    for number, name in enumerate(named):
        text = None if number < len(options.files) else flat[number - len(options.files)]
        worst = max(worst, _lint_one(name, text, host.lookup, options, console))
    return worst


def _lint_one(
    name: str, text: tuple[str, str] | None, lookup: Lookup, options: argparse.Namespace, console: Console
) -> int:
    """Check one spec and print what was found, or the spec in another form."""
    from hostfit.cli.files import label  # after the arguments are known to be good
    from hostfit.core import lint  # with the above

    try:
        spec = _read(name, lookup) if text is None else _read_flat(name, text, lookup)
    except SpecError as error:
        return console.fail(error)
    name = label(name)
    warnings = lint.warnings(spec, lookup=lookup)
    for warning in warnings:
        console.complain(f"warning: {escape(name)}: {escape(str(warning), 4096)}")
    if warnings and options.strict:
        return SpecError.exit_code
    if options.convert:
        try:
            console.print(_convert(spec, options.convert, lookup).rstrip("\n"))
        except SpecError as error:
            return console.fail(SpecError(f"{escape(name, 4096)}: {error.message}", hint=_WHOLE))
    else:
        console.print(f"{escape(name)}: {console.paint('valid', 'green')}")
    return 0


def checked(name: str, paths: Paths) -> tuple[bytes, tuple[Problem, ...]]:
    """Read a spec to publish it: its bytes as they are, and what lint warns of. Raises SpecError, UsageError."""
    from hostfit.cli.files import read_named  # after the arguments are known to be good
    from hostfit.core import limits, lint  # with the above
    from hostfit.facts.host import Host  # the vocabulary with the site's own features

    lookup = Host(etc=paths.etc).lookup
    data = read_named(name, limits.DOCUMENT)
    return data, lint.warnings(_check(data, name, lookup), lookup=lookup)


def _read(name: str, lookup: Lookup) -> Spec:
    from hostfit.cli.files import read_named  # after the arguments are known to be good
    from hostfit.core import limits  # with the above

    return _check(read_named(name, limits.DOCUMENT), name, lookup)


def _check(data: bytes, name: str, lookup: Lookup) -> Spec:
    """Check a document; the checker decides, and the published schema must agree on the document as it was written."""
    from hostfit.cli.files import label  # with the rest
    from hostfit.cli.schemas import schema_problems  # jsonschema costs 100 ms
    from hostfit.core import read  # reads YAML, which costs its import

    name = label(name)
    spec = read.read_spec(data, place=name, lookup=lookup)
    problems = schema_problems(read.read_tree(data)[0])
    if problems:
        raise SpecError(f"{name}: the published schema does not agree: {problems[0]}", problems)
    return spec


def _read_flat(name: str, text: tuple[str, str], lookup: Lookup) -> Spec:
    from hostfit.core import flat  # only for the flat form

    return flat.parse(text[1], level=text[0], lookup=lookup, place=name, strict=True)


def _convert(spec: Spec, form: str, lookup: Lookup) -> str:
    from hostfit.core import flat, write  # only to convert

    if form == "flat":
        return flat.render(spec, lookup=lookup)
    if form == "json":
        return write.to_json(spec)
    return write.to_yaml(spec)
