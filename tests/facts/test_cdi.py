"""cdi.device against spec files as the CDI's own specification has them, valid and not."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import cdi

EDITS = {"deviceNodes": [{"path": "/dev/nvidia0"}]}


def spec(kind="nvidia.com/gpu", names=("0", "all"), **more):
    devices = [{"name": name, "containerEdits": EDITS} for name in names]
    return json.dumps({"cdiVersion": "0.6.0", "kind": kind, "devices": devices, **more})


def names(feature: Feature) -> list[str]:
    return [str(one["name"]) for one in feature.instances or ()]


def test_device_has_qualified_name_kind_vendor_and_class(feature):
    assert feature("cdi.device", {"/etc/cdi/nvidia.json": spec(names=["0"])}) == Feature(
        instances=[
            {
                "name": "nvidia.com/gpu=0",
                "kind": "nvidia.com/gpu",
                "vendor": "nvidia.com",
                "class": "gpu",
                "device": "0",
            }
        ]
    )


def test_yaml_as_nvidia_ctk_writes_it_is_read(feature):
    text = (
        '---\ncdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: "0"\n  containerEdits:\n    deviceNodes: []\n'
    )

    assert names(feature("cdi.device", {"/var/run/cdi/nvidia.yaml": text})) == ["nvidia.com/gpu=0"]


def test_both_directories_count_and_the_link_var_run_is_followed(feature):
    files = {"/etc/cdi/a.json": spec("vendor.com/net", ["nic"]), "/run/cdi/b.json": spec()}

    assert names(feature("cdi.device", files, links={"/var/run": "/run"})) == [
        "nvidia.com/gpu=0",
        "nvidia.com/gpu=all",
        "vendor.com/net=nic",
    ]


def test_spec_of_a_later_directory_overrides(feature):
    files = {"/etc/cdi/a.json": spec(names=["0"]), "/var/run/cdi/b.json": spec(names=["0"])}

    assert names(feature("cdi.device", files)) == ["nvidia.com/gpu=0"]


def test_two_specs_of_one_directory_with_one_device_take_it_from_both(feature):
    files = {"/etc/cdi/a.json": spec(names=["0", "1"]), "/etc/cdi/b.json": spec(names=["0"])}

    assert names(feature("cdi.device", files)) == ["nvidia.com/gpu=1"]


def test_host_without_specs_has_no_devices(feature):
    assert feature("cdi.device", {"/etc/os-release": ""}) == Feature(instances=())


def test_other_files_are_none_of_the_cdi_s(feature):
    files = {"/etc/cdi/README": "x", "/etc/cdi/a.json.dpkg-old": "x", "/etc/cdi/.a.yml": "x"}

    assert feature("cdi.device", files) == Feature(instances=())


BAD = {
    "no JSON": "{",
    "no mapping": "[]",
    "unknown key": spec(device=[]),
    "no version": json.dumps({"kind": "a.b/c", "devices": [{"name": "0"}]}),
    "version that is none": spec().replace("0.6.0", "new"),
    "no class": spec("nvidia.com"),
    "bad vendor": spec("../x/gpu"),
    "class that ends in a dash": spec("nvidia.com/gpu-"),
    "no devices": spec(names=[]),
    "device with a slash": spec(names=["../0"]),
    "device with a space": spec(names=["0 1"]),
    "device that is a number": spec().replace('"0"', "0", 1),
    "one device twice": spec(names=["0", "0"]),
    "unknown key of a device": spec().replace('"name"', '"nam"', 1),
    "long name": spec(names=["0" * 300]),
    "duplicate key": '{"kind": "a.b/c", ' + spec()[1:],
    "too large": spec() + " " * (1 << 20),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_spec_that_is_not_valid_leaves_further_devices_unknown_and_others_in_place(feature, text):
    found = feature("cdi.device", {"/etc/cdi/bad.json": text, "/etc/cdi/good.json": spec(names=["0"])})

    assert names(found) == ["nvidia.com/gpu=0"]
    assert found.unknown is not None
    assert found.unknown.reason.startswith("/etc/cdi/bad.json: ")


def test_yaml_anchors_and_aliases_are_refused(feature):
    text = "cdiVersion: 0.6.0\nkind: a.b/c\ndevices: &d\n- name: x\n  containerEdits: *d\n"
    found = feature("cdi.device", {"/etc/cdi/bomb.yaml": text})

    assert found.instances == ()
    assert "not allowed, found &d" in found.unknown.reason


def test_spec_that_cannot_be_read_is_named_with_its_errno(feature):
    found = feature("cdi.device", {"/etc/cdi": None}, links={"/etc/cdi/a.json": "nowhere"})

    assert found.unknown == Unknown("/etc/cdi/a.json: ENOENT")


def test_reason_of_a_hostile_file_is_escaped(feature):
    found = feature("cdi.device", {"/etc/cdi/a.json": '{"\\u001b[31mkind": 1}'})

    assert "\x1b" not in found.unknown.reason


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda below: (
            st.lists(below, max_size=3)
            | st.dictionaries(st.sampled_from(["cdiVersion", "kind", "devices", "name", "x"]), below, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_tree_is_devices_or_a_value_error(tree):
    try:
        found = cdi._devices(tree)
    except ValueError:
        return
    assert all(device["name"].count("=") == 1 for device in found)
