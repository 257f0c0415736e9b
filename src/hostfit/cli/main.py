"""`hostfit COMMAND`: finds the command, runs it, and turns every outcome into a documented exit code.

0 fit, 1 misfit, 2 usage or policy error, 3 unknown, 4 internal error, 5 invalid spec.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from hostfit.cli.console import Console
from hostfit.core.errors import HostfitError
from hostfit.core.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "check": "say whether an image, a bundle or a spec fits this host or a recorded one",
    "facts": "show what this host has, or record it",
    "lint": "check specs and the configuration, and convert between the forms of a spec",
    "explain": "say what a feature means, where it is read and how to ask for it",
    "select": "find the image of an index that fits a host best",
    "doctor": "say whether hostfit really is in the path of every container, and what to mend",
    "setup": "tell an engine to run containers through hostfit, or take that back",
    "inspect": "show what a registry has about an image's compatibility",
    "attach": "publish a spec beside images, on their registry or in an OCI layout",
    "detach": "take specs off images again",
    "sync": "fetch the specs of images from their registries",
    "report": "write one file for a bug report, without secrets",
    "why": "show why a container was started, warned about or refused",
}
"""Each command is the module of the same name: `arguments(parser)` declares, `run(options, paths, console)` acts."""

INTERNAL = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the value is the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = Console()
    try:
        options = parser(arguments).parse_args(arguments)
        if options.command is None:
            parser(arguments).print_help(console.err)
            return 2
        if options.verbose:
            from hostfit.cli.log import verbose  # most calls are not verbose

            verbose()
        module = importlib.import_module(f"hostfit.cli.{options.command}")
        code: int = module.run(options, paths(options.prefix), console)
        console.out.flush()
    except HostfitError as error:
        return console.fail(error)
    except BrokenPipeError:
        # The reader went away, as `head` does; Python would complain once more while shutting down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - a crash ends in the documented exit code, not in a traceback
        return _crash(error, console, verbose="-v" in arguments or "--verbose" in arguments)
    return code


def parser(arguments: Sequence[str] = (), *, every: bool = False) -> argparse.ArgumentParser:
    """Build the parser: only the named command's own arguments are declared, or with `every` all of them."""
    top = argparse.ArgumentParser(
        prog="hostfit", description="Keeps a container from starting on a host that cannot run it."
    )
    top.add_argument("--version", action="version", version=f"hostfit {version()}")
    top.add_argument("--prefix", metavar="DIR", help="use the configuration and state below DIR instead of /")
    top.add_argument("-v", "--verbose", action="store_true", help="say on standard error what is read and decided")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, summary in COMMANDS.items():
        one = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if every or name in arguments:
            importlib.import_module(f"hostfit.cli.{name}").arguments(one)
    return top


def paths(prefix: str | None) -> Paths:
    """Where hostfit's files lie, below `prefix` if one is given."""
    if prefix is None:
        from hostfit.oci import rootless  # not below a prefix

        return rootless.places(Paths(), os.environ.get(rootless.RUNTIME_DIR, ""))
    base = os.path.abspath(prefix).rstrip("/")
    return Paths(etc=f"{base}/etc/hostfit", run=f"{base}/run/hostfit", var=f"{base}/var/lib/hostfit")


def version() -> str:
    """hostfit's own version."""
    from hostfit.version import VERSION  # asked for by --version alone

    return VERSION


def _crash(error: Exception, console: Console, *, verbose: bool) -> int:
    """Report a mistake of ours in one line, with the traceback where it was asked for."""
    if verbose:
        import traceback  # needed after a crash only

        traceback.print_exception(error, file=console.err)
    from hostfit.core.text import escape  # needed after a crash only

    console.complain(f"internal error: {type(error).__name__}: {escape(str(error))} (run with -v for the traceback)")
    return INTERNAL


if __name__ == "__main__":
    sys.exit(main())
