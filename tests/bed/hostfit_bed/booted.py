"""A Debian release booted with systemd and journald in a container of this machine, with that release's engines."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from hostfit_bed.command import ENVIRONMENT, need, need_root, run, wait_for
from hostfit_bed.product import network
from hostfit_bed.room import TREE, cgroups, child_of, remove_cgroup

BUILD = TREE / "packaging" / "dev" / "release-root"
REMOUNT = "for m in /sys/fs/cgroup /sys/fs/cgroup/*; do mountpoint -q $m && mount -o remount,rw,bind $m; done; true"


UNIFIED = ("sid",)
"""Releases whose systemd boots on cgroup v2 alone; there, no controllers are delegated."""


def cached_root(release, kind="engines"):
    """The release's root file system, built once into the cache outside the tree."""
    need_root()
    need("debootstrap", "systemd-nspawn", "unshare")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hostfit-tests" / "roots"
    target = cache / f"{release}-{kind}"
    run([BUILD, release, target, kind], check=True, timeout=1500, env=network())
    return target


class Booted:
    """One booted release; `files` is a directory above its root in which files can be laid before it starts.

    `shared` is /srv inside, where files can be laid at any time.
    """

    def __init__(self, release):
        self.release = release
        self.lower = cached_root(release)
        self.directory = Path(tempfile.mkdtemp(prefix=f"hf-{release}-", dir="/tmp"))
        self.directory.chmod(0o755)
        self.files = self.directory / "files"
        for name in ("files", "work", "root", "storage", "shared"):
            (self.directory / name).mkdir()
        self.shared = self.directory / "shared"
        self.pid = 0
        self._process = None
        self._before = cgroups()

    def place(self, path, text):
        """Lay a file into the release before it starts."""
        target = self.files / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def start(self):
        """Boot it and wait until systemd has nothing left to do."""
        script = (
            'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/files,workdir=$2/work" "$2/root" && '
            "exec systemd-nspawn --quiet --register=no --keep-unit --capability=all --private-network "
            '--system-call-filter="@keyring bpf" --machine="$3" --directory="$2/root" '
            # Engines stack overlays of their own, which an overlay cannot carry.
            '--bind="$2/storage:/var/lib/containers" --bind="$2/shared:/srv" --boot --console=pipe'
        )
        log = self.directory / "boot.log"
        with log.open("w") as sink:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh",
                 self.lower, self.directory, f"hf-{self.release}-{os.getpid()}"],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
                env=ENVIRONMENT | {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"} | self._hierarchy(),
            )  # fmt: skip
        self.pid = wait_for(self._systemd, f"systemd of {self.release} ({log})")
        wait_for(self._settled, f"the end of the boot of {self.release}", 60)
        self.run(["sh", "-c", REMOUNT], check=True)
        self.run(["systemctl", "restart", "containerd"], check=True)
        wait_for(lambda: self.run(["ctr", "version"]).code == 0, "containerd")
        return self

    def _hierarchy(self):
        return {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if self.release in UNIFIED else {}

    def _systemd(self):
        assert self._process.poll() is None, (self.directory / "boot.log").read_text()
        with contextlib.suppress(AssertionError, OSError):
            child = child_of(self._process.pid)
            return child if Path(f"/proc/{child}/comm").read_text() == "systemd\n" else 0
        return 0

    def _settled(self):
        return self.run(["systemctl", "is-system-running"]).out.strip() in ("running", "degraded")

    def run(self, command, **options):
        """Run a command inside and wait for it."""
        return run(["nsenter", "-t", str(self.pid), "-a", "--", *command], **options)

    def podman(self, *words, **options):
        """Run one podman command inside."""
        quiet = ENVIRONMENT | {"PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}
        return self.run(["podman", *words], env=quiet, **options)

    def spawn(self, command):
        """Start a command inside and give its process; what it prints is dropped."""
        inside = ["nsenter", "-t", str(self.pid), "-a", "--", *command]
        return subprocess.Popen(
            inside, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
        )

    @property
    def limits(self):
        """What `podman run` must be told where no controllers are delegated; only crun can do without them."""
        return ["--cgroups=disabled"] if self.release in UNIFIED else []

    def load(self, image):
        """Bring an image of the bed into Podman's and containerd's stores."""
        place = self.files / "root" / image.oci.name
        if not place.exists():
            message = f"{image.oci.name} was not laid into the release before it was booted"
            raise AssertionError(message)
        inside = f"/root/{image.oci.name}"
        self.podman("load", "-q", "-i", inside, check=True)
        # Since containerd 2 the daemon imports, and takes a snapshotter only from its configuration.
        here = ["--local"] if "--local" in self.run(["ctr", "images", "import", "--help"]).out else []
        self.run(["ctr", "images", "import", *here, "--snapshotter", "native", inside], check=True)

    def apt(self, *words, check=True):
        """Run apt-get without a network and without a question: what it needs lies in the release already."""
        env = ENVIRONMENT | {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "--yes", "--no-install-recommends", "--allow-downgrades", *words]
        return self.run(command, env=env, check=check, timeout=300)

    def journal(self, *words):
        """Entries of the real journal that hostfit wrote, oldest first."""
        self.run(["journalctl", "--sync"], check=True)
        done = self.run(["journalctl", "-o", "json", "--no-pager", "--all", "-t", "hostfit", *words], check=True)
        return [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]

    def stop(self):
        """Turn it off; nothing of it stays."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=10)
        for group in sorted(cgroups() - self._before):
            if group.name in ("payload", "supervisor", "libpod_parent", "default") or group.name.startswith("hf-"):
                remove_cgroup(group)
        shutil.rmtree(self.directory, ignore_errors=True)
