"""IS 5: what is remembered of each container, and where later calls go by it, or without it."""

from __future__ import annotations

import os
import re

import pytest
from hostfit_bed.command import wait_for

from hostfit.runtime import record

from .conftest import call, paths


def test_a_start_leaves_a_record_of_the_form_that_is_documented(place, probe, bundle):
    call(place.launcher(runtime=probe.path), "--root", "/r/", "create", "-b", bundle, "c1")
    probe.take()

    link, found = sorted(place.records, key=lambda one: not one.is_symlink())
    lines = dict(line.split("=", 1) for line in found.read_text().splitlines())
    assert lines["runtime"] == str(probe.path)
    assert lines["bundle"] == str(bundle)
    assert int(lines["pid"]) > 1
    assert int(lines["start"]) > 1
    assert re.fullmatch("[0-9a-f]{64}", found.name)
    assert re.fullmatch("b-[0-9a-f]{64}", link.name)
    assert os.readlink(link) == found.name
    assert (place.run / "containers").stat().st_mode & 0o7777 == 0o700
    assert place.run.stat().st_mode & 0o7777 == 0o755
    assert found.stat().st_mode & 0o7777 == 0o600


def test_later_verbs_go_to_the_recorded_runtime_although_the_policy_is_corrupt(place, probe, bundle):
    launcher = place.launcher(runtime=probe.path)
    call(launcher, "--root", "/r", "create", "-b", bundle, "c1")
    probe.take()
    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text("[[[")

    assert call(launcher, "--root=/r", "delete", "--force", "c1").returncode == 37
    assert probe.take()["argv0"] == os.fsencode(probe.path)


def test_the_same_id_under_another_root_is_another_container(place, probe, bundle):
    launcher = place.launcher(runtime=probe.path)
    call(launcher, "--root", "/r1", "create", "-b", bundle, "c1")

    assert record.load(paths(place), "/r1", "c1").runtime == str(probe.path)
    assert record.load(paths(place), "/r2", "c1") is None
    assert record.load(paths(place), "", "c1") is None


def test_an_id_that_is_a_path_stays_inside_the_directory(place, probe, bundle):
    done = call(place.launcher(runtime=probe.path), "create", "-b", bundle, "../../../etc/x")

    assert done.returncode == 37
    assert len(place.records) == 2


@pytest.mark.parametrize("there", [True, False])
def test_a_second_create_does_not_take_a_container_away_from_its_runtime(there, place, probe, bundle):
    """After the default changed, kill and delete of the running one would go to a runtime that does not know it."""
    root = place.top / "state"
    (root / "c1").mkdir(parents=True)
    if there:
        (root / "c1/status").write_text("{}")
    first = record.Record("/usr/bin/crun", str(bundle), 1, 1)
    record.save(paths(place), str(root), "c1", first)

    done = call(place.launcher(runtime=probe.path), "--root", root, "create", "-b", bundle, "c1")

    assert done.returncode == (1 if there else 37)
    assert (b"container c1: exists already, on /usr/bin/crun" in done.stderr) == there
    kept = record.load(paths(place), str(root), "c1")
    assert kept.runtime == ("/usr/bin/crun" if there else str(probe.path))


def test_without_any_record_the_traces_of_a_container_tell_its_runtime(place, tmp_path):
    for kind, trace in (("runc", "state.json"), ("crun", "status")):
        runtime = tmp_path / kind
        runtime.write_text(f"#!/bin/sh\necho {kind} $*\n")
        runtime.chmod(0o755)
        (tmp_path / "state" / kind).mkdir(parents=True)
        (tmp_path / "state" / kind / trace).write_text("")
    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text(
        f'[runtime.runc]\nbinary = "{tmp_path}/runc"\n[runtime.crun]\nbinary = "{tmp_path}/crun"\n'
    )
    launcher = place.launcher()

    for kind in ("runc", "crun"):
        done = call(launcher, "--root", tmp_path / "state", "delete", "--force", kind)
        assert done.stdout.decode() == f"{kind} --root {tmp_path}/state delete --force {kind}\n"


def test_without_root_and_record_the_traces_beside_our_own_state_tell_it(place, probe):
    """Without --root both runtimes keep their state there: /run/crun beside /run/hostfit."""
    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text(
        f'[runtime.runc]\nbinary = "/usr/bin/false"\n[runtime.crun]\nbinary = "{probe.path}"\n'
    )
    (place.run.parent / "crun/c1").mkdir(parents=True)
    (place.run.parent / "crun/c1/status").touch()

    assert call(place.launcher(), "delete", "--force", "c1").returncode == 37


def test_cleaning_up_executes_nothing_that_others_could_have_written(place, probe):
    """R3"""
    open_to_all = place.top / "runtime"
    open_to_all.write_text("#!/bin/sh\necho executed\n")
    open_to_all.chmod(0o777)
    place.etc.mkdir()
    binaries = f'["{open_to_all}", "{probe.path}"]'
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "x"\n[runtime.x]\nbinary = {binaries}\n')

    assert call(place.launcher(), "delete", "--force", "c1").returncode == 37


def test_a_record_of_a_runtime_that_is_gone_does_not_keep_a_container_from_being_removed(place, probe):
    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "probe"\n[runtime.probe]\nbinary = "{probe.path}"\n')
    record.save(paths(place), "", "c1", record.Record("/nonexistent/runtime", "/b", 1, 1))

    assert call(place.launcher(), "delete", "--force", "c1").returncode == 37


@pytest.mark.parametrize(
    "content", ["", "runtime=\n", "runtime=relative\nbundle=/\npid=1\nstart=1\n", "\0" * 100, "pid=x"]
)
def test_a_damaged_record_counts_as_none(content, place, bundle):
    record.save(paths(place), "", "c1", record.Record("/usr/bin/true", str(bundle), 1, 1))
    [found] = [one for one in place.records if not one.is_symlink()]
    found.write_text(content)

    assert record.load(paths(place), "", "c1") is None


def test_a_full_disk_stops_only_a_runtime_that_later_calls_would_not_find(place, probe, bundle):
    place.run.write_text("in the way of the directory")
    launcher = place.launcher(runtime=probe.path)

    done = call(launcher, "create", "-b", bundle, "c1")
    assert done.returncode == 1
    assert b"must be writable to run on" in done.stderr

    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "probe"\n[runtime.probe]\nbinary = "{probe.path}"\n')
    assert call(launcher, "create", "-b", bundle, "c1").returncode == 37


def test_a_user_without_a_runtime_directory_is_told_so(place, probe, bundle):
    os.chmod(bundle / "config.json", 0o644)
    place.open_to_everybody()
    launcher = place.launcher(runtime=probe.path)

    def told():
        """What that user is told; another pytest that starts makes the directory of all root's alone again."""
        place.top.parent.parent.chmod(0o755)
        try:
            done = call(launcher, "create", "-b", bundle, "c1", user=65534, group=65534, extra_groups=[])
        except PermissionError:
            return b""
        assert done.returncode == 1
        return done.stderr

    wait_for(lambda: b"XDG_RUNTIME_DIR: must name a directory of the user's own" in told(), "the refusal")


def test_records_of_bundles_that_are_gone_are_swept_out(place, tmp_path):
    kept, gone = tmp_path / "kept", tmp_path / "gone"
    for one in (kept, gone):
        one.mkdir()
        record.save(paths(place), "", one.name, record.Record("/usr/bin/true", str(one), 1, 1))
    gone.rmdir()
    record.sweep(paths(place))

    assert record.load(paths(place), "", "kept") is not None
    assert record.load(paths(place), "", "gone") is None
    assert record.load_by_bundle(paths(place), str(kept)).bundle == str(kept)
    assert len(place.records) == 2


def test_damaged_records_are_swept_out_and_others_all_the_same(place, tmp_path):
    record.save(paths(place), "", "damaged", record.Record("/usr/bin/true", str(tmp_path), 1, 1))
    (found,) = [one for one in place.records if not one.is_symlink()]
    found.write_text("pid=x")
    record.save(paths(place), "", "gone", record.Record("/usr/bin/true", str(tmp_path / "gone"), 1, 1))
    record.sweep(paths(place))

    assert place.records == []


def test_a_record_of_a_bundle_whose_path_had_to_be_escaped_stays(place, tmp_path):
    """It cannot be looked for, and what is swept out cannot be deleted any more."""
    record.save(paths(place), "", "c", record.Record("/usr/bin/true", str(tmp_path / "a\nb"), 1, 1))
    record.sweep(paths(place))

    assert record.load(paths(place), "", "c") is not None


def test_a_bundle_of_which_another_container_was_made_leads_nowhere(place, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    record.save(paths(place), "", "c", record.Record("/usr/bin/true", str(one), 1, 1))
    record.save(paths(place), "", "c", record.Record("/usr/bin/true", str(other), 1, 1))

    assert record.load_by_bundle(paths(place), str(one)) is None
    assert record.load_by_bundle(paths(place), str(other)).bundle == str(other)


def test_a_process_that_has_ended_is_not_taken_for_one_without_a_start():
    assert record.started(4194305) == 0, "no such number"
    assert not record.Record("/usr/bin/true", "/b", 4194305, 0).alive()


def test_a_runtime_with_a_line_break_in_its_name_cannot_write_lines_of_the_record(place, tmp_path):
    evil = record.Record("/usr/bin/true\nbundle=/evil", str(tmp_path), 1, 1)

    with pytest.raises(OSError, match="one line"):
        record.save(paths(place), "", "c", evil)


def test_a_record_of_the_running_create_is_never_swept_out(place, tmp_path):
    me = os.getpid()
    record.save(paths(place), "", "c", record.Record("/usr/bin/true", str(tmp_path / "gone"), me, record.started(me)))
    record.sweep(paths(place))

    assert record.load(paths(place), "", "c").alive()


def test_a_bundle_with_a_line_break_in_its_name_cannot_write_lines_of_the_record(place, tmp_path):
    evil = tmp_path / "x\nruntime=/evil\npid=1"
    evil.mkdir(parents=True)
    record.save(paths(place), "", "c", record.Record("/usr/bin/true", str(evil), 7, 8))

    assert (record.load(paths(place), "", "c").runtime, record.load(paths(place), "", "c").pid) == ("/usr/bin/true", 7)
    assert record.load_by_bundle(paths(place), str(evil)).runtime == "/usr/bin/true"
