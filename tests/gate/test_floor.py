"""SEC2, T2: through the whole gate, nothing that an image says lowers isolation or gains access to the host."""

from __future__ import annotations

import json
import random

import pytest

from hostfit.core.image import Image, Platform, Resolution

from .test_choosing import PROGRAMS, RUNTIME, Choices

ISOLATION = {"runc": 1, "crun": 1, "nvidia": 1, "crun-wasm": 1, "runsc": 2}
NAMES = (*PROGRAMS, "kata", "no-such", "", "../runc", "runc\n")
ENV = (
    "NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_VISIBLE_DEVICES=void", "NVIDIA_REQUIRE_CUDA=cuda>=9", "CUDA_VERSION=11.0",
    "NVIDIA_DISABLE_REQUIRE=1", "NVIDIA_REQUIRE_CUDA=(((", "PATH=/bin",
)  # fmt: skip
PLATFORMS = (None, Platform("linux", "amd64"), Platform("wasi", "wasm"), Platform("linux", "s390x"), Platform("", ""))


def said_by(chance):
    """What an image says in hostfit's own keys and in others that the choice looks at."""
    spec = {"version": "v1alpha1", "compatibilities": [{"runtimes": ["nvidia", "crun", "runsc"], "rules": []}]}
    every = {
        RUNTIME: chance.choice(NAMES),
        "io.hostfit.spec": json.dumps(spec),
        "io.hostfit.require": chance.choice(["kernel.version.full >=99", "kernel.version.full >=1", "(("]),
        "cdi.k8s.io/x": "nvidia.com/gpu=all",
        "io.kubernetes.cri.container-type": chance.choice(["sandbox", "container"]),
    }
    return {key: value for key, value in every.items() if chance.random() < 0.4}


@pytest.mark.parametrize("default", ["runc", "runsc"])
@pytest.mark.parametrize("preference", ["true", "false"])
def test_whatever_an_image_says(site, default, preference):
    choices = Choices(site)
    choices.policy(
        f'[policy]\ndefault = "{default}"\npreference = {preference}\non_misfit = "warn"\non_error = "warn"\n'
    )
    started = 0
    for seed in range(150):
        chance = random.Random(seed)
        env = tuple(chance.sample(ENV, chance.randint(0, 3)))
        notes = said_by(chance)
        image = Image(
            name="app",
            digest="sha256:" + "a" * 64,
            env=env,
            platform=chance.choice(PLATFORMS),
            manifest_annotations=notes,
            labels=said_by(chance),
        )
        known = chance.random() < 0.7
        # Podman 4.3 alone copies annotations; of an image that is not known, all that is there may be the image's.
        resolution = Resolution("podman", image) if known else Resolution("podman", None, "nothing tells")
        bundle = {key: value for key, value in notes.items() if key.startswith("io.hostfit.")} if not known else notes
        report = choices.decide(resolution=resolution, env=env, annotations=bundle)

        if report.starts:
            started += 1
            taken = report.decision.runtime
            assert ISOLATION[taken] >= ISOLATION[default], f"seed {seed}"
            assert taken != "nvidia", f"seed {seed}"
    assert started > 50


def test_what_a_deployer_asks_for_is_never_undercut_by_the_image(site):
    choices = Choices(site)
    choices.policy('[policy]\non_misfit = "warn"\non_error = "warn"\npreference = true\n')
    for seed in range(150):
        chance = random.Random(seed)
        notes = said_by(chance)
        image = Image(
            name="app", env=tuple(chance.sample(ENV, 2)), platform=chance.choice(PLATFORMS), manifest_annotations=notes
        )
        engine = chance.choice(["podman", "containerd", "cri-o", "docker"])
        report = choices.decide(
            resolution=Resolution(engine, chance.choice([image, None]), "nothing tells"),
            env=image.env,
            annotations={**notes, RUNTIME: "runsc"},
        )

        assert not report.starts or report.decision.runtime == "runsc", f"seed {seed}"
