"""The native launcher with services that answer as told, and its parts by themselves under the sanitizers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bed"))

from hostfit_bed.entries import (
    HOOK,
    ROOT,
    SHIM,
    Native,
    bundle,
    compiled_probe,
    native,
    need_root,
    patient,
    probe,
)

from hostfit.core.paths import Paths
from hostfit.policy import compiled
from hostfit.service import wire

__all__ = ["HOOK", "ROOT", "SHIM", "bundle", "compiled_probe", "native", "need_root", "patient", "probe"]

POLICY = """
[policy]
default = "probe"
[runtime.probe]
binary = ["/nonexistent/probe", "{probe}"]
isolation = 2
[runtime.strong]
binary = "{probe}"
isolation = 3
[runtime.weak]
binary = "{probe}"
[runtime.granting]
binary = "{probe}"
isolation = 3
grants = true
[runtime.gone]
binary = "/nonexistent"
isolation = 3
[runtime.shim]
shim = "/usr/bin/containerd-shim-x-v2"
isolation = 3
"""


def furnish(place, probe):
    """Give an installation a policy, compiled, with a start from every table that a service may name."""
    place.paths = Paths(str(place.etc), str(place.run), str(place.var))
    for folder in (place.etc, place.run, place.run / "service", place.run / "containers"):
        folder.mkdir(mode=0o755)
    (place.etc / "hostfit.toml").write_text(POLICY.format(probe=probe.path))
    compiled.compile_policy(place.paths)
    return place


@pytest.fixture
def place(tmp_path, patient, probe):
    """An installation whose launcher waits for its answer."""
    return furnish(Native(tmp_path, *patient), probe)


@pytest.fixture
def hasty(tmp_path, native, probe):
    """An installation whose launcher waits as long as an installed one."""
    return furnish(Native(tmp_path, *native), probe)


class Service:
    """Listens where hostfitd does and treats each connection as it is told; `questions` and `configs` is what came."""

    def __init__(self, place, treat):
        self.questions, self.configs, self.treat = [], [], treat
        self.path = place.run / "service/decide"
        self.socket = socket.socket(socket.AF_UNIX)
        with contextlib.chdir(self.path.parent):
            self.socket.bind(self.path.name)
        self.socket.listen(64)
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        self.path.unlink()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self.treat(self, connection)

    def read(self, connection):
        """Take the question and the digest of the configuration that came with it."""
        data, fds, _, _ = socket.recv_fds(connection, wire.REQUEST_CAP, 4)
        if not data:
            raise ConnectionError
        size = wire.HEAD + wire.length(data[: wire.HEAD], wire.REQUEST_CAP)
        while len(data) < size:
            data += connection.recv(size - len(data))
        assert len(fds) == 1
        with open(fds[0], "rb") as config:
            assert config.tell() == 0
            self.configs.append(config.read())
        self.questions.append(wire.decode_question(data[wire.HEAD :]))
        return compiled.sha256(self.configs[-1])


def answering(*answers):
    """A treatment: read, then say these; by default the digest is the right one."""

    def treat(service, connection):
        digest = service.read(connection)
        for one in answers:
            if one.action == wire.START:
                one.digest = one.digest or digest
            connection.sendall(wire.encode_answer(one))
        # The launcher closes first, so that nothing here depends on when it reads.
        connection.recv(1)

    return treat


class Parts:
    """The launcher's parts as one process that answers, compiled with both sanitizers."""

    def __init__(self, path):
        self.path = path
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, part, data):
        """Give what a part makes of some bytes: None where it says no, else its texts."""
        self.process.stdin.write(part.encode() + len(data).to_bytes(4, "big") + data)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), "the sanitizers stopped it"
        answer, *texts = line.decode().rstrip("\n").split(" ")
        return [bytes.fromhex(one) for one in texts] if answer == "yes" else None


@pytest.fixture(scope="session")
def parts_binary(tmp_path_factory):
    top = tmp_path_factory.mktemp("parts")
    subprocess.run(
        ["make", "-s", "-C", ROOT / "src/launcher", f"OUT={top}/parts", f"PARTS={Path(__file__).with_name('parts.c')}",
         f"RUN={top}", f"VAR={top}", "STRICT=-Werror", "parts"], check=True,
    )  # fmt: skip
    return top / "parts"


@pytest.fixture(scope="session")
def parts(parts_binary):
    parts = Parts(parts_binary)
    yield parts
    with parts.process:
        parts.process.stdin.close()
        assert parts.process.wait(60) == 0


def run(program, *words, **options):
    """Run a program to its end."""
    return subprocess.run([os.fsencode(program), *words], capture_output=True, check=False, timeout=300, **options)
