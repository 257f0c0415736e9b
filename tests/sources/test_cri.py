"""A pod on containerd's real CRI plugin: its sandbox and its container, each led to its own image."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostfit.oci.bundle import read_bundle
from hostfit.oci.request import Request
from hostfit.sources import resolve
from hostfit.sources.grpc import Channel
from hostfit.sources.protobuf import Message, encode

pytestmark = pytest.mark.system
NAMESPACE = "k8s.io"
APP = "localhost/cri-app:1"


class Pod:
    """One pod with one container that is made but not started; calls are those of a kubelet (CRI runtime.v1)."""

    def __init__(self, channel):
        self.channel = channel
        host_network = encode((1, 2), (2, 1), (3, 2))
        linux = encode((2, encode((1, host_network))))
        config = encode((1, encode((1, "pod"), (2, "uid"), (3, "prod"))), (8, linux))
        self.sandbox = self.call("RunPodSandbox", encode((1, config))).text(1)
        container = encode((1, encode((1, "upf"))), (2, encode((1, APP))))
        self.container = self.call("CreateContainer", encode((1, self.sandbox), (2, container), (3, config))).text(1)

    def call(self, method, request):
        return Message(b"".join(self.channel.call(f"/runtime.v1.RuntimeService/{method}", request)))

    def remove(self):
        self.call("StopPodSandbox", encode((1, self.sandbox)))
        self.call("RemovePodSandbox", encode((1, self.sandbox)))


@pytest.fixture
def pod(cri, layout):
    files = {"bin/busybox": Path("/bin/busybox").read_bytes()}
    pause = layout.manifest(files=files, command=["/bin/busybox", "sleep", "60"], labels={"which": "pause"})
    app = layout.manifest(files=files, annotations={"which": "app"}, command=["/bin/busybox", "true"])
    layout.tag("pause", pause)
    layout.tag("app", app)
    cri.load(layout, "pause", "localhost/pause:1", namespace=NAMESPACE)
    cri.load(layout, "app", APP, namespace=NAMESPACE)
    with Channel(str(cri.socket), timeout=60) as channel:
        one = Pod(channel)
        one.pause_digest, one.app_digest = pause["digest"], app["digest"]
        yield one
        one.remove()


def test_sandbox_and_container_are_led_to_their_images(cri, pod, layout, request_for):
    """Both images have the same layers, so only CRI's image ID tells them apart; a moved tag changes nothing."""
    bundle = read_bundle(str(cri.bundle(pod.sandbox, NAMESPACE)))
    request = Request(entry="runtime", verb="create", id=pod.sandbox, bundle=bundle, environ=cri.environ)
    sandbox = resolve.resolve(request)

    assert sandbox.image is not None, sandbox.reason
    assert (sandbox.engine, sandbox.image.digest, sandbox.image.name) == (
        "containerd",
        pod.pause_digest,
        "localhost/pause:1",
    )
    assert bundle.annotations["io.kubernetes.cri.container-type"] == "sandbox"

    request = request_for(cri.bundle(pod.container, NAMESPACE), environ=cri.environ)
    container = resolve.resolve(request).image
    assert (container.digest, container.names, container.manifest_annotations) == (
        pod.app_digest, (APP,), {"which": "app"},
    )  # fmt: skip

    layout.tag("other", layout.manifest(labels={"which": "other"}))
    cri.load(layout, "other", APP, namespace=NAMESPACE)
    moved = resolve.resolve(request)
    assert moved.image is None or moved.image.digest == pod.app_digest
    assert moved.image is not None, moved.reason
