"""SEC2: what a pod writes into the engines' annotations never unbinds a container from its sandbox."""

from __future__ import annotations

import pytest

from hostfit.oci.pod import sandbox_of

CONTAINERD = ("io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id")
CRIO = ("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID")


def written(engine, kind, sandbox="s1"):
    return dict(zip(engine, (kind, sandbox), strict=True))


@pytest.mark.parametrize("engine", [CONTAINERD, CRIO])
def test_container_of_a_pod_has_its_sandbox(engine):
    assert sandbox_of(written(engine, "container"), "c1") == "s1"


@pytest.mark.parametrize("engine", [CONTAINERD, CRIO])
def test_sandbox_itself_has_none(engine):
    assert sandbox_of(written(engine, "sandbox"), "s1") == ""


@pytest.mark.parametrize(("engine", "other"), [(CONTAINERD, CRIO), (CRIO, CONTAINERD)])
def test_key_of_another_engine_does_not_unbind_a_container(engine, other):
    assert sandbox_of({**written(engine, "container"), other[0]: "sandbox"}, "c1") == "s1"


@pytest.mark.parametrize(("engine", "other"), [(CONTAINERD, CRIO), (CRIO, CONTAINERD)])
def test_key_of_another_engine_does_not_bind_a_sandbox_to_itself(engine, other):
    assert sandbox_of({**written(engine, "sandbox"), other[0]: "container"}, "s1") == ""
