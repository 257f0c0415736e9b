"""What each container runs on, one small file per container, for the verbs that carry only an id.

The directory is `containers` below /run/hostfit, root's alone; for rootless containers it is the user's own. The file's
name is sha256(root NUL id); a link `b-<sha256(bundle)>` leads from the bundle to it, by which the hook finds what a
wrapper decided.
"""

from __future__ import annotations

import os
import time

from hostfit.core.text import escape
from hostfit.oci.files import ensure_directory, read_capped, sha256, write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.paths import Paths
    from hostfit.oci.argv import Call

_CAP = 64 << 10
_GENERATIONS = 8
"""Between a runtime and its hook, or what else it calls, there is at most a shell and a helper."""
_PATH = 32 << 10
"""Longest text of one line; PATH_MAX escaped fits."""


class Record:
    """One container's runtime.

    `runtime` is the absolute path of what was executed and `bundle` the real path of its bundle; `pid` and `start`
    (clock ticks since boot, field 22 of proc_pid_stat(5)) tell which process did it, and `config` is the SHA-256 of
    the config.json that was judged.
    """

    __slots__ = ("bundle", "config", "pid", "runtime", "start")

    def __init__(self, runtime: str, bundle: str, pid: int, start: int, config: str = "") -> None:
        self.runtime = runtime
        self.bundle = bundle
        self.pid = pid
        self.start = start
        self.config = config

    def alive(self) -> bool:
        """Whether the very process that created the container still runs."""
        return self.start > 0 and started(self.pid) == self.start


def started(pid: int) -> int:
    """Give the start time of a process in clock ticks since boot, 0 where there is no such process."""
    return _stat(pid, 20)


def parent(pid: int) -> int:
    """Give the parent of a process, 0 where there is none."""
    return _stat(pid, 2)


def callers() -> list[int]:
    """Give this process and those that it descends from, as many as may lie between a runtime and its caller."""
    found = [os.getpid()]
    while len(found) <= _GENERATIONS and found[-1] > 1:
        found.append(parent(found[-1]))
    return found


def _stat(pid: int, field: int) -> int:
    """One number of /proc/PID/stat, counted from the name's closing parenthesis, which is 0."""
    try:
        text = read_capped(f"/proc/{pid}/stat", 1 << 16)
        return int(text[text.rindex(b")") :].split()[field])
    except (OSError, ValueError, IndexError):
        return 0


def rooted(paths: Paths, runtime_dir: str | None) -> Paths:
    """Give the places of the caller, whose XDG_RUNTIME_DIR is given: the system's own wherever those can be written."""
    if os.access(paths.run, os.W_OK):
        return paths
    from hostfit.oci import rootless  # once after a boot, and for users

    return rootless.places(paths, runtime_dir or "")


def absolute_root(call: Call) -> str:
    """Give the --root of a call as an absolute path, empty where the runtime's own default holds."""
    if not call.root:
        return ""
    return os.path.normpath(os.path.join(_here(), call.root))


def absolute_bundle(call: Call) -> str:
    """Give the bundle of a call as an absolute path; without --bundle it is the working directory."""
    return _plain(call.bundle)


def absolute_config(call: Call) -> str:
    """Give crun's --config as an absolute path, which it takes from the working directory and not from the bundle.

    Without it, and under its usual name, it is the bundle's own and empty here.
    """
    return _plain(call.config) if call.config not in ("", "config.json") else ""


def _plain(path: str) -> str:
    """An absolute path without `..`, which behind a symbolic link leads elsewhere than its text says."""
    path = os.path.join(_here(), path)
    return os.path.realpath(path) if ".." in path else os.path.normpath(path)


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"


def _name(root: str, container: str) -> str:
    return sha256(os.fsencode(root) + b"\0" + os.fsencode(container))


def _link(bundle: str) -> str:
    return "b-" + sha256(os.fsencode(os.path.realpath(bundle)))


def _is_link(name: str) -> bool:
    return name.startswith("b-")


def load(paths: Paths, root: str, container: str) -> Record | None:
    """Give the record of a container, None where there is none that can be read."""
    return _load(f"{paths.run}/containers/{_name(root, container)}")


def load_by_bundle(paths: Paths, bundle: str) -> Record | None:
    """Give the record of the last container created from a bundle, None where there is none that can be read."""
    found = _load(f"{paths.run}/containers/{_link(bundle)}")
    return found if found is not None and found.bundle == _shown(os.path.realpath(bundle)) else None


def _load(path: str) -> Record | None:
    try:
        text = os.fsdecode(read_capped(path, _CAP))
        values: dict[str, str] = {}
        for line in text.split("\n"):
            key, _, value = line.partition("=")
            values.setdefault(key, value)
        record = Record(
            values["runtime"], values["bundle"], int(values["pid"]), int(values["start"]), values.get("config", "")
        )
    except (OSError, ValueError, KeyError):
        return None
    return record if record.runtime.startswith("/") else None


def save(paths: Paths, root: str, container: str, record: Record) -> None:
    """Store a record and its link, each as a whole. Raises OSError.

    Where the directory is new, it gets mode 0700. Once in a while records of bundles that are gone are swept out: after
    `delete` this process is the runtime and can do nothing more.
    """
    folder = f"{paths.run}/containers"
    ensure_directory(folder, 0o700)
    name = _name(root, container)
    if "\n" in record.runtime:
        raise OSError(22, "a runtime's path must be one line", record.runtime)
    text = (
        f"runtime={record.runtime}\nbundle={_shown(os.path.realpath(record.bundle))}\n"
        f"pid={record.pid}\nstart={record.start}\nconfig={record.config}\n"
    )
    write_atomic(f"{folder}/{name}", os.fsencode(text), 0o600, durable=False)
    spare = f"{folder}/.link.{record.pid}.{time.monotonic_ns()}"
    os.symlink(name, spare)
    os.rename(spare, f"{folder}/{_link(record.bundle)}")
    if record.pid % 64 == 0:
        sweep(paths)


def remove(paths: Paths, root: str, container: str) -> None:
    """Take a record away again, if it is there."""
    try:
        os.unlink(f"{paths.run}/containers/{_name(root, container)}")
    except OSError:
        return


def sweep(paths: Paths) -> None:
    """Remove records whose bundle is gone and whose process has ended, and links that lead nowhere."""
    folder = f"{paths.run}/containers"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    # Records first, so that the links to those that go are seen to lead nowhere.
    for name in sorted(names, key=_is_link):
        path = f"{folder}/{name}"
        try:
            if _is_link(name):
                if not os.path.exists(path):
                    os.unlink(path)
            elif not name.startswith("."):
                record = _load(path)
                # A path that had to be escaped cannot be looked for, so its record stays.
                if record is None or not (record.alive() or "\\" in record.bundle or os.path.isdir(record.bundle)):
                    os.unlink(path)
        except OSError:
            continue


def every(paths: Paths) -> list[Record]:
    """Give the records of all containers that their engines have not deleted, after sweeping out the others."""
    folder = f"{paths.run}/containers"
    sweep(paths)
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = [_load(f"{folder}/{name}") for name in names if not (_is_link(name) or name.startswith("."))]
    return [one for one in found if one is not None]


def _shown(path: str) -> str:
    """A path on one line; one with control characters is escaped and so equals only itself."""
    return escape(path, _PATH)
