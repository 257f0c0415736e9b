"""DE5: the same pods on four recorded hosts, each of which has other runtimes and can run other ones of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hostfit.core.image import Image, Platform, Resolution
from hostfit.facts.recorded import Recorded
from hostfit.gate import gate
from hostfit.oci.request import Bundle, Request

HOSTS = Path(__file__).resolve().parents[1] / "hosts"
WITHOUT_KVM, WITH_KVM = "runtimes-kata-without-kvm", "runtimes-kata-with-kvm"
OLD_DRIVER, WASM = "runtimes-nvidia-driver-470-too-old", "runtimes-wasm-only"
CUDA = ("NVIDIA_REQUIRE_CUDA=cuda>=12.4",)
LINUX = Platform("linux", "amd64")
PODS = {
    "plain": (Image(name="app", platform=LINUX), {}),
    "kata": (Image(name="app", platform=LINUX), {"annotations": {"io.hostfit.runtime": "kata"}}),
    "gpu": (Image(name="cuda", platform=LINUX, env=CUDA), {"devices": ("/dev/nvidia0",), "env": CUDA}),
    "wasm": (Image(name="module", platform=Platform("wasi", "wasm")), {}),
}


def decide(site, host, pod):
    image, parts = PODS[pod]
    recorded = Recorded.load((HOSTS / host / "facts.json").read_bytes())
    request = Request(entry="check", verb="check", id="", bundle=Bundle("/bundle", **parts))
    return gate.decide(request, site.paths, host=recorded, resolution=Resolution("", image))


@pytest.mark.parametrize(
    ("host", "pod", "runtime"),
    [
        (WITHOUT_KVM, "plain", "runc"), (WITH_KVM, "plain", "runc"), (OLD_DRIVER, "plain", "runc"), (WASM, "plain", ""),
        (WITHOUT_KVM, "kata", ""), (WITH_KVM, "kata", "kata"), (OLD_DRIVER, "kata", ""), (WASM, "kata", ""),
        (WITHOUT_KVM, "gpu", ""), (WITH_KVM, "gpu", ""), (OLD_DRIVER, "gpu", ""), (WASM, "gpu", ""),
        (WITHOUT_KVM, "wasm", ""), (WITH_KVM, "wasm", ""), (OLD_DRIVER, "wasm", ""), (WASM, "wasm", "crun-wasm"),
    ],
)  # fmt: skip
def test_pod_gets_the_runtime_that_fits_or_none(site, host, pod, runtime):
    report = decide(site, host, pod)

    assert (report.decision.runtime, report.starts) == (runtime, bool(runtime))
    assert (report.exit_code == 0) == bool(runtime)
    assert all(one.reason for one in report.decision.candidates if one.name != runtime)


@pytest.mark.parametrize(
    ("host", "pod", "line"),
    [
        (WITHOUT_KVM, "kata", "asked for runtime kata: requires cpu.cpuid SVM: required present, found absent"),
        (OLD_DRIVER, "kata", "the deployer asked for runtime kata: not installed"),
        (OLD_DRIVER, "gpu", "cuda: required >= 12.4 (version), found 11.4 (driver 470.57.02 is there, 550 or newer"),
        (WASM, "plain", "no runtime can be used: runc: not installed; crun: not installed"),
        (WITH_KVM, "wasm", "module does not fit this host: runtime.platform wasi/wasm: required present, found absent"),
    ],
)  # fmt: skip
def test_refusal_says_what_the_host_lacks(site, host, pod, line):
    assert line in decide(site, host, pod).line


@pytest.mark.parametrize("place", sorted(HOSTS.glob("runtimes-*")), ids=lambda one: one.name)
def test_recording_is_valid_and_says_where_it_is_from(place):
    assert json.loads((place / "facts.json").read_text())["version"] == "hostfit.facts/v1"
    assert "    written: " in (place / "ORIGIN").read_text()
