"""A private corner of this machine for engines: own mounts, network and processes, everything at its usual place."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from hostfit_bed.command import ENVIRONMENT, run, wait_for

TREE = Path(__file__).resolve().parents[3]
ROOM = TREE / "packaging" / "dev" / "room"
CGROUPS = Path("/sys/fs/cgroup")
ENGINES = {"default", "docker", "k8s.io", "libpod_parent", "machine.slice", "moby", "payload", "supervisor"}
"""Control groups that engines make at the top and leave there."""


def cgroups():
    """Top-level control groups of every hierarchy that is mounted."""
    return {path for pattern in ("*/", "*/*/") for path in CGROUPS.glob(pattern)}


class Room:
    """One corner that lives as long as the object; `directory` holds what is inside it at /run, /var/lib, /opt.

    `policy` is /etc/hostfit inside, `run_dir` /run, `lib` /var/lib, `opt` /opt: tests read and write there directly.
    """

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="hf-bed-", dir="/tmp"))
        self.directory.chmod(0o755)
        self.policy = self.directory / "policy"
        self.run_dir = self.directory / "run"
        self.lib = self.directory / "lib"
        self.opt = self.directory / "opt"
        for directory in (self.policy, self.run_dir, self.lib, self.opt):
            directory.mkdir()
        self.pid = 0
        self._process = None
        self._daemons = []
        self._before = cgroups()

    def place(self, path, text, mode=0o644):
        """Lay a file below /etc or /usr before the room starts."""
        target = self.directory / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def start(self):
        """Open the room: nothing runs in it yet."""
        log = self.directory / "room.log"
        with log.open("w") as sink:
            self._process = subprocess.Popen(
                [ROOM, self.directory, "sh", "-c", "echo >/run/.open; exec sleep infinity"],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=ENVIRONMENT, start_new_session=True,
            )  # fmt: skip
        opened = self.run_dir / ".open"
        wait_for(lambda: opened.exists() or self._process.poll() is not None, "the room")
        assert opened.exists(), log.read_text()
        self.pid = child_of(self._process.pid)
        return self

    def enter(self, command, *, cpuinfo=None):
        """Give the command that runs `command` inside, on request with another /proc/cpuinfo."""
        inside = ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "--"]
        if cpuinfo is not None:
            swap = 'mount --bind "$0" /proc/cpuinfo && exec "$@"'
            inside += ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", swap, str(cpuinfo)]
        return [*inside, *[str(word) for word in command]]

    def run(self, command, *, cpuinfo=None, **options):
        """Run a command inside and wait for it."""
        return run(self.enter(command, cpuinfo=cpuinfo), **options)

    def spawn(self, command, log):
        """Start a daemon inside; it ends with the room. Its output goes to the file `log` of the directory."""
        with (self.directory / log).open("w") as sink:
            daemon = subprocess.Popen(
                self.enter(command), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=ENVIRONMENT,
                start_new_session=True,
            )  # fmt: skip
        self._daemons.append(daemon)
        return daemon

    def set_sysctl(self, name, value):
        """Set a sysctl of the room's own network."""
        self.run(["sh", "-c", f"echo {value} >/proc/sys/{name.replace('.', '/')}"], check=True)

    def stop(self):
        """Close the room: every process in it ends, its files and control groups go."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            # It ends when the last process of the room has ended, and only then are the control groups empty.
            self._process.wait(timeout=30)
        for daemon in self._daemons:
            daemon.wait(timeout=20)
        for group in sorted(cgroups() - self._before):
            if group.name in ENGINES or group.name.startswith("hf-"):
                remove_cgroup(group)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()


def remove_cgroup(group):
    """Remove a control group and those below; one that is in use stays."""
    for directory, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            Path(directory).rmdir()


def child_of(parent):
    """The first child of a process, by its entry in /proc."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text()
                if stat.rpartition(")")[2].split()[1] == str(parent):
                    return int(entry.name)
    message = f"process {parent} has no child"
    raise AssertionError(message)
