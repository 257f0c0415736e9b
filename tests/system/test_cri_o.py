"""What CRI-O does, by its own monitor: conmon as CRI-O calls it, on a bundle as CRI-O lays it out.

CRI-O itself is not in Debian; tests/engines/cri/test_cri_o.py has one that is built. conmon, the store and everything
below are real; arguments, environment and annotations are those of CRI-O's internal/oci/runtime_oci.go and
internal/factory/container.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from hostfit_bed import product
from hostfit_bed.command import wait_for

LINE = "hostfit: {} does not fit this host: kernel.loadedmodule gtp5g: required present, found absent (hostfit why {})"
STORAGE = "/run/containers/storage/vfs-containers"
ROOT = "/run/crio-runtime"


class CriO:
    """CRI-O's calls for one container of an image that is in containers-storage."""

    def __init__(self, podman, image, wrapper):
        self.room = podman.room
        self.wrapper = wrapper
        self.podman = podman
        self.id = podman("create", image.name, check=True).out.strip()
        record = json.loads(podman("inspect", self.id, check=True).out)[0]
        self.rootfs = podman("mount", self.id, check=True).out.strip()
        self.bundle = f"{STORAGE}/{self.id}/userdata"
        self.files = self.room.directory / self.bundle.lstrip("/")
        self._write(image, record["Image"])

    def _write(self, image, image_id):
        """config.json in runroot, the annotations in CRI-O's order: the pod's own first, then what it knows itself."""
        self.room.run(["mkdir", "-p", self.bundle], check=True)
        self.room.run(["sh", "-c", 'cd "$0" && rm -f config.json && runc spec', self.bundle], check=True)
        path = self.files / "config.json"
        config = json.loads(path.read_text())
        config["process"] |= {"terminal": False, "args": ["/bin/sleep", "1000"]}
        config["process"].pop("rlimits", None)
        config["root"] = {"path": self.rootfs, "readonly": True}
        labels = {"io.kubernetes.container.name": "upf", "io.kubernetes.pod.namespace": "prod"}
        config["annotations"] = {
            "example.org/of-the-pod": "1",
            "io.kubernetes.cri-o.Image": image.name,
            "io.kubernetes.cri-o.ImageName": image.name,
            "io.kubernetes.cri-o.ImageRef": image_id,
            "io.kubernetes.cri-o.ContainerID": self.id,
            "io.kubernetes.cri-o.ContainerType": "container",
            "io.kubernetes.cri-o.SandboxID": "0" * 64,
            "io.container.manager": "cri-o",
            "io.kubernetes.cri-o.MountPoint": self.rootfs,
            "io.kubernetes.cri-o.Labels": json.dumps(labels),
            **labels,
        }
        path.write_text(json.dumps(config))

    def create(self):
        """What conmon tells CRI-O: the pid of the container, or -1 and the message of its error."""
        sync, child_sync = os.pipe()
        child_start, start = os.pipe()
        words = [
            "/usr/bin/conmon", "-b", self.bundle, "-c", self.id, "--exit-dir", "/run/crio-exits",
            "-l", f"{self.bundle}/log", "--log-level", "info", "-n", f"k8s_upf_{self.id}",
            "-P", f"{self.bundle}/conmon.pid", "-p", f"{self.bundle}/pidfile", "--persist-dir", self.bundle,
            "-r", self.wrapper,
            "--runtime-arg", f"--root={ROOT}", "--socket-dir-path", "/run/crio-attach", "--syslog", "-u", self.id,
        ]  # fmt: skip
        self.room.run(["mkdir", "-p", "/run/crio-exits", "/run/crio-attach"], check=True)
        command = self.room.enter(words)
        process = subprocess.Popen(
            [shutil.which(command[0]), *command[1:]], pass_fds=(child_sync, child_start), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"_OCI_SYNCPIPE": str(child_sync), "_OCI_STARTPIPE": str(child_start)},
        )  # fmt: skip
        for fd in (child_sync, child_start):
            os.close(fd)
        os.write(start, b"\0")
        os.close(start)
        with os.fdopen(sync) as pipe:
            told = json.loads(pipe.readline())
        process.wait(60)
        return told

    def __call__(self, *words, **options):
        """One of CRI-O's own calls of the runtime, which has next to no environment."""
        return self.room.run([self.wrapper, "--root", ROOT, *words], env={"PATH": "/usr/sbin:/usr/bin"}, **options)

    def status(self):
        return json.loads(self("state", self.id, check=True).out)["status"]

    def remove(self):
        self("delete", "--force", self.id, check=True)
        self.podman("rm", "-f", self.id, check=True)


@pytest.fixture
def crio(podman, host):
    made = []

    def crio(image, wrapper):
        made.append(CriO(podman, image, str(wrapper)))
        return made[-1]

    yield crio
    for one in made:
        one.remove()


@pytest.fixture(params=[product.RUNTIME, product.RUNTIME_CRUN], ids=["runc", "crun"])
def wrapper(request):
    return request.param


def test_a_container_lives_through_all_of_cri_os_calls(crio, host, images, wrapper):
    one = crio(images.built["fits"], wrapper)
    told = one.create()
    assert told["pid"] > 0, told
    assert one.status() == "created"
    one("start", one.id, check=True)
    process = {"cwd": "/", "user": {"uid": 0, "gid": 0}, "args": ["/bin/sh", "-c", "echo inside"], "env": ["PATH=/bin"]}
    (one.files / "exec.json").write_text(json.dumps(process))
    inside = one("exec", "--process", f"{one.bundle}/exec.json", one.id)
    one("kill", one.id, "9", check=True)
    wait_for(lambda: one.status() == "stopped", "the end of the container", 60)

    assert (inside.code, inside.out) == (0, "inside\n")
    why = host.why(one.id)
    assert "engine:       cri-o\n" in why
    assert f"digest:       {images.built['fits'].digest}\n" in why


def test_a_refusal_reaches_cri_o_as_conmons_message(crio, images, wrapper):
    """CRI-O says `container create failed: ` and this."""
    one = crio(images.built["module"], wrapper)

    line = LINE.format(images.built["module"].name, one.id[:12])
    assert one.create() == {"pid": -1, "message": line + "\n"}
    assert one("state", one.id).code == 1


def test_a_scope_of_a_namespace_counts_by_the_kubelets_label(crio, host, images):
    host.policy('[[scope]]\nnamespace = "prod"\non_misfit = "warn"\n')

    assert crio(images.built["module"], product.RUNTIME).create()["pid"] > 0
