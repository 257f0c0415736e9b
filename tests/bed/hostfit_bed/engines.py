"""The engines of the bed, each started once for a session: Podman, containerd with ctr, Docker; runc and crun bare."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import pytest

from hostfit_bed.command import need, wait_for
from hostfit_bed.images import STARTED

ULIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
"""Podman asks for more than a machine without CAP_SYS_RESOURCE may give."""
CONTAINERD = """\
version = 2
disabled_plugins = [{disabled}]
"""
UNUSED = ("io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp")
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
runtime_supports_json = ["crun", "runc", "hostfit-runtime", "hostfit-runtime-crun"]
runtime_supports_nocgroup = ["crun", "hostfit", "hostfit-runtime", "hostfit-runtime-crun"]
"""
STORAGE = """\
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
"""


def furnish(room):
    """Lay the engines' own settings into a room that is not open yet."""
    furnish_podman(room)
    disabled = ", ".join(f'"{name}"' for name in UNUSED)
    room.place("/etc/containerd/config.toml", CONTAINERD.format(disabled=disabled))


def furnish_podman(place):
    """Lay Podman's settings by the `place` method of a room or a release."""
    place.place("/etc/containers/containers.conf", CONTAINERS)
    place.place("/etc/containers/storage.conf", STORAGE)
    place.place("/etc/containers/policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}\n')


def _answers(path):
    """Whether something listens on a Unix socket."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


class Podman:
    """Podman 4.3 as root with the vfs driver, at its usual places in the room."""

    def __init__(self, room):
        need("podman", "conmon", "runc", "crun")
        self.room = room

    def __call__(self, *words, **options):
        """Run one podman command."""
        return self.room.run(["podman", *words], **options)

    def load(self, image):
        """Bring an image of the bed into containers-storage."""
        self("load", "-q", "-i", image.oci, check=True)

    def start(self, image, *words, runtime="runc", hooks=None, options=(), **more):
        """`podman run`; `hooks` is a directory of hook definitions."""
        before = ["--runtime", runtime, *(["--hooks-dir", hooks] if hooks else [])]
        return self(*before, "run", *options, image.name, *words, **more)

    def names(self):
        """Every container there is, running or not."""
        return self("ps", "-a", "--format", "{{.Names}}", check=True).out.split()


class Containerd:
    """containerd 1.6 at its usual places in the room, driven by ctr."""

    def __init__(self, room):
        need("containerd", "ctr", "runc", "crun")
        self.room = room
        self.daemon = room.spawn(["containerd"], "containerd.log")
        listening = room.run_dir / "containerd" / "containerd.sock"
        wait_for(lambda: _answers(listening), "containerd")
        wait_for(lambda: self("version").code == 0, "containerd's services")

    def __call__(self, *words, **options):
        """Run one ctr command."""
        return self.room.run(["ctr", *words], **options)

    def load(self, image, *, platform=""):
        """Bring an image of the bed into the content store, for another platform than the machine's on request."""
        self("images", "import", *(["--platform", platform] if platform else []), image.oci, check=True)

    def start(self, image, container, *words, binary="", options=()):
        """`ctr run --rm` with the OCI runtime `binary`."""
        chosen = ["--runc-binary", binary] if binary else []
        return self("run", "--rm", *chosen, *options, image.name, container, *words)

    def left(self):
        """Containers and tasks that are still there."""
        return (
            self("containers", "ls", "-q", check=True).out.split() + self("tasks", "ls", "-q", check=True).out.split()
        )


class Docker:
    """Debian's dockerd beside that containerd, without a network."""

    def __init__(self, room, runtimes):
        need("dockerd", "docker")
        self.room = room
        flags = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]
        flags += ["--containerd", "/run/containerd/containerd.sock"]
        flags += [word for name, path in runtimes.items() for word in ("--add-runtime", f"{name}={path}")]
        self.daemon = room.spawn(["dockerd", *flags], "dockerd.log")
        listening = room.run_dir / "docker.sock"
        end = time.monotonic() + 40
        while not _answers(listening):
            if self.daemon.poll() is not None or time.monotonic() > end:
                log = (room.directory / "dockerd.log").read_text()[-2000:]
                pytest.skip(f"dockerd does not start on this kernel: {log}")
            time.sleep(0.05)

    def __call__(self, *words, **options):
        """Run one docker command of Debian's client."""
        return self.room.run(["/usr/bin/docker", *words], **options)

    def load(self, image):
        """Bring an image of the bed into Docker's store."""
        self("load", "-q", "-i", image.docker, check=True)

    def start(self, image, *words, runtime="runc", options=()):
        """`docker run` without a network."""
        return self("run", "--network=none", "--runtime", runtime, *options, image.name, *words)

    def names(self):
        """Every container there is, running or not."""
        return self("ps", "-a", "--format", "{{.Names}}", check=True).out.split()


class Bare:
    """An OCI runtime called directly on a bundle, as a person or a test suite does."""

    def __init__(self, room, images, directory):
        need("runc", "crun")
        self.room = room
        self.rootfs = images.rootfs
        self.directory = directory
        directory.mkdir()

    def bundle(self, name, *, annotations=None, args=None, hooks=None, change=None):
        """Write a bundle whose root file system is the bed's busybox, and give its directory."""
        path = self.directory / name
        path.mkdir()
        self.room.run(["runc", "spec", "--bundle", path], check=True)
        config = json.loads((path / "config.json").read_text())
        config["process"] |= {"terminal": False, "args": args or ["/bin/sh", "-c", f"echo {STARTED}; exit 7"]}
        config["process"].pop("rlimits", None)
        config["root"] = {"path": str(self.rootfs), "readonly": True}
        config["annotations"] = annotations or {}
        if hooks:
            config["hooks"] = hooks
        if change:
            change(config)
        (path / "config.json").write_text(json.dumps(config))
        return path

    def start(self, runtime, bundle, container, *, globals_=(), **more):
        """`RUNTIME run --bundle BUNDLE ID`."""
        return self.room.run([runtime, *globals_, "run", "--bundle", bundle, container], **more)
