"""A package asks which containers need it before it goes, and is answered with those that are still there."""

from __future__ import annotations

from hostfit.core.paths import Paths
from hostfit.runtime import inuse, record


def paths_in(directory):
    return Paths(etc=str(directory / "etc"), run=str(directory / "run"), var=str(directory / "var"))


def created(paths, bundle, name="c1"):
    bundle.mkdir(parents=True, exist_ok=True)
    record.save(paths, "", name, record.Record("/usr/bin/runc", str(bundle), 1 << 30, 1))


def test_nothing_is_said_where_nothing_was_ever_started(tmp_path):
    assert inuse.complaint(paths_in(tmp_path)) == ""


def test_container_counts_until_its_bundle_is_gone(tmp_path):
    paths = paths_in(tmp_path)
    created(paths, tmp_path / "bundle")

    assert "not removed: 1 container(s)" in inuse.complaint(paths)
    assert f"\n  {tmp_path}/bundle (/usr/bin/runc)\n" in inuse.complaint(paths)
    (tmp_path / "bundle").rmdir()
    assert inuse.complaint(paths) == ""


def test_list_is_short_and_one_line_each(tmp_path):
    paths = paths_in(tmp_path)
    for number in range(30):
        created(paths, tmp_path / f"bundle {number}\x1b[31m", f"c{number}")

    said = inuse.complaint(paths).splitlines()

    assert len(said) == 24
    assert said[21] == "  and 10 more"
    assert "\x1b" not in "".join(said)
