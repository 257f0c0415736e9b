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
