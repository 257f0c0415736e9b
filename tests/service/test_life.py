"""IS death: whatever becomes of the service in the middle of starts, every verdict is that of a direct decision."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hostfit.gate import gate
from hostfit.oci.bundle import read_bundle
from hostfit.oci.request import Request
from hostfit.service import wire

from .conftest import MISFIT, PATIENCE, SPEC, ask, services, until

pytestmark = pytest.mark.system

CLIENTS = 50


def direct(service, bundle):
    """What Python decides without any service."""
    report = gate.decide(
        Request(entry="runtime", verb="create", id="c1", bundle=read_bundle(str(bundle))), service.paths
    )
    return (wire.START, report.decision.runtime) if report.starts else (wire.DENY, "")


class Crowd:
    """Clients that ask without a pause, each about both bundles in turn, and count what they were told."""

    def __init__(self, service, bundles, expected):
        self.service, self.bundles, self.expected = service, bundles, expected
        self.wrong, self.told, self.alone = [], 0, 0
        self.going = True
        self.threads = [threading.Thread(target=self.ask) for _ in range(CLIENTS)]
        for one in self.threads:
            one.start()

    def ask(self):
        turn = 0
        while self.going:
            turn += 1
            bundle = self.bundles[turn % len(self.bundles)]
            found = ask(self.service.socket, bundle, patience=5.0)
            if found is None:
                # The launcher would decide by itself now, as `direct` does.
                self.alone += 1
                time.sleep(0.01)
                continue
            self.told += 1
            if (found.action, found.runtime) != self.expected[bundle]:
                self.wrong.append((bundle, found.action, found.line))

    def end(self):
        self.going = False
        for one in self.threads:
            one.join(PATIENCE)
        assert not any(one.is_alive() for one in self.threads)


def deaths(service, times):
    """Kill the service that often at moments spread over its life, from before it listens to amid answers."""
    bundles = [service.bundle("fits", require=SPEC), service.bundle("misfit", require=MISFIT)]
    crowd = Crowd(service, bundles, {bundle: direct(service, bundle) for bundle in bundles})
    try:
        for number in range(times):
            service.start(wait=False)
            if number % 3 == 0:
                time.sleep(0.01 * (number % 40))
            else:
                enough = crowd.told + 1 + 7 * (number % 3)
                until(lambda enough=enough: crowd.told >= enough, "answers")
            service.kill()
        service.start()
        before = crowd.told
        until(lambda: crowd.told > before + CLIENTS, "answers after the last death")
    finally:
        crowd.end()
    assert not crowd.wrong
    assert crowd.alone


def test_fifty_deaths_under_fifty_clients_change_no_verdict(make_service):
    deaths(make_service(), 50)


@pytest.mark.soak
def test_a_thousand_deaths_under_fifty_clients_change_no_verdict(make_service):
    deaths(make_service(), 1000)


def test_a_service_that_hangs_costs_the_deadline_and_no_more(service):
    """The launcher's own deadline is tested with the launcher; here: nothing comes, and afterwards all is well."""
    bundle = service.bundle(require=SPEC)
    service.process.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        assert ask(service.socket, bundle, patience=wire.DEADLINE) is None
        assert time.monotonic() - start >= wire.DEADLINE
    finally:
        service.process.send_signal(signal.SIGCONT)

    assert service.ask(bundle).action == wire.START


def test_a_second_service_does_not_take_the_first_ones_place(service):
    second = type(service)(service.top)
    second.start(wait=False)

    assert second.process.wait(PATIENCE) == 1
    assert b"EAGAIN" in second.process.stderr.read()
    assert service.ask(service.bundle()).action == wire.START
    second.process.stderr.close()


def test_a_stale_socket_is_replaced(make_service):
    service = make_service()
    service.start()
    service.kill()
    assert os.path.exists(service.socket)
    assert service.ask_once(service.bundle()) is None

    service.start()

    assert service.ask(service.bundle()).action == wire.START


def test_it_ends_when_it_is_told_to_and_leaves_no_client_waiting(service):
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(service.socket)
        service.process.terminate()

        assert service.process.wait(PATIENCE) == 0
        waiting.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            assert waiting.recv(1) == b""


class Supervisor:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, service, seconds):
        self.path = str(service.top / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        service.environ |= {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": str(int(seconds * 1e6))}

    def next(self, seconds=PATIENCE):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return ""

    def empty(self):
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                pass
        except BlockingIOError:
            return


def test_systemd_is_told_when_it_is_ready_and_that_the_loop_turns(make_service):
    service = make_service()
    supervisor = Supervisor(service, 0.3)
    try:
        service.start()
        assert supervisor.next().startswith("READY=1\n")
        assert supervisor.next() == "WATCHDOG=1"

        service.process.send_signal(signal.SIGSTOP)
        # What was sent before it stopped.
        until(lambda: state(service.process.pid) == "T", "the service must have stopped")
        supervisor.empty()
        assert supervisor.next(1.0) == ""

        service.process.send_signal(signal.SIGCONT)
        assert supervisor.next() == "WATCHDOG=1"
        service.process.terminate()
        until(lambda: supervisor.next() == "STOPPING=1", "it must say that it ends")
    finally:
        supervisor.socket.close()


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_loop_that_does_not_turn_starves_the_watchdog(tmp_path):
    """Fed by the loop alone: a decision that hangs stops the feeding, though the process lives."""
    code = (
        f"import sys, time; sys.path[:0] = {sys.path!r}\n"
        "from hostfit.service import main, decide\n"
        "decide.Decider.answer = lambda *_: time.sleep(3600)\n"
        f"main.main('hostfitd', {(f'{tmp_path}/etc', f'{tmp_path}/run', f'{tmp_path}/var')!r}, [])\n"
    )
    with services() as make:
        service = make()
        service.paths.run = f"{tmp_path}/run"
        service.socket = f"{tmp_path}/run/{wire.SOCKET}"
        supervisor = Supervisor(service, 0.3)
        process = subprocess.Popen([sys.executable, "-I", "-c", code], env=service.environ)
        try:
            assert supervisor.next().startswith("READY=1\n")
            assert supervisor.next() == "WATCHDOG=1"
            assert ask(service.socket, service.bundle(), patience=0.5) is None
            until(lambda: supervisor.next(2.0) == "", "the feeding must stop")
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()
            supervisor.socket.close()


def test_its_memory_stays_what_it_is(service):
    """A bounded version; the benchmark shows decision 1,000 to 10,000. Every image has its own spec here."""

    def ask_all(numbers):
        for number in numbers:
            found = service.require(
                f"{SPEC}; kernel.cmdline.option{number} !exists; kernel.loadedmodule.m{number} !exists"
            )
            assert found.action == wire.START

    ask_all(range(600))
    before = resident(service.process.pid)
    ask_all(range(600, 1600))

    assert resident(service.process.pid) - before < 4096
    assert resident(service.process.pid) < 80 * 1024


def resident(pid):
    """KiB in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
