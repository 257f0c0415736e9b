"""Platforms as rules: the host's own architecture and CPU level, hardware emulation, binfmt_misc, and wasm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core.check import check
from hostfit.core.facts import Feature, Unknown
from hostfit.core.image import Platform
from hostfit.core.match import evaluate
from hostfit.core.platform import normalise, platform_spec
from hostfit.core.write import to_tree


def host(architecture="amd64", levels=("x86-64-v1", "x86-64-v2"), handlers=(), system="linux"):
    return {
        "system.platform": Feature(attributes={"os": system, "architecture": architecture}),
        "cpu.microarch": Feature(flags=levels),
        "kernel.binfmt": Feature(
            instances=[{"name": name, "architecture": name, "enabled": enabled} for name, enabled in handlers]
        ),
    }


@pytest.mark.parametrize(
    ("platform", "facts", "expected"),
    [
        (("linux", "amd64"), {}, "fit"),
        (("linux", "amd64", "v1"), {}, "fit"),
        (("linux", "amd64", "v2"), {}, "fit"),
        (("linux", "amd64", "v3"), {}, "misfit"),
        (("linux", "x86_64", "V2"), {}, "fit"),
        (("linux", "386"), {}, "fit"),
        (("linux", "i686"), {}, "fit"),
        (("linux", "arm64"), {}, "misfit"),
        (("linux", "arm64"), {"handlers": [("arm64", "true")]}, "fit"),
        (("linux", "arm64", "v9"), {"handlers": [("arm64", "true")]}, "fit"),
        (("linux", "arm64"), {"handlers": [("arm64", "false"), ("riscv64", "true")]}, "misfit"),
        (("linux", "amd64", "v3"), {"architecture": "arm64", "handlers": [("amd64", "true")]}, "fit"),
        (("linux", "arm64"), {"architecture": "arm64", "levels": ["armv8-a"]}, "fit"),
        (("linux", "aarch64", "8"), {"architecture": "arm64", "levels": ["armv8-a"]}, "fit"),
        (("linux", "arm64", "v8.2"), {"architecture": "arm64", "levels": ["armv8-a", "armv8.1-a"]}, "misfit"),
        (("linux", "arm64", "v8.1"), {"architecture": "arm64", "levels": ["armv8-a", "armv8.1-a"]}, "fit"),
        (("linux", "arm64", "v9"), {"architecture": "arm64", "levels": ["armv9.0-a"]}, "fit"),
        (("linux", "arm", "v7"), {"architecture": "arm64"}, "fit"),
        (("linux", "arm", "v7"), {}, "misfit"),
        (("linux", "amd64"), {"architecture": "386"}, "misfit"),
        (("windows", "amd64"), {}, "misfit"),
        (("windows", "amd64"), {"system": "windows"}, "fit"),
        (("freebsd", "amd64"), {"handlers": [("amd64", "true")]}, "misfit"),
        (("linux", "amd64"), {"system": "windows"}, "misfit"),
        (("", ""), {}, "fit"),
        (("linux", ""), {}, "fit"),
        (("linux", "riscv64", "rva20u64"), {"architecture": "riscv64"}, "misfit"),
    ],
)
def test_platforms(platform, facts, expected):
    """IA2c: finer than os and architecture."""
    assert evaluate(platform_spec(Platform(*platform)), host(**facts)).verdict == expected


def test_a_foreign_architecture_is_unknown_where_binfmt_misc_cannot_be_read():
    facts = host() | {"kernel.binfmt": Feature(unknown=Unknown("/proc/sys/fs/binfmt_misc: EACCES"))}
    assert evaluate(platform_spec(Platform("linux", "arm64")), facts).verdict == "unknown"
    assert evaluate(platform_spec(Platform("linux", "amd64")), facts).verdict == "fit"


@pytest.mark.parametrize("platform", [("wasi", "wasm"), ("wasip1", "wasm"), ("linux", "wasm32")])
def test_wasm_needs_a_runtime_that_names_it(platform):
    spec = platform_spec(Platform(*platform))
    name = "/".join(platform)
    assert spec.wanted().elements == {"runtime.platform": {name}}
    assert evaluate(spec, host()).verdict == "unknown"
    assert evaluate(spec, {"runtime.platform": Feature(flags=[name])}).verdict == "fit"


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("linux/x86_64/", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("Linux/AARCH64/", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/arm64/v8.0", "linux/arm64"),
        ("linux/arm64/v9.0", "linux/arm64/v9"),
        ("linux/arm64/v8.2", "linux/arm64/v8.2"),
        ("linux/arm/", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf/", "linux/arm/v7"),
        ("linux/armel/", "linux/arm/v6"),
        ("linux/i386/x", "linux/386"),
        ("macos/arm64/", "darwin/arm64"),
    ],
)
def test_one_name_for_each_thing(given_, expected):
    platform = normalise(Platform(*given_.split("/")))
    assert str(platform) == expected
    assert normalise(platform) == platform


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=6), st.text(max_size=6) | st.sampled_from(["amd64", "arm64", "arm", "wasm"]), st.text(max_size=6)
)
def test_any_platform_gives_a_valid_spec(system, architecture, variant):
    spec = platform_spec(Platform(system, architecture, variant))
    again, problems = check(to_tree(spec))
    assert problems == ()
    assert again == spec


@pytest.mark.parametrize(
    "platform",
    [("linux", "amd64", f"v{level}") for level in (1, 2, 3, 4)]
    + [("linux", "arm64", variant) for variant in ("v8", "v8.1", "v8.2", "v8.7", "v9", "v9.2")],
)
def test_every_level_that_images_carry_is_in_the_vocabulary(platform):
    from hostfit.facts.vocabulary import lookup

    assert check(to_tree(platform_spec(Platform(*platform))), lookup=lookup)[1] == ()


def test_the_rule_names_the_platform_as_the_image_writes_it():
    assert platform_spec(Platform("linux", "x86_64", "v3")).sets[0].rules[0].name == "platform linux/x86_64/v3"
