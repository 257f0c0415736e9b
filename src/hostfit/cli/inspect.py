"""`hostfit inspect`: everything that a registry has about an image's compatibility, without its layers (RM1, IA6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.cli import remote
from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", nargs="?", metavar="IMAGE", help="full name on a registry, with a tag or digest")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print what was found")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of what is found")
    remote.options(parser, "look at the image")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Look at an image and print what there is; 5 where a spec that counts is invalid, 3 where one is missing."""
    if options.schema:
        from hostfit.cli.schemas import schema_text  # only to print it

        console.print(schema_text("inspection-v1").rstrip("\n"))
        return 0
    if options.image is None:
        raise UsageError("IMAGE: required, found none")
    remote.check(options)
    from hostfit.cli import inspected  # after the arguments are known to be good
    from hostfit.facts.host import Host  # the vocabulary with the site's own features
    from hostfit.gate.provenance import asker  # with the above
    from hostfit.policy import read  # with the above
    from hostfit.policy.trust import Trust  # with the above
    from hostfit.sources.registry.access import reference  # requests costs 250 ms
    from hostfit.sources.registry.inspection import Inspector  # with the above

    name = reference(options.image)
    lookup = Host(etc=paths.etc).lookup
    trust = read.read(paths).trust or Trust()
    ask = asker(trust, lambda problem: console.complain(f"warning: {escape(problem, 4096)}"))
    inspector = Inspector(remote.access(options, paths), lookup, trust.follows, ask)
    target = inspector.image(name, remote.deadline(options, f"inspecting {escape(options.image)}"), options.platform)
    tree = inspected.tree(str(name), target.digest, inspector, lookup)
    if options.format == "json":
        import json  # the text does not need it

        console.print(json.dumps(tree, indent=2))
    else:
        inspected.show(tree, console)
    states = {one["state"] for subject in tree["subjects"] for one in subject["specs"] if not one["older"]}
    return 5 if "invalid" in states else 3 if "missing" in states else 0
