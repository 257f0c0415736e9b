"""amdgpu.driver and amdgpu.gpu against trees."""

from __future__ import annotations

import pytest

from hostfit.core.facts import Feature, Unknown

NODE = "/sys/class/kfd/kfd/topology/nodes/{}/"
CPU = {NODE.format(0) + "name": "\n", NODE.format(0) + "properties": "cpu_cores_count 64\nsimd_count 0\n"}
PROPERTIES = "simd_count 416\nsimd_per_cu 4\ngfx_target_version {}\ndevice_id 29711\nlocation_id 49664\ndomain 0\n"


def test_gpu_is_told_from_its_node_and_the_cpu_is_none(feature):
    files = {**CPU, NODE.format(1) + "name": "aldebaran\n", NODE.format(1) + "properties": PROPERTIES.format(90010)}
    found = feature("amdgpu.gpu", files)

    assert found.attributes == {"count": "1"}
    assert found.instances == (
        {"name": "aldebaran", "arch": "gfx90a", "device": "740f", "address": "0000:c2:00.0", "compute_units": "104"},
    )


@pytest.mark.parametrize(
    ("number", "arch"),
    [
        (80003, "gfx803"),
        (90000, "gfx900"),
        (90402, "gfx942"),
        (90500, "gfx950"),
        (100300, "gfx1030"),
        (110501, "gfx1151"),
    ],
)
def test_architecture_has_the_name_that_compilers_use(feature, number, arch):
    files = {NODE.format(1) + "properties": PROPERTIES.format(number)}

    assert feature("amdgpu.gpu", files).instances[0]["arch"] == arch


def test_node_without_a_target_has_an_unknown_architecture(feature):
    (found,) = feature("amdgpu.gpu", {NODE.format(1) + "properties": "simd_count 4\n"}).instances

    assert isinstance(found["arch"], Unknown)


@pytest.mark.parametrize("text", ["", "simd_count\n", "simd_count -1\n", "simd_count " + "9" * 5000, "\xff\n"])
def test_properties_that_make_no_sense_are_no_gpu(feature, text):
    assert feature("amdgpu.gpu", {NODE.format(1) + "properties": text}).instances == ()


def test_host_without_the_compute_interface_has_no_gpu(feature):
    assert feature("amdgpu.gpu", {"/sys/class/net/lo/mtu": ""}) == Feature(attributes={"count": "0"}, instances=())


def test_driver_of_amd_s_package_has_a_version(feature):
    found = feature("amdgpu.driver", {"/sys/module/amdgpu/version": "6.7.0\n"})

    assert found.attributes == {"loaded": "true", "version": "6.7.0", "flavour": "dkms"}


def test_driver_of_the_kernel_has_none(feature):
    found = feature("amdgpu.driver", {"/sys/module/amdgpu/parameters/gttsize": "-1\n"})

    assert found.attributes == {"loaded": "true", "flavour": "kernel"}


def test_host_without_the_driver_says_so_and_a_tree_without_modules_says_nothing(feature, tmp_path):
    assert feature("amdgpu.driver", {"/sys": None}).unknown == Unknown("/sys/module: ENOENT")
    assert feature("amdgpu.driver", {"/sys/module": None}).attributes == {"loaded": "false"}
