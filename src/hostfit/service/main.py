"""hostfitd: puts the parts together, listens, serves until it is told to end."""

from __future__ import annotations

import fcntl
import gc
import os
import resource
import signal
import socket
import sys

from hostfit.core.paths import Paths
from hostfit.oci.files import ensure_directory, symbol
from hostfit.service import images, wire
from hostfit.service.decide import Decider
from hostfit.service.housekeeping import Housekeeping
from hostfit.service.live import LiveHost
from hostfit.service.notify import Notify
from hostfit.service.server import BACKLOG, CLIENTS, Server
from hostfit.version import VERSION

JUDGE_IMAGES = "--judge-images"
_DESCRIPTORS = 2 * CLIENTS + 256
"""Each client has a connection and an open configuration."""


def main(script: str, places: tuple[str, str, str], arguments: list[str]) -> int:
    """Serve; `places` are those of Paths, `script` is what a child is started with. Gives the exit status."""
    paths = Paths(*places)
    if arguments == [JUDGE_IMAGES]:
        images.judge(paths)
        return 0
    if arguments == ["--version"]:
        print(f"hostfitd {VERSION}")  # noqa: T201 - what was asked for
        return 0
    if arguments:
        print("usage: hostfitd [--version]", file=sys.stderr)  # noqa: T201 - as above
        return 2
    environ = dict(os.environ)
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        os.environ.pop(name, None)
    _more_descriptors()
    try:
        lock, listener = listen(paths)
    except OSError as error:
        print(f"hostfitd: {error.filename or paths.run}: {symbol(error)}", file=sys.stderr)  # noqa: T201 - for the journal
        return 1
    command = (sys.executable, "-I", "-S", os.path.abspath(script), JUDGE_IMAGES)
    serve(paths, listener, Notify(environ), command)
    os.close(lock)
    return 0


def serve(paths: Paths, listener: socket.socket, notify: Notify, judge_images: tuple[str, ...]) -> None:
    """Serve on a socket that listens already, until SIGTERM or SIGINT."""
    decider = Decider(paths, LiveHost(etc=paths.etc))
    housekeeping = Housekeeping(decider, judge_images)
    server = Server(listener, decider, notify, housekeeping)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    decider.warm()
    # What is there now stays: later collections need not walk through it.
    gc.collect()
    gc.freeze()
    notify.tell("READY=1", f"STATUS=Deciding, hostfit {VERSION}")
    server.run()
    notify.tell("STOPPING=1")
    housekeeping.close()
    decider.host.close()


def listen(paths: Paths) -> tuple[int, socket.socket]:
    """Give a lock that only one service can have, and the listening socket in place of any that an earlier one left.

    Raises OSError; BlockingIOError where another service runs.
    """
    path = f"{paths.run}/{wire.SOCKET}"
    folder = os.path.dirname(path)
    ensure_directory(folder, 0o755)
    lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    spare = f"{path}.{os.getpid()}"
    if os.path.lexists(spare):
        os.unlink(spare)
    before = os.umask(0o177)
    try:
        listener.bind(spare)
    finally:
        os.umask(before)
    # Whoever connects meets either the old socket, on which nobody listens any more, or this one.
    listener.listen(BACKLOG)
    os.rename(spare, path)
    return lock, listener


def _more_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_DESCRIPTORS, hard), hard))
