"""Engines' daemons: since when they run, and with which configuration file."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

from hostfit.cli.checks.findings import Finding
from hostfit.core import limits
from hostfit.core.text import escape
from hostfit.oci.files import read_capped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostfit.cli.engines.tree import Tree


_LONGEST = 10
"""Seconds that a program may take to say its version."""


class Process:
    """A running daemon of root's: its arguments, and when it was started in seconds since 1970."""

    def __init__(self, words: list[str], started: float) -> None:
        self.words = words
        self.started = started

    def option(self, *names: str) -> str:
        """Give the value of the first of these options that is there, empty where none is."""
        for position, word in enumerate(self.words):
            for name in names:
                if word == name and position + 1 < len(self.words):
                    return self.words[position + 1]
                if word.startswith(f"{name}="):
                    return word.partition("=")[2]
        return ""


def running(*names: str) -> list[Process]:
    """Give root's processes with one of these names that see the same files as we do."""
    mounts = os.stat("/proc/self/ns/mnt").st_ino
    offset = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    tick = os.sysconf("SC_CLK_TCK")
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = read_capped(f"/proc/{entry}/stat", limits.PROC_FILE).decode("utf-8", "replace")
            name = stat.partition("(")[2].rpartition(")")[0]
            if name not in names or os.stat(f"/proc/{entry}").st_uid != 0:
                continue
            if os.stat(f"/proc/{entry}/ns/mnt").st_ino != mounts:
                continue
            words = read_capped(f"/proc/{entry}/cmdline", limits.PROC_FILE).decode("utf-8", "replace").split("\0")[:-1]
            started = int(stat.rpartition(")")[2].split()[19]) / tick + offset
        except (OSError, ValueError, IndexError):
            continue
        if words:
            found.append(Process(words, started))
    return found


def outdated(tree: Tree, process: Process, files: Sequence[str], *, engine: str) -> Iterator[Finding]:
    """Say where a file that the daemon reads at its start has changed since."""
    for path in files:
        try:
            status = os.stat(tree.place(path))
        except OSError:
            continue
        if max(status.st_mtime, status.st_ctime) > process.started:
            message = f"{escape(path, 4096)}: changed after {engine} was started"
            yield Finding("restart-needed", path, message, engine=engine)
            return


def first_line(command: list[str]) -> str:
    """Give the first line that a program of root's prints, escaped."""
    clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            timeout=_LONGEST, env=clean, cwd="/",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return escape(f"not told: {type(error).__name__}")
    return escape(done.stdout.decode("utf-8", "replace").strip().partition("\n")[0])
