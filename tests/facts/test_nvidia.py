"""nvidia.driver and nvidia.gpu against trees, the tables behind them, and a real GPU where there is one."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostfit.core.facts import Unknown, Wanted
from hostfit.facts.host import Host
from hostfit.facts.probes import nvidia, nvidiatables

VERSION = "/proc/driver/nvidia/version"
PROPRIETARY = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  12\n"
)
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  570.86.15  Release Build  (root@host)  \n"
GPU = "/sys/bus/pci/devices/0000:41:00.0/"
OTHER = "/sys/bus/pci/devices/0000:c1:00.0/"
SAYS = "/proc/driver/nvidia/gpus/{}/information"
INFORMATION = "Model: \t\t {}\nIRQ:   \t\t 42\nGPU UUID: \t {}\nBus Type: \t PCIe\nDevice Minor: \t 0\n"


def card(base, device, kind="0x030200"):
    ids = {"class": kind, "vendor": "0x10de", "device": device}
    return {base + name: f"{text}\n" for name, text in ids.items()}


def test_driver_s_version_branch_cuda_and_flavour_are_told_from_proc(feature):
    """CH6"""
    assert feature("nvidia.driver", {VERSION: PROPRIETARY}).attributes == {
        "loaded": "true",
        "version": "550.54.15",
        "branch": "550",
        "cuda": "12.4",
        "flavour": "proprietary",
    }


def test_open_kernel_modules_are_told_apart(feature):
    found = feature("nvidia.driver", {VERSION: OPEN}).attributes

    assert (found["version"], found["cuda"], found["flavour"]) == ("570.86.15", "12.8", "open")


def test_version_comes_from_sysfs_where_proc_lacks_it(feature):
    found = feature("nvidia.driver", {"/sys/module/nvidia/version": "535.183.01\n"}).attributes

    assert (found["version"], found["cuda"]) == ("535.183.01", "12.2")
    assert found["flavour"] == Unknown(VERSION + ": ENOENT")


def test_host_without_the_driver_is_known_to_have_none(feature):
    found = feature("nvidia.driver", {"/sys/module/kvm/version": ""})

    assert (found.attributes, found.unknown) == ({"loaded": "false"}, None)


def test_tree_without_modules_says_nothing_on_the_driver(feature):
    assert feature("nvidia.driver", {"/etc/os-release": ""}).unknown == Unknown("/sys/module: ENOENT")


@pytest.mark.parametrize("elsewhere", ["/dev/dxg", "/sys/module/nvgpu/version"], ids=["WSL", "Tegra"])
def test_gpus_that_are_no_pci_devices_are_unknown_and_not_absent(feature, elsewhere):
    """Windows lends its GPUs through /dev/dxg; a Tegra's GPU is on the chip and has a driver of its own."""
    files = {"/sys/module/kvm/version": "", "/sys/bus": None, elsewhere: ""}
    driver = feature("nvidia.driver", files)
    gpus = feature("nvidia.gpu", files)

    assert driver.unknown == gpus.unknown
    assert gpus.unknown.reason.startswith(elsewhere.removesuffix("/version") + ": ")
    assert (driver.attributes, gpus.attributes, gpus.instances) == ({}, {}, ())


def test_cuda_of_a_branch_that_the_table_lacks_is_unknown(feature):
    found = feature("nvidia.driver", {VERSION: PROPRIETARY.replace("550.54.15", "999.10")}).attributes

    assert found["version"] == "999.10"
    assert found["cuda"] == Unknown("driver branch 999: not in hostfit's table of CUDA versions")


def test_driver_that_names_no_version_is_loaded_and_unknown(feature):
    found = feature("nvidia.driver", {VERSION: "NVRM version: none of these\n"}).attributes

    assert found["loaded"] == "true"
    assert found["version"] == Unknown(VERSION + ": no version in it")


def test_only_what_is_asked_for_is_given(feature):
    assert feature("nvidia.driver", {VERSION: PROPRIETARY}, {"cuda"}).attributes == {"cuda": "12.4"}


@given(st.text(max_size=200))
def test_any_text_in_place_of_the_version_is_survived(text):
    version = nvidia._driver_version(text)

    assert version is None or "." in version


def test_gpu_is_told_from_pci_and_from_the_driver(feature):
    files = {**card(GPU, "0x20b5"), SAYS.format("0000:41:00.0"): INFORMATION.format("NVIDIA A100 80GB PCIe", "GPU-1-2")}
    found = feature("nvidia.gpu", files)

    assert found.attributes == {"count": "1", "arch_min": "8.0", "arch_max": "8.0", "brand": "nvidia"}
    assert found.instances == (
        {
            "address": "0000:41:00.0",
            "device": "20b5",
            "model": "NVIDIA A100 80GB PCIe",
            "uuid": "GPU-1-2",
            "architecture": "ampere",
            "arch": "8.0",
        },
    )


def test_gpus_of_two_kinds_have_a_range_and_a_mixed_brand(feature):
    files = {**card(GPU, "0x1eb8"), **card(OTHER, "0x2901")}
    files[SAYS.format("0000:41:00.0")] = INFORMATION.format("Tesla T4", "GPU-1")
    files[SAYS.format("0000:c1:00.0")] = INFORMATION.format("NVIDIA B200", "GPU-2")

    assert feature("nvidia.gpu", files).attributes == {
        "count": "2",
        # As numbers: as text, 10.0 would be less than 7.5.
        "arch_min": "7.5",
        "arch_max": "10.0",
        "brand": "mixed",
    }


def test_gpu_without_a_driver_is_there_and_its_name_unknown(feature):
    found = feature("nvidia.gpu", card(GPU, "0x2330"))

    assert found.instances[0]["arch"] == "9.0"
    assert found.instances[0]["model"] == Unknown(SAYS.format("0000:41:00.0") + ": ENOENT")
    assert isinstance(found.attributes["brand"], Unknown)


def test_gpu_that_the_table_lacks_is_unknown_and_counts(feature):
    found = feature("nvidia.gpu", card(GPU, "0xfffe"))

    assert found.attributes["count"] == "1"
    why = Unknown("PCI device fffe: not in hostfit's table of NVIDIA GPUs")
    assert (found.attributes["arch_min"], found.instances[0]["architecture"]) == (why, why)


def test_uuid_that_the_driver_does_not_know_yet_is_unknown(feature):
    files = {**card(GPU, "0x20b5"), SAYS.format("0000:41:00.0"): INFORMATION.format("NVIDIA A100", "GPU-????????-????")}

    assert isinstance(feature("nvidia.gpu", files).instances[0]["uuid"], Unknown)


def test_switches_and_sound_of_nvidia_are_no_gpus(feature):
    files = {**card(GPU, "0x22a3", "0x068000"), **card(OTHER, "0x10f0", "0x040300")}

    assert feature("nvidia.gpu", files).attributes == {"count": "0"}
    assert feature("nvidia.gpu", files).instances == ()


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        # Device ids and chips of the PCI ID Repository, capabilities of NVIDIA's list.
        ("102d", ("kepler", "3.7")),  # GK210GL, Tesla K80
        ("13f2", ("maxwell", "5.2")),  # GM204GL, Tesla M60
        ("15f8", ("pascal", "6.0")),  # GP100GL, Tesla P100 PCIe 16GB
        ("1b38", ("pascal", "6.1")),  # GP102GL, Tesla P40
        ("1bb3", ("pascal", "6.1")),  # GP104GL, Tesla P4
        ("1db6", ("volta", "7.0")),  # GV100GL, Tesla V100 PCIe 32GB
        ("1eb8", ("turing", "7.5")),  # TU104GL, Tesla T4
        ("2187", ("turing", "7.5")),  # TU116, GeForce GTX 1650 SUPER
        ("20b2", ("ampere", "8.0")),  # GA100, A100 SXM4 80GB
        ("20b7", ("ampere", "8.0")),  # GA100GL, A30 PCIe
        ("2235", ("ampere", "8.6")),  # GA102GL, A40
        ("2237", ("ampere", "8.6")),  # GA102GL, A10G
        ("25b6", ("ampere", "8.6")),  # GA107GL, A2 and A16
        ("2684", ("ada", "8.9")),  # AD102, GeForce RTX 4090
        ("26b9", ("ada", "8.9")),  # AD102GL, L40S
        ("27b8", ("ada", "8.9")),  # AD104GL, L4
        ("2330", ("hopper", "9.0")),  # GH100, H100 SXM5 80GB
        ("2335", ("hopper", "9.0")),  # GH100, H200 SXM 141GB
        ("2342", ("hopper", "9.0")),  # GH100, GH200 120GB
        ("2901", ("blackwell", "10.0")),  # GB100, B200
        ("3182", ("blackwell", "10.3")),  # GB110, B300 SXM6
        ("2b85", ("blackwell", "12.0")),  # GB202, GeForce RTX 5090
        ("2d04", ("blackwell", "12.0")),  # GB206, GeForce RTX 5060 Ti
        ("2e12", ("blackwell", "12.1")),  # GB10
    ],
)
def test_well_known_gpus_have_their_compute_capability(device, expected):
    assert nvidia._architecture(device) == expected


def test_ranges_of_the_table_do_not_overlap():
    ordered = sorted(nvidiatables.CHIPS)

    assert all(first <= last for first, last, _, _ in ordered)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(ordered))


@pytest.mark.parametrize(
    ("model", "brand"),
    [
        ("Tesla V100-SXM2-32GB", "tesla"),
        ("NVIDIA H100 80GB HBM3", "nvidia"),
        ("NVIDIA GeForce RTX 4090", "geforcertx"),
        ("GeForce GTX 1080 Ti", "geforce"),
        ("Quadro RTX 8000", "quadrortx"),
        ("NVIDIA RTX A6000", "nvidiartx"),
        ("NVIDIA TITAN RTX", "titanrtx"),
        ("GRID T4-16Q", "grid"),
    ],
)
def test_brand_is_told_from_the_name(model, brand):
    assert nvidiatables.brand(model) == brand


@pytest.mark.gpu
@pytest.mark.skipif(not (Path(VERSION).exists() and shutil.which("nvidia-smi")), reason="no NVIDIA GPU on this machine")
def test_real_gpus_are_those_that_nvidia_smi_shows():
    query = ["nvidia-smi", "--query-gpu=uuid,name,compute_cap,driver_version", "--format=csv,noheader"]
    said = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()
    banner = subprocess.run(["nvidia-smi"], check=True, capture_output=True, text=True).stdout
    facts = Host().read(Wanted({"nvidia.gpu": None, "nvidia.driver": None}))
    driver = facts["nvidia.driver"].attributes

    assert f"CUDA Version: {driver['cuda']} " in banner
    assert sorted(said) == sorted(
        f"{gpu['uuid']}, {gpu['model']}, {gpu['arch']}, {driver['version']}" for gpu in facts["nvidia.gpu"].instances
    )
