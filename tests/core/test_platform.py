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
    st.text(max_size=6) | st.sampled_from(["windows", "freebsd"]),
    st.text(max_size=6) | st.sampled_from(["amd64", "arm64", "arm", "wasm"]),
    st.text(max_size=6),
    st.text(max_size=6) | st.sampled_from(["10.0.17763", "10.0.26100", "14.4", "18446744073709551615.0.1"]),
)
def test_any_platform_gives_a_valid_spec(system, architecture, variant, version):
    spec = platform_spec(Platform(system, architecture, variant, version, ("win32k", "other")))
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


def windows(version, edition=""):
    attributes = {"os": "windows", "architecture": "amd64"}
    attributes |= {"os_version": version} if version else {}
    return {"system.platform": Feature(attributes=attributes | ({"os_edition": edition} if edition else {}))}


@pytest.mark.parametrize(
    ("host_version", "image_version", "expected"),
    [
        ("10.0.17763", "10.0.17763", "fit"),
        ("10.0.17763.2114", "10.0.17763.1", "fit"),
        ("10.0.17763", "10.0.17764", "misfit"),
        ("10.0.20348", "10.0.17763", "misfit"),
        ("10.0.20348.1", "10.0.20348.9", "fit"),
        ("10.0.22621", "10.0.20348", "fit"),
        ("10.0.25398", "10.0.20348", "fit"),
        ("10.0.26100", "10.0.20348", "fit"),
        ("10.0.26100.4061", "10.0.20348", "fit"),
        ("10.0.26100", "10.0.25398", "fit"),
        ("10.0.26200", "10.0.20348", "misfit"),
        ("10.0.26200", "10.0.25398", "misfit"),
        ("10.0.26200", "10.0.26100", "fit"),
        ("10.0.26200", "10.0.26200", "fit"),
        ("10.0.22000", "10.0.22621", "misfit"),
        ("10.0.26100", "10.0.26200", "misfit"),
        ("10.1.20348", "10.0.20348", "misfit"),
        ("10.1.26200", "10.0.26100", "misfit"),
        ("6.3.26200", "10.0.26100", "misfit"),
        ("10.0.17763", "", "fit"),
        ("", "10.0.17763", "fit"),
        ("10.0.17763", "10.0", "misfit"),
        ("10.0.17763", "banana", "misfit"),
    ],
)
def test_windows_hosts_run_what_containerd_says_they_do(host_version, image_version, expected):
    """CH3: process isolation, as containerd's platforms package and hcsshim's osversion decide it."""
    platform = Platform("windows", "amd64", os_version=image_version)
    assert evaluate(platform_spec(platform), windows(host_version)).verdict == expected


@pytest.mark.parametrize(("edition", "expected"), [("server", "fit"), ("", "fit"), ("nano", "misfit")])
def test_win32k_is_on_every_windows_but_nano_server(edition, expected):
    """CH3"""
    platform = Platform("windows", "amd64", os_features=("win32k",))
    assert evaluate(platform_spec(platform), windows("10.0.20348", edition)).verdict == expected


def other(system, version):
    return {"system.platform": Feature(attributes={"os": system, "architecture": "amd64", "os_version": version})}


@pytest.mark.parametrize(
    ("system", "host_version", "image_version", "expected"),
    [
        ("freebsd", "14.4-RELEASE-p1", "14.4", "fit"),
        ("freebsd", "14.4-RELEASE", "14.3-RELEASE", "fit"),
        ("freebsd", "14.4-RELEASE", "13.5", "fit"),
        ("freebsd", "14.4-RELEASE", "15.0", "misfit"),
        ("freebsd", "14.4-RELEASE", "14.5", "misfit"),
        ("freebsd", Unknown("os_version is not recorded"), "14.4", "unknown"),
        ("illumos", "omnios-r151054-1234abc", "omnios-r151054-1234abc", "fit"),
        ("illumos", "omnios-r151054-1234abc", "omnios-r151054-1234abd", "misfit"),
        ("illumos", "omnios-r151054-1234abc", "", "fit"),
        ("solaris", "11.4.81.193.1", "11.4.81.193.1", "fit"),
        ("solaris", "11.4.81.193.1", "11.4.82", "misfit"),
    ],
)
def test_a_userland_fits_the_kernel_below_it(system, host_version, image_version, expected):
    """CH2: FreeBSD takes an older userland, illumos and Solaris only their own."""
    platform = Platform(system, "amd64", os_version=image_version)
    assert evaluate(platform_spec(platform), other(system, host_version)).verdict == expected


def test_the_version_of_a_linux_image_asks_for_nothing():
    platform = Platform("linux", "amd64", os_version="6.1", os_features=("erofs",))
    assert platform_spec(platform).wanted().elements.keys() == {"system.platform", "kernel.binfmt"}
    assert evaluate(platform_spec(platform), host()).verdict == "fit"


def test_the_rule_names_the_platform_as_the_image_writes_it():
    assert platform_spec(Platform("linux", "x86_64", "v3")).sets[0].rules[0].name == "platform linux/x86_64/v3"
