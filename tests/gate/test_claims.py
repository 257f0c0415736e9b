"""What a bundle claims is believed only where nobody but the engine can have written it."""

from __future__ import annotations

import json

import pytest

from hostfit.core.image import Image, Resolution
from hostfit.gate.claims import image_of, namespace_of
from hostfit.oci.request import Bundle, Request

CONTAINERD = {"io.kubernetes.cri.sandbox-namespace": "dev"}
CRI_O = {"io.kubernetes.cri-o.Labels": json.dumps({"io.kubernetes.pod.namespace": "dev"})}
TASK = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/c0ffee"


def request(annotations, *, path=TASK, **environ):
    return Request(
        entry="runtime", verb="create", id="c0ffee", bundle=Bundle(path, annotations=annotations), environ=environ
    )


@pytest.mark.parametrize(
    ("engine", "asked"),
    [
        ("containerd", request(CONTAINERD)),
        ("containerd", request(CONTAINERD, path="/anywhere", NAMESPACE="k8s.io")),
        ("cri-o", request(CRI_O)),
    ],
)
def test_namespace_of_a_cri_engine_counts(engine, asked):
    assert namespace_of(asked, Resolution(engine)) == "dev"


@pytest.mark.parametrize(
    ("engine", "asked"),
    [
        ("", request(CONTAINERD)),
        ("podman", request({**CONTAINERD, **CRI_O})),
        ("docker", request(CONTAINERD)),
        ("buildah", request(CONTAINERD)),
        ("containerd", request(CONTAINERD, path="/run/containerd/io.containerd.runtime.v2.task/default/c0ffee")),
        ("containerd", request(CONTAINERD, NAMESPACE="default")),
        ("containerd", request(CRI_O)),
        ("cri-o", request({**CONTAINERD, "io.kubernetes.pod.namespace": "dev"})),
        ("cri-o", request({"io.kubernetes.cri-o.Labels": "{"})),
        ("cri-o", request({"io.kubernetes.cri-o.Labels": "[]"})),
        ("cri-o", request({"io.kubernetes.cri-o.Labels": '{"io.kubernetes.pod.namespace": 7}'})),
        ("cri-o", request({"io.kubernetes.cri-o.Labels": '"\udc80"'})),
    ],
)
def test_annotation_that_a_user_may_have_written_is_no_namespace(engine, asked):
    """SEC2: a container does not talk itself into a looser scope."""
    assert namespace_of(asked, Resolution(engine)) == ""


def test_name_that_a_bundle_claims_is_none_of_the_stores():
    named = request({"io.kubernetes.cri.image-name": "registry.example/a:1"})
    stored = Image(name="b", names=("b",))

    claimed = image_of(named, Resolution("containerd", None, "no answer"))

    assert (claimed.name, claimed.names, claimed.digest) == ("registry.example/a:1", (), "")
    assert image_of(named, Resolution("containerd", stored)) is stored
    assert image_of(request({}), Resolution("containerd")) is None
