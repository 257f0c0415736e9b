"""The commands on a real terminal: its width, colour, progress that leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
HOST = TESTS / "hosts" / "intel-xeon6-e810-8-of-128-vfs" / "root"
ENVIRONMENT = {"PYTHONPATH": str(TESTS.parent / "src"), "PATH": os.environ["PATH"], "TERM": "xterm"}
CODES = re.compile(r"\x1b\[[0-9]*[mK]")


@pytest.fixture
def terminal():
    """Run a command on a terminal of so many columns, and give what it wrote there."""

    def call(*words, columns=80, **environment):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "hostfit.cli.main", *map(str, words)],
            stdin=theirs, stdout=theirs, stderr=theirs, env=ENVIRONMENT | environment,
        )  # fmt: skip
        os.close(theirs)
        written = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # EIO: the last writer has closed it
                break
            if not data:
                break
            written += data
        os.close(ours)
        process.wait(timeout=30)
        return written.decode().replace("\r\n", "\n")

    return call


def test_a_table_is_no_wider_than_the_terminal(terminal):
    shown = terminal("facts", "network.sriov", "system", "--root", HOST, columns=60)

    lines = [CODES.sub("", line) for line in shown.rpartition("\r")[2].splitlines()]
    assert lines[0].split() == ["FEATURE", "ELEMENT", "VALUE"]
    assert max(map(len, [line for line in lines if "://" not in line])) <= 60


def test_progress_is_shown_and_wiped(terminal):
    shown = terminal("facts", "pci", "system", "--root", HOST)

    assert "\r\x1b[K[1/" in shown
    assert "\r\x1b[KFEATURE" in shown


def test_the_verdict_has_a_colour_where_it_is_wanted(terminal):
    words = ("check", "--require", "kernel.loadedmodule.nosuch exists", "--root", HOST)

    assert terminal(*words).startswith("\x1b[31mhostfit: this spec does not fit this host: ")
    assert "\x1b" not in terminal(*words, NO_COLOR="1")
    assert "\x1b" not in terminal(*words, TERM="dumb")


def test_an_address_can_be_copied_from_a_narrow_terminal(terminal):
    shown = terminal("explain", "kernel.module", columns=50)

    assert "https://man7.org/linux/man-pages/man8/modinfo.8.html\n" in shown
