"""Choosing among the images of an index takes the index alone (SA3, DE1)."""

from __future__ import annotations

import re

import pytest

from hostfit.cli.main import main
from hostfit.core.errors import NoSuchImageError
from hostfit.sources.registry import listing
from hostfit.sources.registry.access import reference


def asked(registry, repository):
    """What was asked of a repository, in order."""
    return re.findall(rf'"GET /v2/{repository}/(\w+/[^" ]+)', registry.log.read_text())


@pytest.fixture
def members(layout):
    """Two images for two levels of amd64, as descriptors."""
    plain = layout.manifest(files={"a": b"plain"})
    special = layout.manifest(files={"a": b"special"})
    platforms = ({"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "amd64", "variant": "v4"})
    return [one | {"platform": platform} for one, platform in zip((plain, special), platforms, strict=True)]


def test_the_index_is_all_that_is_read(layout, members, push, plain_registry, place, soon):
    """SA3: no further call."""
    layout.tag("i", layout.index(*members, annotations={"io.hostfit.require": "kernel.version.full >=4"}))
    name = push("i", plain_registry, "sa3/index")
    place.insecure(plain_registry.host)
    before = len(asked(plain_registry, "sa3/index"))

    found = listing.read(place.access(), reference(name), soon)

    assert [str(one.platform) for one in found.members] == ["linux/amd64", "linux/amd64/v4"]
    assert (found.name, found.names) == (name, (name,))
    assert asked(plain_registry, "sa3/index")[before:] == ["manifests/i"]


def test_a_member_without_a_platform_costs_its_config(layout, push, plain_registry, place, soon):
    arm = layout.manifest(platform={"architecture": "arm64"}, files={"a": b"arm"})
    layout.tag("i", layout.index(arm))
    name = push("i", plain_registry, "sa3/bare")
    place.insecure(plain_registry.host)
    before = len(asked(plain_registry, "sa3/bare"))

    found = listing.read(place.access(), reference(name), soon)

    assert [str(one.platform) for one in found.members] == ["linux/arm64"]
    assert [one.partition("/")[0] for one in asked(plain_registry, "sa3/bare")[before:]] == [
        "manifests", "manifests", "blobs",
    ]  # fmt: skip


def test_an_image_without_an_index_stands_alone(layout, push, plain_registry, place, soon):
    digest = layout.tag("one", layout.manifest(annotations={"a": "b"}))
    name = push("one", plain_registry, "sa3/alone")
    place.insecure(plain_registry.host)

    found = listing.read(place.access(), reference(name), soon)

    assert [one.descriptor.digest for one in found.members] == [digest]
    assert found.digest == ""


def test_what_the_registry_does_not_have_is_said(plain_registry, place, soon):
    place.insecure(plain_registry.host)
    with pytest.raises(NoSuchImageError, match='no manifest "none" on'):
        listing.read(place.access(), reference(f"{plain_registry.host}/sa3/nothing:none"), soon)


def test_the_command_asks_the_registry_where_no_store_has_the_name(
    layout, members, push, plain_registry, tmp_path, capsys
):
    layout.tag("i", layout.index(*members))
    name = push("i", plain_registry, "sa3/command")
    etc = tmp_path / "prefix" / "etc" / "hostfit"
    etc.mkdir(parents=True)
    (etc / "registries.conf").write_text(f'[[registry]]\nlocation = "{plain_registry.host}"\ninsecure = true\n')
    words = ["--prefix", str(tmp_path / "prefix"), "select", f"docker://{name}", "--rank"]

    assert main(words) in (0, 1)
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[1] for line in lines[1:] if line[:1].isdigit()} == {one["digest"][7:19] for one in members}
