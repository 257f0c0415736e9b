"""IS figures: the benchmark runs here and anywhere, measures all that is installed, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "packaging/bench/bench"
pytestmark = pytest.mark.system
ALWAYS = {
    "lifecycle, runc",
    "lifecycle, crun",
    "lifecycle, runc, service down",
    "a verb passed on",
    "hook",
    "check --spec, the first time",
    "check --spec, compiled",
    "facts, everything, cold",
    "a decision in the service, warm",
    "200 created at once, for each",
    "memory of the service",
}
"""What `packaging/dev/set-up test` installs is enough for these."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A few rounds; what they take here says nothing, so no figure is looked at."""
    top = tmp_path_factory.mktemp("bench")
    command = [BENCH, "--rounds", "1", "--json", top / "found.json", "--chart", top / "chart.svg"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=570)
    assert done.returncode == 0, done.stderr
    return done, json.loads((top / "found.json").read_text()), (top / "chart.svg").read_text()


def test_every_figure_is_measured_or_says_what_is_missing(ran):
    _, found, _ = ran
    rows = {row["work"]: row for row in found["rows"]}

    assert set(rows) >= ALWAYS
    assert not [row for name, row in rows.items() if name in ALWAYS and "missing" in row]
    assert all(row["missing"] for row in rows.values() if "value" not in row)
    assert rows["lifecycle, runc"]["runs"]["with"]["cpu_ms"]["median"] > 0
    assert found["machine"]["kernel"]


def test_the_table_has_a_line_for_every_figure(ran):
    done, found, _ = ran

    for row in found["rows"]:
        assert any(line.startswith(row["work"]) for line in done.stdout.splitlines())


def test_the_chart_is_an_image_with_a_bar_for_every_ratio(ran):
    _, found, chart = ran
    tree = ET.fromstring(chart)
    ratios = [row["work"] for row in found["rows"] if row.get("unit") == "x"]
    texts = [node.text for node in tree.iter("{http://www.w3.org/2000/svg}text")]

    assert ratios
    assert set(ratios) <= set(texts)


def test_nothing_of_it_is_left(ran):
    """By the name that it gave everything, for other tests come and go meanwhile."""
    _, found, _ = ran
    name = found["name"]
    groups = [*Path("/sys/fs/cgroup").glob(f"*/{name}"), *Path("/sys/fs/cgroup").glob(name)]
    words = [words_of(path) for path in Path("/proc").glob("[0-9]*/cmdline")]

    assert not Path(found["place"]).exists()
    assert not groups
    assert not [one for one in words if name.encode() in one]


def words_of(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
