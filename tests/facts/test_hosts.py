"""The recorded hosts in tests/hosts: each is what its name says, and it is known where each of its files comes from."""

from __future__ import annotations

import fnmatch
import json
from pathlib import Path

import pytest

from hostfit.core.facts import Unknown, Wanted
from hostfit.facts import recorded
from hostfit.facts.host import Host

EVERY = sorted(Path(__file__).resolve().parents[1].joinpath("hosts").glob("*/ORIGIN"))
HOSTS = [origin for origin in EVERY if (origin.parent / "root").is_dir()]
"""The others are recordings, of what no tree can hold: tests/gate/test_hosts.py asks them."""
KINDS = ("recorded: ", "public: ", "written: ")


@pytest.fixture(params=[origin.parent for origin in HOSTS], ids=lambda place: place.name)
def place(request):
    return request.param


@pytest.fixture(params=["tree", "recording"])
def host(request, place):
    """The host as a tree of files, and the same host recorded from it: both must answer alike (SA4, SA5)."""
    live = Host(str(place / "root"))
    if request.param == "tree":
        return live
    everything = Wanted({row.name: None for row in live.features()})
    text = json.dumps(recorded.dump(live.read(everything)))
    return recorded.Recorded.load(text.encode())


def test_the_issue_s_five_kinds_of_host_and_their_opposites_are_there():
    names = {origin.parent.name for origin in HOSTS}

    assert names >= {
        "vm-amd-epyc-x86-64-v3-without-modules",
        "intel-xeon6-e810-8-of-128-vfs",
        "amd-epyc-2-a100-driver-550-cuda-12.4",
        "amd-epyc-2-a100-driver-470-cuda-11.4",
        "arm64-ampere-altra-neoverse-n1",
        "free5gc-gtp5g-loaded-on-5.4",
        "free5gc-gtp5g-loadable-on-5.4",
        "intel-westmere-x86-64-v2-no-avx",
    }


def test_host_is_what_its_name_promises(place, host):
    expected = json.loads((place / "expected.json").read_text())
    facts = host.read(Wanted(dict.fromkeys(expected)))

    for name, promise in expected.items():
        feature = facts[name]
        for flag in promise.get("flags", ()):
            assert flag in feature.flags, (name, flag)
        for flag in promise.get("absent", ()):
            assert feature.unknown is None, (name, feature.unknown)
            assert flag not in feature.flags, (name, flag)
            assert flag not in feature.unknown_flags, (name, flag)
        for attribute, value in promise.get("attributes", {}).items():
            assert feature.attributes.get(attribute) == value, (name, attribute)
        for instance in promise.get("instance", ()):
            assert any(instance.items() <= one.items() for one in feature.instances), (name, instance)
        if "count" in promise:
            assert len(feature.instances) == promise["count"], name


def test_every_feature_of_a_recorded_host_can_be_read(host):
    facts = host.read(Wanted({row.name: None for row in host.features()}))

    broken = {name: feature.unknown.reason for name, feature in facts.items() if feature.unknown is not None}
    # A probe that crashes says PROBE: EXCEPTION; one that could not read names a path or what is missing.
    assert not [reason for reason in broken.values() if reason.endswith(("Error", "Exception"))]
    for feature in facts.values():
        assert all(isinstance(value, str | Unknown) for value in (feature.attributes or {}).values())
        assert all(isinstance(value, str | Unknown) for one in feature.instances or () for value in one.values())


def _origins(place: Path) -> list[tuple[list[str], str]]:
    """Give ORIGIN's entries: the globs of a line, and the indented text below it."""
    entries: list[tuple[list[str], str]] = []
    for line in (place / "ORIGIN").read_text().splitlines():
        if line.startswith("    "):
            globs, text = entries.pop()
            entries.append((globs, f"{text} {line.strip()}".strip()))
        elif line and not line.startswith("#"):
            entries.append((line.split(), ""))
    return entries


def test_origin_names_the_source_of_every_file(place):
    root = place / "root"
    files = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or path.is_file()]
    entries = _origins(place)
    globs = [glob for globs, _ in entries for glob in globs]

    assert all(text.startswith(KINDS) for _, text in entries)
    assert not [file for file in files if not any(fnmatch.fnmatchcase(file, glob) for glob in globs)]
    assert not [glob for glob in globs if not any(fnmatch.fnmatchcase(file, glob) for file in files)]


def test_no_link_of_a_recorded_host_leads_out_of_its_tree(place):
    root = place / "root"
    outside = [
        path
        for path in root.rglob("*")
        if path.is_symlink()
        and not str(path.readlink()).startswith("/")
        and not (path.parent.resolve() / path.readlink()).resolve().is_relative_to(root)
    ]

    assert not outside


def test_recorded_host_shows_no_address_of_a_real_machine(place):
    for path in (place / "root").rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert path.name not in ("address", "machine-id", "product_serial", "product_uuid"), path
