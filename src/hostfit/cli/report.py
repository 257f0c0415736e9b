"""`hostfit report`: one file for a bug report, with what a maintainer asks for first and no secrets."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from typing import TYPE_CHECKING, Any

from hostfit.cli import redact
from hostfit.cli.checks import process
from hostfit.core.errors import HostfitError, PolicyError, UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    import argparse

    from hostfit.cli.console import Console
    from hostfit.core.paths import Paths

VERSION = "hostfit.bugreport/v1"
_DECISIONS = 20
_PACKAGES = ("PyYAML", "jsonschema", "pyroute2", "pyudev", "requests", "structlog", "tomlkit")
_PROGRAMS = ("containerd", "crio", "dockerd", "podman", "k3s", "rke2", "conmon", "runc", "crun", "runsc")
_PLACES = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where to write it, - for standard output; default: a new file in this directory",
    )
    parser.add_argument("--decisions", metavar="N", type=int, default=_DECISIONS, help="how many of the last decisions")


def run(options: argparse.Namespace, paths: Paths, console: Console) -> int:
    """Write the report. Raises UsageError where it cannot be written."""
    if options.decisions < 0:
        raise UsageError(f"option --decisions: required 0 or more, found {options.decisions}")
    text = json.dumps(tree(paths, options.decisions), indent=1) + "\n"
    if options.output == "-":
        console.out.write(text)
        return 0
    path = options.output or time.strftime("hostfit-report-%Y%m%dT%H%M%SZ.json", time.gmtime())
    from hostfit.oci.files import symbol, write_atomic  # only to write a file

    try:
        write_atomic(path, text.encode(), 0o600)
    except OSError as error:
        raise UsageError(
            f"file {escape(path, 4096)}: required writable, found {symbol(error)}",
            hint="" if options.output else "--output FILE names another place",
        ) from error
    console.print(f"{path}: written; left out: {'; '.join(redact.LEFT_OUT)}")
    console.print("read it before you send it: it names images, containers, paths and devices of this host")
    return 0


def tree(paths: Paths, decisions: int) -> dict[str, Any]:
    """Give the report. A part that cannot be had says why in its place."""
    return {
        "version": VERSION,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "left_out": list(redact.LEFT_OUT),
        "hostfit": _hostfit(),
        "programs": _programs(),
        "policy": redact.everywhere(_policy(paths)),
        "doctor": redact.everywhere(_part(lambda: _doctor(paths))),
        "setup": redact.everywhere(_setup(paths)),
        "facts": redact.everywhere(_part(lambda: _facts(paths))),
        "decisions": _part(lambda: _decisions(paths, decisions)),
    }


def _part(make: Any) -> Any:
    try:
        return make()
    except HostfitError as error:
        return {"error": escape(error.message, 1000)}


def _hostfit() -> dict[str, Any]:
    import importlib.metadata  # 45 ms

    from hostfit.cli.main import version  # the command that runs

    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            packages[name] = ""
    return {
        "version": version(),
        "command": escape(sys.argv[0], 4096),
        "python": platform.python_version(),
        "packages": packages,
        "uid": os.geteuid(),
    }


def _programs() -> dict[str, str]:
    """What engines and runtimes say about themselves: the first line of `--version`, of programs that are root's."""
    from hostfit.oci.files import open_trusted  # only here

    found = {}
    for name in _PROGRAMS:
        for place in _PLACES:
            path = f"{place}/{name}"
            try:
                os.close(open_trusted(path))
            except FileNotFoundError:
                continue
            except (OSError, PolicyError) as error:
                found[path] = escape(f"not asked: {error}")
                continue
            found[path] = process.first_line([path, "--version"])
            break
    return found


def _policy(paths: Paths) -> dict[str, Any]:
    from hostfit.policy import load, read  # parses TOML and YAML

    try:
        policy = read.read(paths)
    except PolicyError as error:
        findings = [escape(str(one), 1000) for one in getattr(error, "findings", ())]
        return {"error": escape(error.message, 1000), "findings": findings}
    return {
        "error": "",
        "findings": [],
        "summary": [escape(line, 1000) for line in policy.summary()],
        "disabled": load.disabled(paths),
    }


def _doctor(paths: Paths) -> dict[str, Any]:
    from hostfit.cli import doctor  # the same words, names and fixes
    from hostfit.cli.checks import every  # with the above

    return doctor.tree(every.look("/", paths))


def _setup(paths: Paths) -> dict[str, Any]:
    from hostfit.cli.engines import record  # what setup wrote
    from hostfit.cli.engines.engine import NAMES  # with the above

    found: dict[str, Any] = {}
    for name in NAMES:
        try:
            kept = record.load(paths, name)
        except UsageError as error:
            found[name] = {"error": error.message}
            continue
        if kept is not None:
            found[name] = {**kept.options, "files": list(kept.files)}
    return found


def _facts(paths: Paths) -> dict[str, Any]:
    from hostfit.core.facts import Wanted  # the whole host
    from hostfit.facts import recorded  # with the above
    from hostfit.facts.host import Host  # with the above

    host = Host(etc=paths.etc)
    wanted = Wanted()
    for info in host.features():
        wanted.add(info.name, None)
    return redact.facts(recorded.dump(host.read(wanted)))


def _decisions(paths: Paths, count: int) -> list[Any]:
    from hostfit.gate import keep  # kept reports

    return [redact.decision(one) for one in keep.newest(count, paths)]
