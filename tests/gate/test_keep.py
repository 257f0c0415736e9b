"""Reports are kept for `hostfit why`: the last thousand, root's alone, found by id or unique prefix."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hostfit.core.errors import UsageError
from hostfit.gate import gate, keep

SOURCE = str(Path(keep.__file__).parents[2])


@pytest.fixture
def kept(site, host, request_of):
    def one(container, require=""):
        report = gate.decide(request_of(require, id=container), site.paths, host=host)
        keep.keep(report, report.tree(), site.paths)
        return report

    return one


def names(site):
    return sorted(os.listdir(keep.folder(site.paths)))


@pytest.mark.parametrize("prefix", ["0123456789ab", "0", "0123456789ab" + "c" * 52])
def test_report_is_found_by_id_or_unique_prefix(site, kept, prefix):
    report = kept("0123456789ab" + "c" * 52, "kernel.loadedmodule.gtp5g exists")
    kept("f" * 64)

    assert keep.find(prefix, site.paths) == report.tree()


def test_newest_of_several_reports_on_a_container_is_found(site, kept):
    kept("web")
    last = kept("web", "kernel.loadedmodule.gtp5g exists")

    assert keep.find("web", site.paths)["line"] == last.line


def test_whole_id_is_found_although_it_begins_another(site, kept):
    kept("web")
    kept("web2")

    assert keep.find("web", site.paths)["id"] == "web"


def test_prefix_of_several_containers_is_refused(site, kept):
    kept("web1")
    kept("web2")

    with pytest.raises(UsageError, match="required an id or unique prefix, found 2 that match"):
        keep.find("web", site.paths)


@pytest.mark.parametrize("prefix", ["x", "", "../..", "*"])
def test_container_of_which_nothing_is_kept_is_said_so(site, kept, prefix):
    kept("web1")

    with pytest.raises(UsageError, match="required a kept report, found none"):
        keep.find(prefix, site.paths)


def test_nothing_kept_yet_is_said_so(site):
    with pytest.raises(UsageError, match="found none"):
        keep.find("web", site.paths)


def test_only_root_may_read_reports(site, kept):
    kept("web")
    place = Path(keep.folder(site.paths))

    assert place.stat().st_mode & 0o777 == 0o700
    assert [one.stat().st_mode & 0o777 for one in place.iterdir()] == [0o600]
    assert place.parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("container", ["../../etc/passwd", "a/b", "a~b", ".hidden", "x" * 1000, "é\n", "\ud800"])
def test_no_id_leads_anywhere_else(site, kept, container):
    kept(container)

    (name,) = names(site)
    assert len(name) < 255
    assert keep.find(container, site.paths)["verdict"] == "fit"


@pytest.mark.parametrize(
    "pair", [("a_b", "a/b"), ("a_b", "a\nb"), ("\udcff", "\udcfe"), ("x" * 999 + "1", "x" * 999 + "2")]
)
def test_report_on_another_container_with_a_similar_id_is_never_shown(site, kept, pair):
    one, other = pair
    kept(one)
    last = kept(other, "kernel.loadedmodule.gtp5g exists")

    assert keep.find(one, site.paths)["verdict"] == "fit"
    assert keep.find(other, site.paths)["line"] == last.line


def test_prefix_with_unusual_characters_finds_its_container(site, kept):
    kept("a/b/c")
    kept("a_b_c")

    assert keep.find("a/b", site.paths)["container"]["id"] == "a/b/c"
    assert keep.find("a_", site.paths)["container"]["id"] == "a_b_c"


def test_question_without_a_container_is_not_kept(site, kept):
    kept("")

    assert not os.path.exists(keep.folder(site.paths))


def plant(site, count, size=10):
    place = Path(keep.folder(site.paths))
    place.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (place / f"{number:016x}~{size:x}~old{number}").write_bytes(b"{}")
    return place


def test_last_thousand_reports_stay(site, kept):
    plant(site, 1005)

    kept("new")

    left = names(site)
    assert len(left) == 1000
    assert left[0].endswith("~old6")
    assert left[-1].endswith("~new")


def test_reports_stay_below_16_mib_together(site, kept):
    plant(site, 40, size=1 << 20)

    kept("new")

    assert len(names(site)) == 16
    assert names(site)[-1].endswith("~new")


def test_files_of_others_stay(site, kept):
    place = plant(site, 1)
    (place / "notes.txt").write_text("x")
    (place / "a~zz~b").write_text("x")

    kept("new")

    assert {"notes.txt", "a~zz~b"} <= set(names(site))


def test_half_written_file_of_a_killed_process_is_removed_in_time(site, kept):
    import time

    place = plant(site, 1)
    now = time.monotonic_ns()
    (place / f".x.1.{now}").write_text("x")
    (place / ".x.1.1").write_text("x")

    kept("new")

    assert [name for name in names(site) if name.startswith(".")] == [f".x.1.{now}"]


def test_pruning_at_the_same_time_harms_nobody(site):
    plant(site, 3000)
    program = "import sys; sys.path.insert(0, sys.argv[1])\nfrom hostfit.gate import keep\nkeep.prune(sys.argv[2])\n"
    command = [sys.executable, "-I", "-c", program, SOURCE, keep.folder(site.paths)]

    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    errors = [one.communicate()[1] for one in running]

    assert errors == [b""] * 4
    assert len(names(site)) == 1000
    assert names(site)[0].endswith("~old2000")


def test_file_that_vanishes_while_it_is_pruned_is_no_error(site, monkeypatch):
    place = plant(site, 1002)
    seen = os.listdir(place)
    (place / f"{0:016x}~a~old0").unlink()
    monkeypatch.setattr(keep.os, "listdir", lambda _place: seen)

    keep.prune(str(place))

    monkeypatch.undo()
    assert len(names(site)) == 1000


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\0" * 100])
def test_report_that_was_damaged_is_said_so(site, kept, content):
    kept("web")
    (Path(keep.folder(site.paths)) / names(site)[0]).write_bytes(content)

    with pytest.raises(UsageError, match="required a report"):
        keep.find("web", site.paths)


def test_long_report_is_shortened_and_says_so(site, host, request_of):
    report = gate.decide(request_of("kernel.loadedmodule.gtp5g exists; kernel.version.full >=5"), site.paths, host=host)
    tree = report.tree()
    (rules,) = [one["rules"] for one in tree["documents"][0]["sets"]]
    matching = next(rule for rule in rules if rule["result"] == "match")
    rules.extend([matching] * 5000)

    keep.keep(report, tree, site.paths)

    found = keep.find("c0ffee", site.paths)["documents"][0]
    assert [rule["result"] for rule in found["sets"][0]["rules"]] == ["nomatch"]
    assert found["reason"] == "rules that match are left out here"
    assert sum(int(name.split("~")[1], 16) for name in names(site)) < 1 << 20
