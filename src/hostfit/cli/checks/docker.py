"""Docker: daemon.json and what the running daemon says it has."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from hostfit.cli.checks import trust
from hostfit.cli.checks.findings import Finding
from hostfit.cli.engines import docker, tables
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.tree import Tree

NAME = docker.NAME
SOCKET = "/run/docker.sock"
RUNTIME = "hostfit-runtime"
_WAIT = 5.0
_ANSWER = 4 << 20
"""Bytes of the daemon's description of itself."""


def check(tree: Tree) -> list[Finding]:
    """Give what is wrong. Raises UsageError where daemon.json cannot be understood."""
    values = docker.load(tree)
    runtimes = tables.table(values, "runtimes")
    paths = {name: str(tables.within(one, "path") or "") for name, one in runtimes.items()}
    ours = [name for name, path in paths.items() if path.rpartition("/")[2].startswith(RUNTIME)]
    default = str(values.get("default-runtime") or "runc")
    if not ours:
        return [Finding("not-set-up", docker.CONFIG, engine=NAME)]
    found = [one for name in ours for one in trust.program(tree, paths[name], engine=NAME)]
    flags = docker.flag_places(tree)
    if flags and "default-runtime" in values:
        message = f"{escape(flags[0], 4096)}: gives {docker.DEFAULT_FLAG} beside daemon.json"
        found.append(Finding("flag-conflict", flags[0], message, engine=NAME))
    if default not in ours:
        message = f"default-runtime: required hostfit, found {escape(default)}"
        found.append(Finding("not-default", docker.CONFIG, message, engine=NAME))
    others = [name for name in ("runc", *runtimes) if name not in ours and name != default]
    names = ", ".join([escape(name) for name in others])
    message = f"docker run --runtime can name {names}, which goes around hostfit"
    found.append(Finding("runtime-choice", "runtimes", message, engine=NAME))
    return found + (_daemon(ours, default) if tree.live else [])


def _daemon(ours: list[str], default: str) -> list[Finding]:
    """Compare with the running daemon; one that does not answer runs nothing."""
    said = info(SOCKET)
    if not said:
        return []
    known = tables.table(said, "Runtimes")
    if all([name in known for name in ours]) and said.get("DefaultRuntime", default) == default:
        return []
    message = f"{docker.CONFIG}: dockerd does not have its runtimes yet"
    return [Finding("restart-needed", docker.CONFIG, message, engine=NAME)]


def info(path: str) -> dict[str, Any]:
    """Ask a daemon on its socket for `GET /info` (Docker Engine API); nothing where it does not answer."""
    request = b"GET /info HTTP/1.0\r\nHost: docker\r\n\r\n"
    data = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
            one.settimeout(_WAIT)
            one.connect(path)
            one.sendall(request)
            while len(data) < _ANSWER and (piece := one.recv(1 << 16)):
                data += piece
        values = json.loads(data.partition(b"\r\n\r\n")[2])
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
