"""Records the machine it runs on as a fixture: the files that the probes read, and no others.

    python3 tests/hosts/record.py tests/hosts/NAME --without 'GLOB' ...

What tells one machine from another of its kind is left out or replaced: see `_REPLACED` and `_check`. ORIGIN and
expected.json are for a person to write. Of udev's devices only those of some subsystems are recorded, of sysctls a few.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import shutil
import sys
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from hostfit.core.facts import Wanted
from hostfit.facts import host
from hostfit.facts.root import Root

_NOT_READ = ("device.node", "kernel.sysctl", "local.", "software.", "udev.device")
"""Features whose whole would be thousands of files, or of which nothing may be shown."""
_SYSCTLS = ("net.ipv4.ip_forward", "kernel.pid_max", "kernel.ostype", "kernel.arch", "vm.max_map_count", "fs.file-max")
_SUBSYSTEMS = ("pci", "net", "virtio")
_PARAMETERS = ("console", "nomodule", "panic", "quiet", "reboot", "root", "ro", "rw")
"""Parameters of the kernel's command line that tell nothing about the place where it runs."""


def _command_line(text: str) -> str:
    return " ".join([word for word in text.split() if word.partition("=")[0] in _PARAMETERS]) + "\n"


def _release(text: str) -> str:
    return re.sub(r"(\d+\.\d+\.\d+)-\S+", r"\1", text)


_REPLACED = {
    "/proc/cmdline": _command_line,
    "/proc/sys/kernel/hostname": lambda _: "host\n",
    "/proc/sys/kernel/osrelease": _release,
    "/proc/version": _release,
}


class Recorder(Root):
    """Reads `/` as a tree, so that no library looks elsewhere, and notes each path."""

    __slots__ = ()
    read_from: ClassVar[set[str]] = set()
    seen: ClassVar[set[str]] = set()
    linked: ClassVar[set[str]] = set()
    listed: ClassVar[set[str]] = set()

    def __init__(self, path: str = "/") -> None:
        super().__init__(path)
        self.live = False

    def open(self, path: str, flags: int) -> int:
        if not flags & os.O_DIRECTORY:
            self.read_from.add(path)
        return super().open(path, flags)

    def names(self, path: str) -> list[str]:
        self.listed.add(path)
        return super().names(path)

    def stat(self, path: str) -> os.stat_result:
        self.seen.add(path)
        return super().stat(path)

    def link(self, path: str) -> str:
        self.linked.add(path)
        return super().link(path)

    def resolve(self, path: str) -> str:
        self.seen.add(path)
        return super().resolve(path)


class Tree:
    """The fixture's tree, which paths of `/` are copied into with the links on their way."""

    def __init__(self, root: str, without: list[str]) -> None:
        self.root = root
        self.without = without

    def copy(self, path: str, *, content: bool = False, follow: bool = True) -> None:
        """Add a file, directory or link; `content` says whether a file's content matters."""
        left = [part for part in path.split("/") if part][::-1]
        here = "/"
        while left:
            name = left.pop()
            if name == "..":
                here = os.path.dirname(here)
                continue
            place = os.path.join(here, name)
            if any([fnmatch.fnmatch(place, pattern) for pattern in self.without]) or not os.path.lexists(place):
                return
            if os.path.islink(place):
                target = os.readlink(place)
                self._link(place, target)
                if not left and not follow:
                    return
                here = "/" if target.startswith("/") else here
                left += [part for part in target.split("/") if part][::-1]
                continue
            here = place
        if os.path.isdir(here):
            Path(self.root + here).mkdir(parents=True, exist_ok=True)
        elif os.path.isfile(here):
            self._file(here, content=content)

    def _link(self, place: str, target: str) -> None:
        made = Path(self.root + place)
        made.parent.mkdir(parents=True, exist_ok=True)
        if not made.is_symlink():
            made.symlink_to(target)

    def _file(self, place: str, *, content: bool) -> None:
        made = Path(self.root + place)
        if made.exists() and not content:
            return
        made.parent.mkdir(parents=True, exist_ok=True)
        text = b""
        if content:
            try:
                text = Path(place).read_bytes()
            except OSError as error:
                print(f"{place}: {error.strerror}, left out")
                return
        replace = _REPLACED.get(place)
        made.write_bytes(replace(text.decode()).encode() if replace else text)

    def keep_directories(self, listed: set[str]) -> None:
        """Put a file into each empty directory, since git keeps none without; one that is listed goes instead."""
        real = {os.path.realpath(path) for path in listed}
        for directory, below, files in os.walk(self.root):
            if not below and not files and directory.removeprefix(self.root) not in real:
                Path(directory, ".keep").touch()


def _record() -> None:
    """Read every feature through the recorder."""
    host.Root = Recorder  # type: ignore[misc]  # the class that Host opens its root with
    subject = host.Host()
    wanted = Wanted({row.name: None for row in subject.features() if not row.name.startswith(_NOT_READ)})
    wanted.add("kernel.sysctl", _SYSCTLS)
    subject.read(wanted)


def _devices() -> tuple[list[str], list[str]]:
    """Give the links and the files by which udev's devices of some subsystems are known."""
    places = [f"/sys/bus/{name}/devices" for name in _SUBSYSTEMS] + [f"/sys/class/{name}" for name in _SUBSYSTEMS]
    devices = [f"{place}/{name}" for place in places if os.path.isdir(place) for name in sorted(os.listdir(place))]
    links = [f"{device}/{link}" for device in devices for link in ("subsystem", "driver")]
    return links, [f"{device}/uevent" for device in devices]


def _check(root: str) -> None:
    """Stop if something of this very machine got into the tree: names, addresses, serial numbers."""
    secrets = set()
    for pattern in ("sys/class/net/*/address", "sys/class/dmi/id/*serial", "sys/class/dmi/id/*uuid", "etc/machine-id"):
        secrets |= {file.read_text().strip() for file in Path("/").glob(pattern)}
    secrets.add(os.uname().nodename)
    secrets = {secret for secret in secrets if len(secret) > 3 and secret.strip("0:")}
    for file in Path(root).rglob("*"):
        if file.is_file() and not file.is_symlink():
            text = file.read_text(errors="replace")
            for secret in secrets:
                if secret in text:
                    sys.exit(f"{file}: shows {secret}")
            if re.search(r"\b(?:10|127|169|172|192)(?:\.\d{1,3}){3}\b", text):
                sys.exit(f"{file}: shows an address")


def main() -> None:
    """Record this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("--without", action="append", default=[], metavar="GLOB", help="paths of / to leave out")
    arguments = parser.parse_args()
    root = os.path.join(arguments.directory, "root")
    shutil.rmtree(root, ignore_errors=True)
    tree = Tree(root, arguments.without)
    _record()
    for path in sorted(Recorder.listed):
        tree.copy(path)
        if path.startswith(("/sys", "/proc")):
            for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
                tree.copy(f"{path}/{name}", follow=False)
    links, files = _devices()
    for path in sorted(Recorder.linked) + links:
        tree.copy(path, follow=False)
    for path in sorted(Recorder.seen):
        tree.copy(path)
    for path in sorted(Recorder.read_from) + files:
        tree.copy(path, content=True)
    tree.keep_directories(Recorder.listed)
    _check(root)


if __name__ == "__main__":
    main()
