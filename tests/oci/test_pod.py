"""SEC2: what a pod or an image writes into the engines' annotations never unbinds a container from its sandbox."""

from __future__ import annotations

import pytest

from hostfit.oci.pod import sandbox_of
from hostfit.oci.request import Bundle

CONTAINERD = (
    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/{}",
    "io.kubernetes.cri.sandbox-id",
    "io.kubernetes.cri.container-type",
)
CRI_O = (
    "/run/containers/storage/overlay-containers/{}/userdata",
    "io.kubernetes.cri-o.SandboxID",
    "io.kubernetes.cri-o.ContainerType",
)
ENGINES = pytest.mark.parametrize(
    ("engine", "other"), [(CONTAINERD, CRI_O), (CRI_O, CONTAINERD)], ids=["containerd", "cri-o"]
)


def bundle(engine, container, sandbox, **forged):
    place, key, kind = engine
    own = {key: sandbox, kind: "sandbox" if container == sandbox else "container"}
    return Bundle(place.format(container), annotations={**forged, **own})


@ENGINES
def test_container_of_a_pod_has_its_sandbox(engine, other):
    assert sandbox_of(bundle(engine, "c1", "s1"), "c1") == "s1"


@ENGINES
def test_sandbox_itself_has_none(engine, other):
    assert sandbox_of(bundle(engine, "s1", "s1"), "s1") == ""


@ENGINES
@pytest.mark.parametrize("kind", ["sandbox", "container"])
@pytest.mark.parametrize("sandbox", ["s2", "c1", ""])
def test_keys_of_another_engine_lead_a_container_to_no_other_sandbox(engine, other, kind, sandbox):
    assert sandbox_of(bundle(engine, "c1", "s1", **{other[1]: sandbox, other[2]: kind}), "c1") == "s1"


@ENGINES
def test_keys_of_another_engine_bind_a_sandbox_to_none(engine, other):
    assert sandbox_of(bundle(engine, "s1", "s1", **{other[1]: "s2", other[2]: "container"}), "s1") == ""


def test_container_outside_of_a_pod_has_none():
    assert sandbox_of(Bundle("/var/lib/containers/storage/overlay-containers/c1/userdata"), "c1") == ""
