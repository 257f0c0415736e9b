"""A hostfitd of its own for each test that wants one, and a client that asks it as the launcher does."""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from hostfit.core.paths import Paths
from hostfit.service import wire

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds to wait for what must happen; nothing here is measured."""
CLONE_NEWNET = 0x40000000
SPEC = "kernel.version.full >=3.0; kernel.loadedmodule.hostfit_none !exists; kernel.sysctl.kernel.ostype =Linux"
MISFIT = "kernel.loadedmodule.hostfit_none exists"


def until(condition, what, seconds=PATIENCE):
    """Wait until a condition holds and give its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"after {seconds} s: {what}"
        time.sleep(0.02)


class Service:
    """One hostfitd with its own places below `top`."""

    def __init__(self, top, prefix=()):
        self.top = Path(top)
        self.paths = Paths(f"{top}/etc", f"{top}/run", f"{top}/var")
        self.socket = f"{self.paths.run}/{wire.SOCKET}"
        self.prefix = tuple(prefix)
        self.process = None
        self.connection = None
        self.environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        Path(self.paths.run).mkdir(exist_ok=True)

    def start(self, *, wait=True):
        code = (
            # PR_SET_PDEATHSIG (prctl(2)): whoever ends the tests ends it as well.
            "import ctypes; ctypes.CDLL(None).prctl(1, 9);"
            f"import sys; sys.path[:0] = {sys.path!r}; from hostfit.service.main import main;"
            f"sys.exit(main('hostfitd', {(self.paths.etc, self.paths.run, self.paths.var)!r}, []))"
        )
        command = [*self.prefix, sys.executable, "-I", "-c", code]
        self.process = subprocess.Popen(command, env=self.environ, stderr=subprocess.PIPE, start_new_session=True)
        if wait:
            until(self.listens, "the service must listen")
        return self

    def listens(self):
        assert self.process.poll() is None, self.process.stderr.read()
        with socket.socket(socket.AF_UNIX) as one:
            return one.connect_ex(self.socket) == 0 and self.ask_nothing(one)

    def ask_nothing(self, one):
        """Whether the service answers at all: what is no question ends the connection."""
        one.settimeout(PATIENCE)
        one.sendall(b"\xff\xff\xff\xff")
        return one.recv(wire.REPLY_CAP) != b"never"

    def kill(self):
        """End the service, and nothing else, at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process.stderr.close()

    def bundle(self, name="b", **notes):
        """Make a bundle; `require` is the flat form."""
        place = self.top / "bundles" / name
        place.mkdir(parents=True, exist_ok=True)
        tree = {
            "ociVersion": "1.0.2",
            "process": {"args": ["/upf"], "env": ["PATH=/bin"]},
            "root": {"path": "rootfs"},
            "annotations": {f"io.hostfit.{key}": value for key, value in notes.items()},
        }
        (place / "config.json").write_text(json.dumps(tree))
        return place

    def ask(self, bundle, container="c1", entry="runtime", **more):
        """Ask as the launcher does, and give its last answer.

        On a machine that is busy a decision may take too long and be handed back; then it is asked again.
        """
        return until(lambda: self.ask_once(bundle, container, entry, **more), "an answer")

    def ask_once(self, bundle, container="c1", entry="runtime", **more):
        """As `ask`; None where the launcher has to go on without an answer."""
        return ask(self.socket, bundle, container, entry, connection=self.connection, **more)

    def require(self, text, name="b"):
        """Give the answer on a bundle that requires something."""
        return self.ask(self.bundle(name, require=text))


def question(bundle, container="c1", entry="runtime", **more):
    if entry == "hook":
        state = json.dumps({"id": container, "bundle": str(bundle), "pid": 1, "status": "created"}).encode()
        return wire.Question(entry="hook", bundle=str(bundle), state=state, **more)
    return wire.Question(entry=entry, verb="create", id=container, bundle=str(bundle), **more)


def ask(path, bundle, container="c1", entry="runtime", *, patience=PATIENCE, seen=None, connection=None, **more):
    """One question over one connection; `patience` is generous, for machines are slow."""
    config = os.open(f"{bundle}/config.json", os.O_RDONLY | os.O_CLOEXEC)
    one = socket.socket(socket.AF_UNIX) if connection is None else connection()
    try:
        end = time.monotonic() + patience
        one.settimeout(patience)
        one.connect(path)
        frame = wire.encode_question(question(bundle, container, entry, **more))
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [config]))]
        sent = one.sendmsg([frame], rights)
        one.sendall(frame[sent:])
        while True:
            one.settimeout(max(end - time.monotonic(), 0.001))
            found = answer(one)
            if seen is not None:
                seen.append(found.action)
            if found.action != wire.WAIT:
                return None if found.action == wire.YOURSELF else found
            end = time.monotonic() + patience
    except (OSError, wire.WireError):
        return None
    finally:
        one.close()
        os.close(config)


def answer(one):
    head = exactly(one, wire.HEAD)
    return wire.decode_answer(exactly(one, wire.length(head, wire.REPLY_CAP)))


def exactly(one, size):
    data = b""
    while len(data) < size:
        part = one.recv(size - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


@contextlib.contextmanager
def services():
    """Make services that are ended and removed afterwards."""
    made = []

    def make(*prefix):
        # Sockets have short paths.
        top = tempfile.mkdtemp(prefix="hostfitd-")
        made.append(Service(top, prefix))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.stop()
            shutil.rmtree(one.top, ignore_errors=True)


class Room:
    """A network, and a view of /sys and /run/udev, in which links come and go unseen by the rest of the machine."""

    def __init__(self):
        script = (
            "mount -t sysfs sys /sys && mkdir -p /run/udev && mount -t tmpfs run /run/udev &&"
            " echo ready && exec sleep infinity"
        )
        command = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout.readline() == b"ready\n"
        self.enter = ("nsenter", f"--target={self._process.pid}", "--net", "--mount")
        self.net = f"/proc/{self._process.pid}/ns/net"

    def run(self, *command, **options):
        return subprocess.run([*self.enter, *command], check=True, capture_output=True, text=True, **options).stdout

    @contextlib.contextmanager
    def network(self):
        """Sockets that are made within belong to this room and stay there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net") as own, open(self.net) as other:
            assert libc.setns(other.fileno(), CLONE_NEWNET) == 0
            try:
                yield
            finally:
                assert libc.setns(own.fileno(), CLONE_NEWNET) == 0

    def connection(self):
        """A socket as that of a launcher in this room."""
        with self.network():
            return socket.socket(socket.AF_UNIX)

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def make_service():
    with services() as make:
        yield make


@pytest.fixture
def service(make_service):
    return make_service().start()


@pytest.fixture(scope="module")
def room():
    one = Room()
    yield one
    one.close()
