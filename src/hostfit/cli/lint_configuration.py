"""`hostfit lint` without a file: everything below /etc/hostfit, every problem of every file at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core.errors import HostfitError, PolicyError, SpecError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths
    from hostfit.core.problem import Problem
    from hostfit.core.vocabulary import Lookup
    from hostfit.policy.model import Policy

_SPEC = "spec."
"""Where the spec of a file of images.d begins in the paths of its lines."""


def lint_configuration(paths: Paths, console: Console, *, strict: bool) -> int:
    """Check the configuration from its files, and compile it if it is valid and we may.

    0 if all is valid, 2 if policy or vocabulary are not, 5 if a spec of images.d is not.
    """
    from hostfit.facts.host import Host  # the site's own vocabulary
    from hostfit.policy import read  # only for the configuration

    worst = 0
    policy = None
    try:
        policy = read.read(paths)
    except PolicyError as error:
        worst = console.fail(error)
    host = Host(etc=paths.etc)
    for fault in host.problems():
        console.complain(escape(str(fault), 4096))
        worst = max(worst, PolicyError.exit_code)
    for file, problems, warnings in _specs(paths, host.lookup):
        for warning in warnings:
            console.complain(f"warning: {escape(file, 4096)}: {escape(str(warning), 4096)}")
        if problems:
            from hostfit.core.problem import summary  # needed for the message only

            worst = max(worst, console.fail(SpecError(summary(file, problems), problems)))
        elif warnings and strict:
            worst = max(worst, SpecError.exit_code)
    if policy is None or worst:
        return worst
    console.print(f"{paths.etc}: {console.paint('valid', 'green')}")
    _compile(paths, policy, console)
    return 0


def _specs(paths: Paths, lookup: Lookup) -> Iterator[tuple[str, tuple[Problem, ...], tuple[Problem, ...]]]:
    """Give each file of images.d with what is wrong and what is doubtful in its spec, as lint of that spec would.

    What else is wrong with such a file, and one that cannot be read, is the policy's to tell.
    """
    from hostfit.core import limits, lint  # only for the configuration
    from hostfit.core.check import check  # with the above
    from hostfit.core.read import read_tree  # reads YAML, which costs its import
    from hostfit.oci.files import read_trusted  # with the above
    from hostfit.policy import read  # with the above

    try:
        files = read.listed(f"{paths.etc}/images.d", read.YAML)
    except PolicyError:
        return
    for file in files:
        try:
            tree, lines, problem = read_tree(read_trusted(file, limits.DOCUMENT))
        except (OSError, PolicyError):
            continue
        if problem is not None or not isinstance(tree, dict) or "spec" not in tree:
            continue
        inner = {path.removeprefix(_SPEC): line for path, line in lines.items() if path.startswith(_SPEC)}
        spec, problems = check(tree["spec"], lookup=lookup, lines=inner)
        yield file, problems, () if spec is None else lint.warnings(spec, lookup=lookup)


def _compile(paths: Paths, policy: Policy, console: Console) -> None:
    """Write the form that engines are served from, and say what holds."""
    from hostfit.oci.files import is_host_root, symbol  # only of a valid configuration
    from hostfit.policy import compiled  # with the above

    try:
        # Root's starts are served from the compiled form of no configuration, too.
        if policy.sources or is_host_root():
            compiled.compile_policy(paths)
    except OSError as error:
        console.complain(f"warning: {compiled.place(paths)}: cannot be written: {symbol(error)}")
    except HostfitError as error:
        console.complain(f"warning: {compiled.place(paths)}: not written: {escape(error.message, 4096)}")
    for line in policy.summary():
        console.print(f"  {escape(line)}")
