"""A scheduler that uses hostfit as a library: no engine, no registry, no live host (TW2, TW3, SA4).

It knows its nodes by their recordings, as `hostfit facts --output` makes them, and asks where a workload can run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hostfit

HOSTS = Path(__file__).parents[1] / "hosts"
NODES = (
    "amd-epyc-2-a100-driver-470-cuda-11.4",
    "amd-epyc-2-a100-driver-550-cuda-12.4",
    "arm64-ampere-altra-neoverse-n1",
    "intel-xeon6-e810-8-of-128-vfs",
)
TRAINING = b"""
version: v1alpha1
compatibilities:
  - description: data-centre GPU
    weight: 10
    rules:
      - name: driver
        matchFeatures:
          - feature: nvidia.driver
            matchExpressions:
              version: {op: Ge, value: ["535"], type: version}
  - description: wide vectors will do
    weight: 1
    rules:
      - name: AVX-512
        matchFeatures:
          - feature: cpu.cpuid
            matchExpressions:
              AVX512F: {op: Exists}
"""


@pytest.fixture(scope="module")
def recordings():
    """Record the nodes once, each in the JSON form that would be kept by a scheduler."""
    from hostfit.facts import recorded

    found = {}
    for name in NODES:
        host = hostfit.Host(str(HOSTS / name / "root"))
        wanted = hostfit.Wanted({info.name: None for info in host.features()})
        found[name] = json.dumps(recorded.dump(host.read(wanted))).encode()
    return found


def place(spec, recordings):
    """Give the nodes that fit with the weight of the set that was chosen, the best first."""
    ranked = []
    for name, data in recordings.items():
        facts = hostfit.Recorded.load(data).read(spec.wanted())
        result = hostfit.evaluate(spec, facts)
        if result.verdict == "fit":
            ranked.append((result.sets[result.chosen].set.weight, name))
    return sorted(ranked, reverse=True)


def test_the_best_node_comes_first(recordings):
    spec = hostfit.read_spec(TRAINING, place="training.yaml")

    assert place(spec, recordings) == [
        (10, "amd-epyc-2-a100-driver-550-cuda-12.4"),
        (1, "intel-xeon6-e810-8-of-128-vfs"),
    ]


def test_a_requirement_in_flat_form_and_a_platform_decide_too(recordings):
    from hostfit.facts import vocabulary

    spec = hostfit.parse_flat("memory.hugepages.enabled =true", level="required", lookup=vocabulary.lookup, place="pod")
    arm = hostfit.platform_spec(hostfit.Platform("linux", "arm64"))

    assert [name for _, name in place(arm, recordings)] == ["arm64-ampere-altra-neoverse-n1"]
    assert "intel-xeon6-e810-8-of-128-vfs" in [name for _, name in place(spec, recordings)]


def test_facts_may_come_from_anywhere():
    """A webhook that knows nodes by labels brings plain values."""
    spec = hostfit.read_spec(TRAINING, place="training.yaml")
    facts = {"nvidia.driver": hostfit.Feature(attributes={"version": "550.54"})}

    assert hostfit.evaluate(spec, facts).verdict == "fit"
    assert hostfit.evaluate(spec, {}).verdict == "unknown"


def test_an_invalid_spec_lists_every_problem():
    with pytest.raises(hostfit.SpecError) as caught:
        hostfit.read_spec(b"version: v2\ncompatibilites: []\n", place="training.yaml")

    assert len(caught.value.problems) >= 2
    assert caught.value.exit_code == 5


def test_importing_the_library_imports_nothing_else():
    code = "import sys, hostfit; print(sorted(m for m in sys.modules if m.startswith('hostfit')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(Path(hostfit.__file__).parents[1])},
    )  # fmt: skip

    assert done.stdout == "['hostfit']\n"


def test_every_export_is_there_and_documented():
    assert set(hostfit.__all__) <= set(dir(hostfit))
    for name in hostfit.__all__:
        value = getattr(hostfit, name)
        assert name == "VERSION" or value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hostfit.nothing  # noqa: B018 - the access is the test
