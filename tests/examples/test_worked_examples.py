"""Four images as their authors would describe them, on hosts where they fit and where they do not.

What is asserted is the first line, since that alone is what an engine's user sees.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hostfit.core.document import IMAGE, Document, Provenance
from hostfit.core.image import Image, Resolution
from hostfit.core.paths import Paths
from hostfit.core.read import read_spec
from hostfit.facts import vocabulary
from hostfit.facts.host import Host
from hostfit.gate import gate
from hostfit.oci.request import Bundle, Request
from hostfit.sources import collect

HERE = Path(__file__).parent
HOSTS = HERE.parent / "hosts"
EPYC_470 = "amd-epyc-2-a100-driver-470-cuda-11.4"
EPYC_550 = "amd-epyc-2-a100-driver-550-cuda-12.4"
ALTRA = "arm64-ampere-altra-neoverse-n1"
GTP5G_LOADED = "free5gc-gtp5g-loaded-on-5.4"
GTP5G_LOADABLE = "free5gc-gtp5g-loadable-on-5.4"
WESTMERE = "intel-westmere-x86-64-v2-no-avx"
XEON = "intel-xeon6-e810-8-of-128-vfs"
UBUNTU = "ubuntu-20.04-5.4-without-gtp5g"
FITS = "fits this host"


def decide(tmp_path, image, host, documents):
    """Ask what `hostfit check` would ask of the image on a recorded host."""
    root = str(HOSTS / host / "root")
    assert Path(root).is_dir()
    paths = Paths(f"{tmp_path}/etc", f"{tmp_path}/run", f"{tmp_path}/var")
    return gate.decide(
        Request(entry="check", verb="check", id="", bundle=Bundle("")),
        paths,
        host=Host(root, etc=paths.etc),
        resolution=Resolution("", image),
        extra=documents,
    )


def line(tmp_path, name, image, host):
    """Give the first line for the spec of this name, as the image's own."""
    spec = read_spec((HERE / f"{name}.yaml").read_bytes(), place=name, lookup=vocabulary.lookup)
    document = Document(Provenance(IMAGE, f"annotation io.hostfit.spec of {image}"), spec=spec)
    return decide(tmp_path, Image(name=image), host, (document,)).line


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (GTP5G_LOADED, FITS),
        (GTP5G_LOADABLE, FITS),
        (
            UBUNTU,
            "does not fit this host: kernel.module gtp5g: required one of loaded, builtin, loadable, found absent",
        ),
        (
            XEON,
            (
                "does not fit this host: kernel.version full: required 5.0.0-23-generic, "
                "found 5.14.0-503.11.1.el9_5.x86_64 (+1 more)"
            ),
        ),
    ],
)
def test_ch4_upf_of_free5gc_needs_gtp5g_and_its_kernel(tmp_path, host, verdict):
    image = "registry.example/free5gc/upf:v4"

    assert line(tmp_path, "upf", image, host) == f"hostfit: {image} {verdict}"


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (XEON, FITS),
        (
            EPYC_550,
            "does not fit this host: network.device sriov_numvfs: required >= 4, found 0 (+3 more)",
        ),
        (
            WESTMERE,
            "does not fit this host: network.device sriov_numvfs: required >= 4, found absent (+3 more)",
        ),
    ],
)
def test_ch5_data_plane_needs_virtual_functions_iommu_and_huge_pages(tmp_path, host, verdict):
    image = "registry.example/telco/dataplane:1.2"

    assert line(tmp_path, "sriov", image, host) == f"hostfit: {image} {verdict}"


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (EPYC_550, FITS),
        (
            EPYC_470,
            "does not fit this host: nvidia.driver version: required >= 535 (version), found 470.256.02",
        ),
        (
            XEON,
            "does not fit this host: nvidia.driver version: required >= 535 (version), found absent (+2 more)",
        ),
    ],
)
def test_ch6_cuda_12_needs_a_driver_of_its_time(tmp_path, host, verdict):
    image = "registry.example/ai/train:cuda12"

    assert line(tmp_path, "cuda12", image, host) == f"hostfit: {image} {verdict}"


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (EPYC_550, FITS),
        (XEON, FITS),
        (
            UBUNTU,
            "does not fit this host: cpu.cpuid AVX512F: required present, found absent (+1 more)",
        ),
        (
            WESTMERE,
            "does not fit this host: cpu.microarch x86-64-v3: required present, found absent (+2 more)",
        ),
        (ALTRA, "does not fit this host: cpu.microarch x86-64-v3: required present, found absent"),
    ],
)
def test_ia2a_what_is_required_depends_on_whose_processor_it_is(tmp_path, host, verdict):
    image = "registry.example/hpc/solver:7"

    assert line(tmp_path, "mixed", image, host) == f"hostfit: {image} {verdict}"


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (EPYC_550, FITS),
        (EPYC_470, "does not fit this host: nvidia.driver cuda: required >= 12.4 (version), found 11.4"),
    ],
)
def test_ch6_nvidia_require_is_enforced_where_the_container_is_given_a_gpu(tmp_path, host, verdict):
    image = Image(
        name="registry.example/ai/serve:1",
        env=("NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_REQUIRE_CUDA=cuda>=12.4"),
    )
    given = Request(
        entry="runtime", verb="create", id="c1", bundle=Bundle("/b", env=image.env, devices=("/dev/nvidia0",))
    )
    documents = collect.documents(given, Resolution("podman", image), lookup=vocabulary.lookup, var=str(tmp_path))

    report = decide(tmp_path, image, host, tuple(documents))

    assert report.line.startswith(f"hostfit: {image.name} {verdict}")


def test_ch6_nvidia_require_without_a_gpu_is_only_reported(tmp_path):
    image = Image(name="registry.example/ai/serve:1", env=("NVIDIA_REQUIRE_CUDA=cuda>=12.4",))

    report = decide(tmp_path, image, EPYC_470, ())

    assert report.decision.verdict == "fit"
    assert [one["verdict"] for one in report.tree()["documents"] if not one["enforced"]] == ["misfit"]
