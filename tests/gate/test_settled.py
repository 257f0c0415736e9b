"""SEC2, DE5: a start for which nothing is chosen gets what choosing would have given it."""

from __future__ import annotations

import random

import pytest

from hostfit.core.facts import Feature
from hostfit.core.image import Image, Platform, Resolution
from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term
from hostfit.gate import gate
from hostfit.oci.request import Bundle, Request
from hostfit.policy import shipped
from hostfit.policy.model import Policy, RuntimeDefinition, Scope

from .conftest import FACTS, Recorded
from .test_choosing import GPU

NAMES = ("one", "two", "three")
CDI = Feature(instances=[{"name": "nvidia.com/gpu=0", "vendor": "nvidia.com"}])
HOST = {**FACTS, **GPU, "cdi.device": CDI}
POD = {"io.kubernetes.cri.sandbox-id": "s1"}


def rules(feature, element, op="Exists"):
    return (Rule("r", Matcher((Term(feature, {element: Expression(op)}),))),)


SPEC = Spec((CompatibilitySet(rules("kernel.loadedmodule", "overlay")),))
REQUIRES = (rules("kernel.loadedmodule", "overlay"), rules("kernel.loadedmodule", "gtp5g"))
WHEN = (rules("request.env", "A"), rules("request.env", "A", "DoesNotExist"))


def sometimes(chance, value, otherwise=None, share=0.08):
    return value if chance.random() < share else otherwise


def definition(chance, name, folder):
    gone = sometimes(chance, "gone/", "")
    return RuntimeDefinition(
        name,
        binaries=(f"{folder}/{gone}{name}",),
        isolation=sometimes(chance, 2, 1),
        kernel=sometimes(chance, "own", "host"),
        grants=bool(sometimes(chance, True)),
        platforms=sometimes(chance, ("wasi/wasm",), ()),
        requires=sometimes(chance, chance.choice(REQUIRES), ()),
        when=sometimes(chance, chance.choice(WHEN), ()),
        instead=sometimes(chance, (chance.choice(NAMES),), ()),
    )


def policy_by(chance, folder):
    allowed = tuple(chance.sample(NAMES, 2))
    return Policy(
        defaults=tuple(chance.sample(NAMES, chance.choice((1, 2)))),
        runtimes={name: definition(chance, name, folder) for name in NAMES},
        allowed=sometimes(chance, allowed),
        scopes=sometimes(chance, (Scope({}, image="*", allowed=allowed),), ()),
    )


def request_by(chance, folder):
    notes = {
        **sometimes(chance, {"io.hostfit.runtime": chance.choice((*NAMES, "four"))}, {}),
        **sometimes(chance, {"cdi.k8s.io/x": "nvidia.com/gpu=0"}, {}, 0.05),
        **sometimes(
            chance, {"io.hostfit.require": chance.choice(("kernel.version.major =6", "kernel.version.major =5"))}, {}
        ),
        **sometimes(chance, POD, {}, 0.3),
    }
    bundle = Bundle(
        f"{folder}/bundle",
        annotations=notes,
        env=sometimes(chance, (chance.choice(("A=1", "NVIDIA_VISIBLE_DEVICES=all")),), ()),
        devices=sometimes(chance, ("/dev/nvidia0",), (), 0.05),
    )
    sandbox = chance.choice(("", chance.choice(NAMES), f"{folder}/{chance.choice(NAMES)}"))
    runtime = sometimes(chance, chance.choice(NAMES), "")
    return Request(entry="runtime", verb="create", id="c1", bundle=bundle, runtime=runtime, sandbox=sandbox)


class Policies:
    """One policy, as hostfit.policy.load gives it."""

    def __init__(self, policy):
        self.policy = policy

    def load(self, _paths):
        return self.policy

    @staticmethod
    def disabled(_paths):
        return False


@pytest.fixture
def decide(site, monkeypatch):
    for name in (*NAMES, "nvidia-container-runtime"):
        site.write(f"bin/{name}", "#!/bin/sh\n").chmod(0o755)
    monkeypatch.setattr(shipped, "PLACES", (f"{site.etc}/bin/",))

    def one(seed):
        chance = random.Random(seed)
        policy = policy_by(chance, site.etc / "bin")
        asked = request_by(chance, site.etc / "bin")
        platform = Platform("linux", "amd64")
        image = sometimes(
            chance, Image(name="x", names=("x",), digest="sha256:" + "a" * 64, platform=platform), share=0.5
        )
        found = gate.decide(
            asked, site.paths, host=Recorded(HOST), policies=Policies(policy),
            resolution=Resolution("docker" if image else "", image),
        )  # fmt: skip
        return (found.starts, found.runtime_path, found.decision.runtime, found.decision.verdict, found.decision.action)

    return one


def test_short_way_and_long_way_end_at_the_same_runtime(decide, monkeypatch):
    seeds, short, taken = range(1000), gate.settled, []

    def settled(request, policy):
        taken.append(short(request, policy))
        return taken[-1]

    monkeypatch.setattr(gate, "settled", settled)
    first = [decide(seed) for seed in seeds]
    monkeypatch.setattr(gate, "settled", lambda _request, _policy: False)
    second = [decide(seed) for seed in seeds]

    assert [seed for seed in seeds if first[seed] != second[seed]] == []
    assert sum(taken) > len(seeds) / 10, "too few are settled to tell"
