"""The gRPC client against servers that misbehave; the real server is in test_containerd.py."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time

import pytest

from hostfit.core.errors import SourceError
from hostfit.sources import grpc, hpack
from hostfit.sources.grpc import Channel, StatusError, TransportError


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + bytes((kind, flags)) + struct.pack("!I", stream) + payload


def headers(stream, *pairs, end=False, flags=4):
    return frame(1, flags | end, stream, hpack.encode(pairs))


OK = headers(1, (":status", "200"), ("content-type", "application/grpc"))
TRAILER = headers(1, ("grpc-status", "0"), end=True)
SETTINGS = frame(4, 0, 0)


@pytest.fixture
def server(tmp_path):
    """Answer whatever one client sends with fixed bytes, then keep the connection open until the test ends."""
    path = tmp_path / "s"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(1)
    done = threading.Event()
    received = bytearray()

    def start(answer, *, close=False):
        def serve():
            client, _ = listening.accept()
            with client:
                client.settimeout(2)
                received.extend(client.recv(65536))
                try:
                    client.sendall(answer)
                    if not close:
                        client.settimeout(0.02)
                        while not done.is_set():
                            try:
                                received.extend(client.recv(65536))
                            except TimeoutError:
                                continue
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append(thread)
        return str(path)

    threads = []
    start.received = received
    yield start
    done.set()
    for thread in threads:
        thread.join(5)
    listening.close()


def call(path, timeout=2.0):
    with Channel(path, timeout=timeout) as channel:
        return channel.call("/x.Y/Z", b"question", (("containerd-namespace", "default"),))


def message(data, compressed=0):
    return struct.pack("!BI", compressed, len(data)) + data


def test_a_reply_in_pieces_with_padding_settings_and_ping(server):
    body = message(b"one") + message(b"two" * 3000)
    answer = (
        SETTINGS + OK + frame(0, 0, 1, body[:4]) + frame(6, 0, 0, b"12345678")
        + frame(0, 8, 1, b"\x03" + body[4:20] + b"\0\0\0") + frame(8, 0, 0, b"\0\0\0\1") + frame(0, 0, 1, body[20:])
        + TRAILER
    )  # fmt: skip

    assert call(server(answer)) == [b"one", b"two" * 3000]
    time.sleep(0.1)
    assert frame(4, 1, 0) in server.received
    assert frame(6, 1, 0, b"12345678") in server.received
    assert bytes(server.received).startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


def test_headers_may_come_in_continuations_and_with_priority(server):
    block = hpack.encode((("grpc-status", "0"),))
    answer = SETTINGS + frame(1, 0x20 | 4, 1, b"\0\0\0\0\x10" + hpack.encode(((":status", "200"),)))
    answer += frame(1, 1, 1, block[:3]) + frame(9, 4, 1, block[3:])

    assert call(server(answer)) == []


def test_a_status_other_than_ok_has_number_and_message(server):
    answer = SETTINGS + headers(
        1, (":status", "200"), ("grpc-status", "5"), ("grpc-message", "no%20such%0athing%zz"), end=True
    )

    with pytest.raises(StatusError) as caught:
        call(server(answer))
    assert caught.value.status == grpc.NOT_FOUND
    assert str(caught.value) == '/x.Y/Z: gRPC status 5: "no such\\\\x0athing%zz"'.replace("\\\\", "\\")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "frame must not be larger than 16384 bytes"),
        (SETTINGS + frame(7, 0, 0, b"\0" * 8), "server ends the connection"),
        (SETTINGS + frame(3, 0, 1, b"\0\0\0\7"), "server resets the call with code 7"),
        (SETTINGS + headers(1, (":status", "502"), end=True), "HTTP status 200 and a gRPC status are required"),
        (SETTINGS + headers(1, (":status", "200"), ("grpc-status", "x"), end=True), "a gRPC status are required"),
        (SETTINGS + OK + frame(0, 0, 1, b"\0\0\0\0\x09abc") + TRAILER, "reply ends early"),
        (SETTINGS + OK + frame(0, 0, 1, b"\0\0\0") + TRAILER, "reply ends early"),
        (SETTINGS + OK + frame(0, 0, 1, message(b"x", 1)) + TRAILER, "reply is compressed"),
        (SETTINGS + frame(1, 4, 1, b"\xff\xff"), "header"),
        (SETTINGS + frame(0, 8, 1, b"\xff"), "frame has bad padding"),
        (SETTINGS + frame(5, 4, 1, b"\0\0\0\2"), "server pushes"),
        (SETTINGS + frame(1, 0, 1, b"x" * 16000) + frame(9, 0, 1, b"x" * 16000) * 4, "too many headers"),
    ],
)
def test_nonsense_is_one_error(server, answer, message):
    with pytest.raises(TransportError, match=message):
        call(server(answer))


def test_a_server_that_hangs_up_or_stays_silent_ends_in_time(server):
    with pytest.raises(TransportError, match=r"server closed the connection|read: ECONNRESET|write: EPIPE"):
        call(server(SETTINGS + OK, close=True))
    started = time.monotonic()
    with pytest.raises(TransportError, match=r"ETIMEDOUT|no answer in time"):
        call(server(SETTINGS), timeout=0.2)
    assert time.monotonic() - started < 1


def test_a_server_that_drips_bytes_does_not_get_past_the_deadline(server, monkeypatch):
    monkeypatch.setattr(time, "monotonic", iter([0.0, *[n * 0.1 for n in range(200)]]).__next__)
    with pytest.raises(TransportError, match="no answer in time"):
        call(server(SETTINGS + frame(6, 0, 0, b"12345678") * 1000), timeout=2.0)


def test_a_flood_is_cut_off(server, monkeypatch):
    monkeypatch.setattr(grpc, "_WINDOW", 100_000)
    with pytest.raises(TransportError, match="sent more than 100000 bytes"):
        call(server(SETTINGS + OK + frame(0, 0, 1, b"\0" * 16000) * 20))


def test_only_sockets_at_absolute_paths_are_connected_to(tmp_path):
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "fifo")
    for path, message in (
        ("@abstract", "an absolute path of a socket is required"),
        ("\0abstract", "an absolute path of a socket is required"),
        ("", "an absolute path of a socket is required"),
        (str(tmp_path / "none"), "connect: ENOENT"),
        (str(tmp_path / "file"), "a socket is required"),
        (str(tmp_path / "fifo"), "a socket is required"),
        ("/" + "x" * 200, "connect: E"),
        ("/a\0b", "connect: not a valid path"),
    ):
        with pytest.raises(SourceError, match=message):
            Channel(path, timeout=1)


@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only it can listen as somebody else")
def test_a_socket_of_another_user_is_not_believed(tmp_path):
    """Security rule R12: the client verifies the server's user."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        os.seteuid(65534)
        try:
            listening.listen(1)
        finally:
            os.seteuid(0)

        with pytest.raises(TransportError, match="a server of root or of user 0 is required, found user 65534"):
            Channel(str(tmp_path / "s"), timeout=1)


def test_a_request_that_does_not_fit_one_frame_is_refused(server):
    with Channel(server(SETTINGS), timeout=1) as channel, pytest.raises(SourceError, match="must fit one frame"):
        channel.call("/x.Y/Z", b"x" * 20000)
