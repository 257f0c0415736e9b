"""IS peers: who may ask, how much and how long; what others send costs the service and other clients nothing."""

from __future__ import annotations

import array
import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from hostfit.service import wire

from .conftest import PATIENCE, SPEC, answer, ask, question, until

pytestmark = pytest.mark.system


def connected(service):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(PATIENCE)
    one.connect(service.socket)
    return one


def ended(one):
    """Whether the service ends the connection; what it says before counts for nothing."""
    try:
        while one.recv(4096):
            pass
    except ConnectionResetError:
        pass
    finally:
        one.close()
    return True


def fine(service):
    return service.ask(service.bundle(require=SPEC)).action == wire.START


def test_nobody_but_root_is_answered(service):
    """The socket's mode keeps others out; where somebody opens it, the service looks at who asks."""
    for place in (service.top, service.top / "run", service.top / "run" / "service"):
        place.chmod(0o755)
    code = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); one = socket.socket(socket.AF_UNIX);"
        "one.settimeout(60); one.connect(sys.argv[1]); print(repr(one.recv(1)))"
    )
    command = [sys.executable, "-I", "-c", code, service.socket]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "PermissionError" in refused.stderr

    os.chmod(service.socket, 0o666)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "b''\n", done.stderr
    assert fine(service)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x08\0\0\0\xff\0\0\0\0",
        b"\0" * 4096,
    ],
)
def test_what_is_no_question_ends_the_connection(sent, service):
    one = connected(service)
    one.sendall(sent)
    one.shutdown(socket.SHUT_WR)

    assert ended(one)
    assert fine(service)


def test_a_question_of_another_version_is_handed_back(service):
    bundle = service.bundle()
    frame = wire.encode_question(question(bundle)).replace(wire.VERSION.encode(), b"9.9.9"[: len(wire.VERSION)], 1)
    with connected(service) as one:
        one.sendall(frame)

        assert answer(one).action == wire.YOURSELF


def test_a_question_without_its_configuration_is_handed_back(service):
    with connected(service) as one:
        one.sendall(wire.encode_question(question(service.bundle())))

        assert answer(one).action == wire.YOURSELF


@pytest.mark.parametrize("count", [2, 3, 60])
def test_more_descriptors_than_one_are_closed_and_end_the_connection(count, service):
    before = len(os.listdir(f"/proc/{service.process.pid}/fd"))
    fd = os.open(service.bundle() / "config.json", os.O_RDONLY)
    one = connected(service)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd] * count))]
    one.sendmsg([wire.encode_question(question(service.bundle()))], rights)
    os.close(fd)

    assert ended(one)
    assert fine(service)
    until(lambda: len(os.listdir(f"/proc/{service.process.pid}/fd")) <= before, "the descriptors must be closed")


@pytest.mark.parametrize("kind", ["directory", "fifo", "device", "socket"])
def test_something_else_in_place_of_the_configuration_is_handed_back(kind, service, tmp_path):
    path = service.bundle("odd") / "config.json"
    path.unlink(missing_ok=True)
    other = None
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        other = socket.socket(socket.AF_UNIX)
        other.bind(str(path))
    fd = os.open(path, os.O_PATH if kind == "socket" else os.O_RDONLY | os.O_NONBLOCK)
    with connected(service) as one:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        one.sendmsg([wire.encode_question(question(path.parent))], rights)
        os.close(fd)

        assert answer(one).action == wire.YOURSELF
    if other is not None:
        other.close()


def test_a_configuration_that_is_very_long_is_handed_back(service):
    bundle = service.bundle()
    (bundle / "config.json").write_text(json.dumps({"annotations": {"x": "y" * (2 << 20)}}))

    assert service.ask_once(bundle) is None


def test_half_a_question_is_cut_and_others_are_served_meanwhile(service):
    frame = wire.encode_question(question(service.bundle()))
    slow = [connected(service) for _ in range(20)]
    for number, one in enumerate(slow):
        one.sendall(frame[: number + 1])

    assert fine(service)
    assert all(ended(one) for one in slow)


def test_more_than_it_will_keep_is_cut(service):
    """Each is within the cap of a question; all together are not."""
    size = wire.REQUEST_CAP - 1024
    head = (size + 512).to_bytes(4, "big")
    many = []
    for _ in range(12):
        one = connected(service)
        many.append(one)
        try:
            one.sendall(head + b"x" * size)
        except OSError:
            break

    assert fine(service)
    assert all(ended(one) for one in many)


def test_connections_beyond_the_bound_wait_and_are_served(service):
    """As many idle connections as there may be, and then a question: it is answered when the idle ones are cut."""
    from hostfit.service.server import CLIENTS

    idle = [connected(service) for _ in range(CLIENTS)]

    assert fine(service)
    for one in idle:
        assert ended(one)


def test_whoever_comes_behind_others_is_told_to_wait_and_none_is_left_without_an_answer(service):
    """`make bench` does this with 200 launchers; a machine with much else to do may hand single ones back."""
    bundle = service.bundle(require=SPEC)
    until(lambda: crowd_was_served(service, bundle), "a crowd that is served in turn")


def crowd_was_served(service, bundle, count=60):
    said = [[] for _ in range(count)]
    start = threading.Barrier(count)

    def one(number):
        start.wait()
        ask(service.socket, bundle, f"c{number}", seen=said[number])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    ends = [tuple(one) for one in said]
    assert set(ends) <= {(*waits, last) for waits in ((), (wire.WAIT,)) for last in (wire.START, wire.YOURSELF)} | {
        (),
        (wire.WAIT,),
    }
    return all(one and one[-1] == wire.START for one in ends) and (wire.WAIT, wire.START) in ends


def test_a_client_that_went_away_costs_no_decision(service):
    bundle = service.bundle(require=SPEC)
    for number in range(20):
        with connected(service) as one:
            fd = os.open(bundle / "config.json", os.O_RDONLY)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
            one.sendmsg([wire.encode_question(question(bundle, f"gone{number}"))], rights)
            os.close(fd)

    assert fine(service)


def test_a_launcher_in_another_network_decides_itself(service):
    """It would see other sysctls and links than the service does."""
    script = (
        f"import sys; sys.path[:0] = {sys.path + [str(service.top)]!r}\n"
        "import array, os, socket\n"
        "from hostfit.service import wire\n"
        "path, bundle = sys.argv[1:]\n"
        "one = socket.socket(socket.AF_UNIX); one.settimeout(60); one.connect(path)\n"
        "fd = os.open(bundle + '/config.json', os.O_RDONLY)\n"
        "asked = wire.Question(entry='runtime', verb='create', id='c', bundle=bundle)\n"
        "rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))]\n"
        "one.sendmsg([wire.encode_question(asked)], rights)\n"
        "print(wire.decode_answer(one.recv(4096)[4:]).action)\n"
    )
    command = [sys.executable, "-I", "-c", script, service.socket, service.bundle(require=SPEC)]

    assert run(command) == wire.START
    assert run(["unshare", "--net", *command]) == wire.YOURSELF


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
