"""`hostfit check`: does an image, a bundle or a spec fit this host, or a recorded one (SA1, SA4, SA5)?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hostfit.cli.log import log
from hostfit.core.errors import SpecError, UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from hostfit.cli.console import Console
    from hostfit.core.document import Document
    from hostfit.core.image import Resolution
    from hostfit.core.paths import Paths
    from hostfit.core.spec import Spec
    from hostfit.facts.host import Host
    from hostfit.facts.recorded import Recorded
    from hostfit.oci.request import Bundle, Request


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "image", nargs="?", metavar="IMAGE", help="name or digest in a local store, or oci:DIRECTORY[:TAG]"
    )
    parser.add_argument("--bundle", metavar="DIR", help="check an OCI bundle as an engine would start it")
    parser.add_argument(
        "--spec", metavar="FILE", action="append", default=[], help="check this spec too, or alone; may be repeated"
    )
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
        from hostfit.cli.schemas import report_schema_text  # only to print it

        console.print(report_schema_text().rstrip("\n"))
        return 0
    from hostfit.cli.facts import open_host  # after the arguments are known to be good
    from hostfit.gate import gate  # with the above

    host = open_host(options, paths)
    request = _request(options)
    if options.runtime:
        _known_runtime(options.runtime, paths)
    resolution = _find(options.image, options.platform or "") if options.image is not None else None
    report = gate.decide(
        request,
        paths,
        host=host,
        tag=options.tag,
        resolution=resolution if resolution is not None or options.bundle is not None else _plain(),
        extra=tuple(_extra(options, host, console)),
    )
    for one in report.decision.judgements:
        log("debug", "document was judged", place=one.document.provenance.place, verdict=one.verdict, action=one.action)
    if options.format == "json":
        import json  # the text does not need it

        console.print(json.dumps(report.tree(), indent=2))
    else:
        from hostfit.cli.shown import show  # JSON does not need it

        show(report.tree(), console, host=_host_name(options))
    return report.exit_code


def _host_name(options: argparse.Namespace) -> str:
    """Name the host that was asked, where it is not this one."""
    if options.facts is not None:
        return f"recorded in {escape(options.facts, 4096)}"
    return f"the tree below {escape(options.root, 4096)}" if options.root is not None else ""


def _request(options: argparse.Namespace) -> Request:
    """Turn the arguments into what an engine would ask."""
    from hostfit.oci.request import Bundle, Request  # after the arguments are known to be good

    if options.bundle is not None and options.image is not None:
        raise UsageError("IMAGE and --bundle: at most one expected, found both")
    if not (options.image or options.bundle or options.spec or options.require or options.platform):
        raise UsageError("nothing to check: IMAGE, --bundle, --spec, --require or --platform expected, found none")
    bundle = Bundle("") if options.bundle is None else _bundle(options.bundle)
    return Request(entry="check", verb="check", id="", bundle=bundle, runtime=options.runtime)


def _bundle(path: str) -> Bundle:
    """Read a bundle that a person named, which is bad usage where it is none."""
    import os  # only for a bundle

    from hostfit.core.errors import BundleError  # with the above
    from hostfit.oci.bundle import read_bundle  # with the above

    try:
        return read_bundle(os.path.abspath(path))
    except BundleError as error:
        raise UsageError(error.message, hint="--bundle takes the directory that holds config.json") from error


def _known_runtime(name: str, paths: Paths) -> None:
    """Refuse the name of a runtime that nobody defined; a policy that cannot be read is the report's to tell."""
    from hostfit.core.errors import PolicyError  # with the option only
    from hostfit.policy import load  # with the option only

    try:
        known = load.load(paths).runtimes
    except PolicyError:
        return
    if name not in known:
        raise UsageError(f"option --runtime: required one of {', '.join(sorted(known))}, found {escape(name)}")


def _find(name: str, platform: str) -> Resolution:
    """Look an image up in the local stores. Raises NoSuchImageError with the places searched."""
    from hostfit.core.image import Resolution  # only for an image
    from hostfit.sources import local  # only for an image

    image = local.find(name, platform=platform)
    log("debug", "image is in a local store", image=image.name, digest=image.digest, store=image.store)
    return Resolution("", image)


def _plain() -> Resolution:
    """No image and no engine: only what was named counts."""
    from hostfit.core.image import Resolution  # only without an image

    return Resolution("")


def _extra(options: argparse.Namespace, host: Host | Recorded, console: Console) -> list[Document]:
    """Turn --spec, --require and --platform into documents of the deployer.

    Raises SpecError where one is invalid, with all that a person needs to mend it; for JSON the report says that.
    """
    from hostfit.cli.files import label, read_spec_file  # reads YAML, which costs its import
    from hostfit.core import flat  # with the above
    from hostfit.core.document import BROKEN, DEPLOYER, Document, Provenance  # with the above

    def read(place: str, reader: Callable[[], Spec]) -> Document:
        provenance = Provenance(DEPLOYER, place)
        try:
            return Document(provenance, spec=reader())
        except SpecError as error:
            if options.format != "json":
                raise
            return Document(provenance, problems=error.problems, state=BROKEN, reason=error.message)

    places = [label(name) if name == "-" else f"file {name}" for name in options.spec]
    found = [read(place, partial(read_spec_file, name, None)) for place, name in zip(places, options.spec, strict=True)]
    if options.require:
        parse = partial(flat.parse, level="required", lookup=host.lookup, place="option --require")
        found.append(read("option --require", partial(parse, options.require)))
    for one in found:
        _doubt(one, host, console)
    if options.platform:
        found.append(_platform(options.platform))
    return found


def _doubt(document: Document, host: Host | Recorded, console: Console) -> None:
    """Warn about what no vocabulary has: at a start it is unknown, but here it may be a slip of whoever types."""
    from hostfit.cli.explain import find  # only for specs that were named

    wanted = document.spec.wanted().elements if document.spec is not None else {}
    for feature, elements in sorted(wanted.items()):
        if feature.startswith("request."):
            continue
        for name in sorted(f"{feature}.{element}" for element in elements) if elements else [feature]:
            try:
                find(name, host)
            except UsageError as error:
                hint = f"; {error.hint}" if error.hint.startswith("did you mean") else ""
                console.complain(f"warning: {document.provenance.place}: {error.message}{hint}")


def _platform(text: str) -> Document:
    from hostfit.core.document import DEPLOYER, Document, Provenance  # only for a platform
    from hostfit.core.image import Platform  # with the above
    from hostfit.core.platform import platform_spec  # with the above

    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise UsageError(f"option --platform: OS/ARCH or OS/ARCH/VARIANT expected, found {escape(text)}")
    return Document(
        Provenance(DEPLOYER, "option --platform"), spec=platform_spec(Platform(parts[0], parts[1], "".join(parts[2:])))
    )
