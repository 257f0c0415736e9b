"""`hostfit facts`: all or some, as a table or JSON, from here, a tree or a recording."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

HOSTS = Path(__file__).parents[1] / "hosts"
XEON = HOSTS / "intel-xeon6-e810-8-of-128-vfs" / "root"


def test_this_host_says_what_its_kernel_is_called(hostfit):
    done = hostfit("facts", "kernel.version.full")

    # NFD replaces what stands outside letters, digits, dot, dash and underscore.
    assert done.code == 0
    assert done.out.splitlines()[1].split()[:2] == ["kernel.version", "full"]
    assert done.out.splitlines()[1].split()[2].replace("_", "") in os.uname().release.replace("+", "").replace("_", "")


def test_json_is_a_recording_that_reads_back_the_same(hostfit, tmp_path):
    shown = hostfit("facts", "cpu", "network", "--root", XEON, "--format", "json").out
    (tmp_path / "host.json").write_text(shown)

    again = hostfit("facts", "cpu", "network", "--facts", tmp_path / "host.json", "--format", "json").out

    assert json.loads(again) == json.loads(shown)
    assert json.loads(shown)["instances"]["network.device"]["elements"]


def test_devices_are_numbered(hostfit):
    lines = hostfit("facts", "network.sriov", "--root", XEON).out.splitlines()

    assert lines[0].split() == ["FEATURE", "ELEMENT", "VALUE"]
    assert any(line.split()[:2] == ["network.sriov[0]", "numvfs"] for line in lines)


def test_what_cannot_be_read_is_unknown_with_path_and_errno(hostfit, tmp_path):
    done = hostfit("facts", "kernel.cmdline", "--root", tmp_path)

    assert "unknown: /proc/cmdline: ENOENT" in done.out


def test_an_element_has_one_line_to_search_for(hostfit):
    """And a long value is not wrapped, but on a terminal."""
    features = json.loads(hostfit("facts", "--root", XEON, "--format", "json").out)
    kinds = (features["attributes"], features["flags"], features["instances"])
    table = hostfit("facts", "--root", XEON).out.splitlines()

    assert {line.split()[0].partition("[")[0] for line in table[1:]} <= {name for kind in kinds for name in kind} | {
        *features["unknown"]
    }


def test_recording_is_written_whole_or_not_at_all(hostfit, tmp_path):
    done = hostfit("facts", "kernel.version", "--output", tmp_path / "no" / "host.json")

    assert done.code == 2
    assert "cannot be written: ENOENT" in done.err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"{", "host.json"), (b"[]", "host.json"), (b'{"flags": 3}', "flags"), (b"", "host.json")],
)
def test_a_recording_that_is_none_is_refused_by_name(hostfit, tmp_path, content, complaint):
    (tmp_path / "host.json").write_bytes(content)

    done = hostfit("facts", "--facts", tmp_path / "host.json")

    assert done.code == 2
    assert complaint in done.err


def test_an_unknown_name_is_refused_with_a_suggestion(hostfit):
    done = hostfit("facts", "kernel.verson")

    assert done.code == 2
    assert done.err == (
        "hostfit: feature kernel.verson is not in the vocabulary\n  hint: did you mean kernel.version?\n"
    )


def test_an_element_is_shown_alone_and_recorded_with_its_feature(hostfit, tmp_path):
    """What a recording does not list is absent, so one of a part of a feature would lie."""
    shown = hostfit("facts", "kernel.version.full", "--root", XEON).out.splitlines()
    hostfit("facts", "kernel.version.full", "--root", XEON, "--output", tmp_path / "host.json")

    assert [line.split()[:2] for line in shown[1:]] == [["kernel.version", "full"]]
    done = hostfit("check", "--require", "kernel.version.major >=1", "--facts", tmp_path / "host.json")
    assert done.code == 0


def test_names_of_modules_may_be_spelled_either_way(hostfit):
    out = hostfit("facts", "kernel.loadedmodule.vfio-pci", "--root", XEON).out

    assert out.splitlines()[1].split() == ["kernel.loadedmodule", "vfio-pci", "present"]
