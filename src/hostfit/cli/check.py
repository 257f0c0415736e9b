"""`hostfit check`: does an image, a bundle or a spec fit this host, or a recorded one (SA1, SA4, SA5)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.cli.log import log
from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.document import Document
    from hostfit.core.image import Resolution
    from hostfit.core.paths import Paths
    from hostfit.core.vocabulary import Lookup
    from hostfit.gate.report import Report
    from hostfit.oci.request import Request

_COLOURS = {"fit": "green", "misfit": "red", "invalid": "red", "unknown": "yellow"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "image", nargs="?", metavar="IMAGE", help="name or digest in a local store, or oci:DIRECTORY[:TAG]"
    )
    parser.add_argument("--bundle", metavar="DIR", help="check an OCI bundle as an engine would start it")
    parser.add_argument("--spec", metavar="FILE", action="append", default=[], help="check this spec too, or alone")
    parser.add_argument("--require", metavar="TEXT", help="check clauses of the flat form too, or alone")
    parser.add_argument("--facts", metavar="FILE", help="ask a recorded host instead of this one")
    parser.add_argument("--root", metavar="DIR", help="ask the host whose tree lies below DIR")
    parser.add_argument(
        "--platform",
        metavar="OS/ARCH[/VARIANT]",
        help="take this platform of the image, and check that the host runs it",
    )
    parser.add_argument("--runtime", metavar="NAME", default="", help="judge for this runtime instead of the default")
    parser.add_argument("--tag", metavar="TAG", default="", help="count only compatibility sets with this tag")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print the report")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the report")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Check and print the report; the value is the exit code of its verdict."""
    if options.schema:
        from hostfit.cli.schemas import report_schema_text  # noqa: PLC0415 - only to print it

        console.print(report_schema_text().rstrip("\n"))
        return 0
    from hostfit.cli.facts import open_host  # noqa: PLC0415 - after the arguments are known to be good
    from hostfit.gate import gate  # noqa: PLC0415 - with the above

    host = open_host(options, paths)
    request = _request(options)
    resolution = _find(options.image, options.platform or "") if options.image is not None else None
    report = gate.decide(
        request,
        paths,
        host=host,
        tag=options.tag,
        resolution=resolution if resolution is not None or options.bundle is not None else _plain(),
        extra=tuple(_extra(options, host.lookup)),
    )
    for one in report.decision.judgements:
        log("debug", "document was judged", place=one.document.provenance.place, verdict=one.verdict, action=one.action)
    if options.format == "json":
        import json  # noqa: PLC0415 - the text does not need it

        console.print(json.dumps(report.tree(), indent=2))
    else:
        _show(report, console)
    return report.exit_code


def _request(options: argparse.Namespace) -> Request:
    """Turn the arguments into what an engine would ask."""
    from hostfit.oci.bundle import read_bundle  # noqa: PLC0415 - after the arguments are known to be good
    from hostfit.oci.request import Bundle, Request  # noqa: PLC0415 - with the above

    if options.bundle is not None and options.image is not None:
        raise UsageError("IMAGE and --bundle: at most one expected, found both")
    if not (options.image or options.bundle or options.spec or options.require or options.platform):
        raise UsageError("nothing to check: IMAGE, --bundle, --spec, --require or --platform expected, found none")
    bundle = Bundle("") if options.bundle is None else read_bundle(options.bundle)
    return Request(entry="check", verb="check", id="", bundle=bundle, runtime=options.runtime)


def _find(name: str, platform: str) -> Resolution:
    """Look an image up in the local stores. Raises NoSuchImageError with the places searched."""
    from hostfit.core.image import Resolution  # noqa: PLC0415 - only for an image
    from hostfit.sources import local  # noqa: PLC0415 - only for an image

    image = local.find(name, platform=platform)
    log("debug", "image is in a local store", image=image.name, digest=image.digest, store=image.store)
    return Resolution("", image)


def _plain() -> Resolution:
    """No image and no engine: only what was named counts."""
    from hostfit.core.image import Resolution  # noqa: PLC0415 - only without an image

    return Resolution("")


def _extra(options: argparse.Namespace, lookup: Lookup) -> list[Document]:
    """Turn --spec, --require and --platform into documents of the deployer. Raises SpecError where one is invalid."""
    from hostfit.cli.files import read_spec_file  # noqa: PLC0415 - reads YAML, which costs its import
    from hostfit.core.document import DEPLOYER, Document, Provenance  # noqa: PLC0415 - with the above

    found = [Document(Provenance(DEPLOYER, f"file {name}"), spec=read_spec_file(name, None)) for name in options.spec]
    if options.require:
        from hostfit.core import flat  # noqa: PLC0415 - only for the flat form

        spec = flat.parse(options.require, level="required", lookup=lookup, place="--require")
        found.append(Document(Provenance(DEPLOYER, "option --require"), spec=spec))
    if options.platform:
        found.append(_platform(options.platform))
    return found


def _platform(text: str) -> Document:
    from hostfit.core.document import DEPLOYER, Document, Provenance  # noqa: PLC0415 - only for a platform
    from hostfit.core.image import Platform  # noqa: PLC0415 - with the above
    from hostfit.core.platform import platform_spec  # noqa: PLC0415 - with the above

    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise UsageError(f"option --platform: OS/ARCH or OS/ARCH/VARIANT expected, found {escape(text)}")
    return Document(
        Provenance(DEPLOYER, "option --platform"), spec=platform_spec(Platform(parts[0], parts[1], "".join(parts[2:])))
    )


def _show(report: Report, console: Console) -> None:
    from hostfit.gate import render  # noqa: PLC0415 - only for the text

    rest = render.text(report.tree(), width=console.width).partition("\n\n")[2]
    console.print(console.paint(report.line, _COLOURS.get(report.decision.verdict, "bold")) + "\n")
    console.print(rest.rstrip("\n"))
