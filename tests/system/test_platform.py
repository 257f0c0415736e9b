"""An image for a CPU that the host is not: another architecture, or a level of x86-64 above the host's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WRAPPER = "/opt/hostfit/bin/hostfit-runtime"
V3_FLAGS = {"avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}
V4_FLAGS = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
LEVELS = {"v2": V3_FLAGS | V4_FLAGS, "v3": V4_FLAGS, "v4": set()}


@pytest.fixture(scope="module")
def cpuinfo(room):
    """/proc/cpuinfo of this machine as it would be with a CPU of another level."""
    have = Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^flags\s*:(.*)$", have, re.MULTILINE).group(1).split()

    def cpuinfo(level):
        kept = [flag for flag in flags if flag not in V3_FLAGS | V4_FLAGS]
        kept += sorted((V3_FLAGS | V4_FLAGS) - LEVELS[level])
        path = room.directory / f"cpuinfo-{level}"
        path.write_text(re.sub(r"^(flags\s*:).*$", r"\1 " + " ".join(kept), have, flags=re.MULTILINE))
        return path

    return cpuinfo


@pytest.fixture
def start(podman, images, host, cpuinfo):
    def start(tag, level, **options):
        return podman.start(
            images.built[tag], runtime=WRAPPER, options=("--rm",), cpuinfo=cpuinfo(level), **options
        )  # fmt: skip

    return start


@pytest.mark.parametrize(("tag", "level"), [("v3", "v2"), ("v4", "v2"), ("v4", "v3")])
def test_image_marked_for_a_higher_level_is_stopped(start, images, tag, level):
    done = start(tag, level)

    assert done.code == 126
    assert f"hostfit: {images.built[tag].name} does not fit this host: " in done.err
    assert f"x86-64-{tag}" in done.err or f"amd64/{tag}" in done.err


@pytest.mark.parametrize(("tag", "level"), [("plain", "v2"), ("v3", "v3"), ("v3", "v4"), ("v4", "v4")])
def test_image_marked_for_the_host_s_level_or_a_lower_one_starts(start, tag, level):
    done = start(tag, level)

    assert (done.code, done.out, done.err) == (7, "started in the container\n", "")


def test_image_of_another_architecture_is_stopped(podman, images, host):
    done = podman.start(images.built["arm64"], runtime=WRAPPER, options=("--rm",))

    assert done.code == 126
    assert f"hostfit: {images.built['arm64'].name} does not fit this host: " in done.err
    assert "arm64" in done.err


@pytest.mark.parametrize(("level", "code"), [("v2", 126), ("v3", 7)])
def test_program_built_for_a_higher_level_is_stopped_although_nothing_marks_it(start, level, code):
    """The linker's note in the program says x86-64-v3 (gABI, .note.gnu.property)."""
    done = start("built-v3", level)

    assert done.code == code
    if code == 126:
        assert "x86-64-v3" in done.err


def test_level_that_only_the_index_names_counts_under_containerd(containerd, images, host, room, cpuinfo):
    container = "hf-index-level"
    room.run(["mount", "--bind", cpuinfo("v2"), "/proc/cpuinfo"], check=True)
    try:
        platform = ("--platform", "linux/amd64/v3")
        done = containerd.start(images.built["levels"], container, binary=WRAPPER, options=platform)
    finally:
        room.run(["umount", "/proc/cpuinfo"], check=True)

    assert done.code == 1
    assert f"hostfit: {images.built['levels'].name} does not fit this host: " in done.err
