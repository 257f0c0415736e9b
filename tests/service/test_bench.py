"""IS figures: the benchmark runs here and anywhere, measures all that is installed, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "packaging/bench/bench"
SVG = "{http://www.w3.org/2000/svg}"
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


def test_every_row_counts_the_starts_that_python_decided_for_it(ran):
    """A life without the service is Python's each time, warming up included; no other row may have that count."""
    rows = {row["work"]: row for row in ran[1]["rows"] if "missing" not in row}

    assert rows["lifecycle, runc, service down"]["fell_back"] == 3
    assert rows["a verb passed on"]["fell_back"] <= 1
    for work in ("check --spec, compiled", "a decision in the service, warm", "memory of the service"):
        assert rows[work]["fell_back"] == 0


def test_what_a_figure_asks_for_beside_its_value_has_to_be_met_too(ran):
    rows = {row["work"]: row for row in ran[1]["rows"] if "bound" in row}
    crowd, memory = rows["200 created at once, for each"], rows["memory of the service"]

    assert crowd["met"] == (crowd["value"] <= 1.5 and crowd["fell_back"] == crowd["failed"] == 0)
    assert memory["met"] == (memory["value"] <= 60 and memory["growth_mib"] < 1)


def part(name):
    """One module of the benchmark, which is no package."""
    found = importlib.util.spec_from_file_location(f"hostfit_bench_{name}", BENCH.with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def made(**rows):
    """What was measured, with these rows: value, bound, met."""
    return {
        "rounds": 1, "native": True,
        "machine": {"processors": 2, "processor": "P", "memory_mib": 1, "kernel": "6.1", "system": "Debian",
                    "python": "3", "runtimes": {}, "load": [0.0]},
        "rows": [{"work": work, "against": "-", "unit": "x", "value": value, "bound": bound, "met": met, "fell_back": 7}
                 for work, (value, bound, met) in rows.items()],
    }  # fmt: skip


def test_a_figure_that_is_not_reached_is_seen_in_table_and_chart():
    found = made(slow=(1.2, 1.1, False), fast=(1.0, 1.1, True), failing=(1.0, 1.1, False))
    lines = part("report").table(found).splitlines()
    chart = ET.fromstring(part("chart").draw(found))
    texts = [node.text for node in chart.iter(f"{SVG}text")]
    colours = [node.get("fill") for node in chart.iter(f"{SVG}rect")][1:]

    for work, yes, text in (("slow", "no", "1.20, not reached: 1.10"), ("fast", "yes", "1.00, reached: 1.10"),
                            ("failing", "no", "1.00, not reached: 1.10")):  # fmt: skip
        assert next(line for line in lines if line.startswith(work)).split()[-1] == yes
        assert f"{work}: Python decided 7 starts" in lines
        assert texts[texts.index(work) + 1] == text
    assert colours[0] == colours[2] != colours[1]


def test_the_chart_is_an_image_with_a_bar_for_every_ratio(ran):
    _, found, chart = ran
    tree = ET.fromstring(chart)
    ratios = [row["work"] for row in found["rows"] if row.get("unit") == "x"]
    texts = [node.text for node in tree.iter(f"{SVG}text")]

    assert ratios
    assert set(ratios) <= set(texts)


def left(name):
    """What has the name that the benchmark gave everything; other tests come and go meanwhile."""
    yield from Path("/sys/fs/cgroup").glob(f"*/{name}")
    yield from Path("/sys/fs/cgroup").glob(name)
    yield from Path(part("place").in_memory() or "/nonexistent").glob(f"{name}-*")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if name.encode() in path.read_bytes():
                yield path


def test_nothing_of_it_is_left(ran):
    _, found, _ = ran

    assert not Path(found["place"]).exists()
    assert not list(left(found["name"]))


def states(folder):
    """The containers that the benchmark which works in `folder` has now; others may run meanwhile."""
    memory = Path(part("place").in_memory() or folder)
    return [one for top in folder.glob("hostfit-bench-*") for one in memory.glob(f"{top.name}-*/state/runc/*")]


def test_nothing_is_left_where_it_is_told_to_end(tmp_path):
    """In the middle of a container's life, and twice, as `timeout` does it."""
    command, environ = [BENCH, "--rounds", "10000"], {**os.environ, "TMPDIR": tmp_path}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            end = time.monotonic() + 300
            while not (made := states(tmp_path)) and time.monotonic() < end:
                if process.poll() is not None:
                    break
                time.sleep(0.005)
            for _ in range(2):
                process.terminate()
            _, said = process.communicate(timeout=300)
        finally:
            process.kill()

    assert made, said
    assert process.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())
    assert not list(left(made[0].parents[2].name.rpartition("-")[0]))
