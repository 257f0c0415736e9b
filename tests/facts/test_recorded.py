"""A recorded host is the same value as a live one (SA4, SA5, CH2, CH3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core import fastjson
from hostfit.core.errors import FactsError
from hostfit.core.facts import Feature, Unknown, Wanted
from hostfit.facts import vocabulary
from hostfit.facts.host import Host
from hostfit.facts.recorded import Recorded, dump

NAMES = st.text(min_size=1, max_size=12)
VALUES = st.one_of(st.text(max_size=20), st.builds(Unknown, st.text(max_size=20)))
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=4)


@st.composite
def features(draw):
    flags = draw(st.none() | st.sets(NAMES, max_size=4))
    unknown_flags = draw(st.dictionaries(NAMES, st.builds(Unknown, st.text(max_size=9)), max_size=3)) if flags else {}
    attributes = draw(st.none() | ATTRIBUTES) if not unknown_flags else None
    return Feature(
        flags=None if flags is None else flags - unknown_flags.keys(),
        attributes=attributes,
        instances=draw(st.none() | st.lists(ATTRIBUTES, max_size=3)),
        unknown=draw(st.none() | st.builds(Unknown, st.text(max_size=9))),
        unknown_flags=unknown_flags,
    )


def load(tree, **options):
    return Recorded.load(fastjson.dumps(tree).encode(), **options)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(["a.b", "kernel.version", "pci.device"]), features(), max_size=3))
def test_what_is_recorded_is_what_is_read(facts):
    facts = {name: one for name, one in facts.items() if one != Feature()}
    again = load(dump(facts))
    assert again.read(Wanted(dict.fromkeys(facts))) == facts
    assert dump(again.read(Wanted(dict.fromkeys(facts)))) == dump(facts)


def test_this_host_recorded_answers_like_this_host():
    names = ["cpu.cpuid", "cpu.model", "kernel.version", "kernel.config", "storage.block", "kernel.lsm", "os.glibc"]
    wanted = Wanted(dict.fromkeys(names))
    live = Host("/", etc="/nonexistent").read(wanted)
    assert load(dump(live)).read(wanted) == live


def test_feature_that_was_not_recorded_is_unknown():
    found = load({"version": "hostfit.facts/v1"}).read(Wanted({"pci.device": None, "no.such": None}))
    assert found["pci.device"].unknown == Unknown("pci.device: not recorded")
    assert found["pci.device"].instances == ()
    assert found["no.such"].unknown is not None


def test_element_outside_the_vocabulary_is_unknown_in_a_recording_too():
    recorded = load(dump({"kernel.version": Feature(attributes={"major": "6"})}))
    found = recorded.read(Wanted({"kernel.version": {"majro", "minor"}}))["kernel.version"].attributes
    assert isinstance(found["majro"], Unknown)
    assert "minor" not in found


@pytest.mark.parametrize(
    ("name", "recorded", "asked"),
    [
        ("kernel.loadedmodule", "vfio_pci", "vfio-pci"),
        ("kernel.enabledmodule", "tls-core", "tls_core"),
        ("kernel.cmdline", "intel-iommu", "intel_iommu"),
        ("kernel.sysctl", "net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
    ],
)
def test_other_spellings_find_what_was_recorded(name, recorded, asked):
    """As on the live host; NFD's export has built-in modules in file-name form."""
    if name.endswith("module"):
        found = load(dump({name: Feature(flags=[recorded])})).read(Wanted({name: {asked, "other"}}))[name]
        assert found.flags == {recorded, asked}
    else:
        found = load(dump({name: Feature(attributes={recorded: "1"})})).read(Wanted({name: {asked, "other"}}))[name]
        assert found.attributes == {recorded: "1", asked: "1"}


def test_export_of_nfd_loads_as_it_is():
    """DE7. NFD leaves false booleans out; they are said here."""
    export = {
        "flags": {"cpu.cpuid": {"elements": {"AVX2": {}}}, "kernel.loadedmodule": {"elements": None}},
        "attributes": {
            "cpu.security": {"elements": {"sgx.enabled": "true"}},
            "kernel.version": {"elements": {"major": "6"}},
        },
        "instances": {
            "pci.device": {"elements": [{"attributes": {"vendor": "8086"}}]},
            "usb.device": {"elements": None},
        },
    }
    recorded = load(export)
    found = recorded.read(Wanted({name: None for part in export.values() for name in part}))
    assert found["cpu.cpuid"].flags == {"AVX2"}
    assert found["kernel.loadedmodule"].flags == frozenset()
    assert found["cpu.security"].attributes["sgx.enabled"] == "true"
    assert found["cpu.security"].attributes["sev.enabled"] == "false"
    assert "sgx.epc" not in found["cpu.security"].attributes
    assert [device["vendor"] for device in found["pci.device"].instances] == ["8086"]
    assert found["usb.device"].instances == ()
    assert [info.name for info in recorded.features()] == sorted(found)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "recorded host"),
        (b"[]", "required an object"),
        (b'{"version": "hostfit.facts/v9"}', "required hostfit.facts/v1"),
        (b'{"flagz": {}}', '"flagz" is not known'),
        (b'{"flags": {"a.b": []}}', "flags.a.b"),
        (b'{"flags": {"a.b": {"elements": ["x"]}}}', "flags.a.b"),
        (b'{"attributes": {"a.b": {"elements": {"x": 1}}}}', "required a string, found int"),
        (b'{"instances": {"a.b": {"elements": {}}}}', "required a list"),
        (b'{"instances": {"a.b": {"elements": [{"attributes": []}, "x"]}}}', "instances.a.b"),
        (b'{"unknown": {"a.b": {"reason": null}}}', "unknown.a.b.reason"),
        (b'{"unknown": {"a\\nb": 7}}', "a\\x0ab"),
        (b'{"flags": {}, "flags": {}}', "recorded host"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(data, message):
    with pytest.raises(FactsError) as caught:
        Recorded.load(data)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


KEYS = st.sampled_from(["flags", "attributes", "instances", "unknown", "elements", "a.b", "reason", "0", "version"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(JSON)
def test_any_json_is_a_recording_or_refused(value):
    try:
        recorded = load(value)
    except FactsError:
        return
    found = recorded.read(Wanted(dict.fromkeys(("a.b", "reason"))))
    assert all(isinstance(one, Feature) for one in found.values())


def test_recording_needs_no_table_to_describe_a_sites_feature():
    recorded = load(dump({"site.thing": Feature(attributes={"size": "1"})}))
    assert recorded.lookup("site.thing").kinds == ("attribute",)
    assert vocabulary.lookup("site.thing") is None


def test_what_nfd_never_records_of_a_device_is_unknown_and_not_absent():
    card = {"attributes": {"vendor": "15b3", "class": "0200"}}
    link = {"attributes": {"name": "eth0", "mtu": "1500"}}
    host = {"instances": {"pci.device": {"elements": [card]}, "network.device": {"elements": [link]}}}

    for feature, names in (("pci.device", {"address", "driver", "numa_node"}), ("network.device", {"driver"})):
        (device,) = load(host).read(Wanted({feature: {*names, "vendor"}}))[feature].instances
        assert {device[name].reason for name in names} == {f"{feature}: NFD does not record it"}
        (device,) = load({**host, "version": "hostfit.facts/v1"}).read(Wanted({feature: names}))[feature].instances
        assert not names & device.keys()
