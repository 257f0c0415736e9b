"""The same image is refused without a setting of the host and starts once the setting is there."""

from __future__ import annotations

WRAPPER = "/opt/hostfit/bin/hostfit-runtime"
STARTED = "started in the container\n"
COMPLAINT = "kernel.sysctl net.ipv4.ip_forward: required 1, found 0"


def test_under_podman(podman, images, host, room):
    refused = podman.start(images.built["sysctl"], runtime=WRAPPER, options=("--rm",))
    room.set_sysctl("net.ipv4.ip_forward", 1)
    accepted = podman.start(images.built["sysctl"], runtime=WRAPPER, options=("--rm",))

    assert refused.code == 126
    assert COMPLAINT in refused.err
    assert (accepted.code, accepted.out) == (7, STARTED)


def test_under_containerd(containerd, images, host, room):
    refused = containerd.start(images.built["sysctl"], "hf-later-1", binary=WRAPPER)
    room.set_sysctl("net.ipv4.ip_forward", 1)
    accepted = containerd.start(images.built["sysctl"], "hf-later-2", binary=WRAPPER)

    assert refused.code == 1
    assert COMPLAINT in refused.err
    assert (accepted.code, accepted.out) == (7, STARTED)


def test_refused_container_of_podman_starts_by_its_name_once_it_fits(podman, images, host, room):
    """`podman start` after the repair: the engine keeps the container, and hostfit decides anew."""
    try:
        podman.start(images.built["sysctl"], runtime=WRAPPER, options=("--name", "hf-repaired"))
        room.set_sysctl("net.ipv4.ip_forward", 1)

        done = podman("start", "--attach", "hf-repaired")
    finally:
        podman("rm", "-f", "hf-repaired", check=True)

    assert (done.code, done.out) == (7, STARTED)
