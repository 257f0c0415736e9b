"""IS 5: which calls are judged, what is remembered, and what happens when something is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from hostfit.core.paths import Paths
from hostfit.runtime import passed, record

from .conftest import HOOK


def call(launcher, *words, **options):
    return subprocess.run([launcher, *words], capture_output=True, check=False, stdin=subprocess.DEVNULL, **options)


def paths(place):
    return Paths(str(place.etc), str(place.run), str(place.var))


@pytest.mark.parametrize("verb", ["create", "run", "restore"])
def test_every_verb_that_starts_a_container_is_judged_once(verb, place, probe, bundle):
    launcher = place.launcher(runtime=probe.path)

    done = call(launcher, "--root", "/r/k8s.io", verb, "--bundle", bundle, "c1",
                env={"GRPC_ADDRESS": "/s", "NAMESPACE": "n", "TTRPC_ADDRESS": "/t", "OTHER": "x"})  # fmt: skip

    assert done.returncode == 37
    environ = [("GRPC_ADDRESS", "/s"), ("NAMESPACE", "n"), ("TTRPC_ADDRESS", "/t")]
    assert place.asked == [repr(("runtime", verb, "c1", str(bundle), "/r/k8s.io", "", environ))]


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        (["create", "create"], True),
        (["-b", "create", "create", "create"], True),
        (["--debug", "create", "-b", "create", "create"], False),
        (["create", "--pid-file", "state", "create"], True),
        (["--platform", "kvm", "create", "create"], True),
        (["--systemd-cgroup", "--root", "state", "create", "--", "create"], True),
        (["--log-format", "json", "--log", "create", "create", "--no-pivot", "create"], True),
        (["run", "--detach", "create", "--bundle", "create"], False),
    ],
)
def test_a_container_named_create_in_a_bundle_named_create_is_judged(words, inside, place, bundle):
    bundle = bundle.rename(bundle.parent / "create")
    launcher = place.launcher(starts=False, line="hostfit: no")

    assert call(launcher, *words, cwd=bundle if inside else bundle.parent).stderr == b"hostfit: no\n"
    assert f"'create', {str(bundle)!r}" in place.asked[0]


@pytest.mark.parametrize("words", [["state", "create"], ["kill", "create", "9"], ["--root", "create", "state", "x"],
                                   ["exec", "create", "create"], ["delete", "--force", "create"], ["create"],
                                   ["create", "--help"], ["features"], ["--version"], [], ["list", "-q"], ["nonsense"],
                                   ["spec", "-b", "create"]])  # fmt: skip
def test_nothing_else_is_judged(words, place, probe):
    place.etc.mkdir(mode=0o755)
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "probe"\n[runtime.probe]\nbinary = "{probe.path}"\n')
    launcher = place.launcher()

    assert call(launcher, *words).returncode == 37
    assert place.asked == []
    assert probe.take()["cmdline"] == b"\0".join([os.fsencode(w) for w in [probe.path, *words]]) + b"\0"


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


def test_a_link_asks_the_gate_for_its_runtime(place, probe, bundle):
    launcher = place.launcher(runtime=probe.path)
    link = place.top / "hostfit-runtime-crun"
    link.symlink_to(launcher)

    call(link, "create", "-b", bundle, "c1")

    assert "'crun'" in place.asked[0]


@pytest.fixture(params=["exec", ""], ids=["exec", "fork"])
def looping(request, place):
    """An installation whose runtime is a script that calls the wrapper again, in its own process or in another."""
    script = place.top / "looping"
    launcher = place.launcher(runtime=script)
    script.write_text(f'#!/bin/sh\necho >>{place.top}/calls\n{request.param} {launcher} "$@"\n')
    script.chmod(0o755)
    return launcher


def test_a_runtime_that_calls_the_wrapper_again_is_stopped_and_leaves_no_record(place, looping, bundle):
    done = call(looping, "create", "-b", bundle, "c1", timeout=60)

    assert done.returncode == 1
    assert b"called hostfit-runtime again" in done.stderr
    assert len(place.asked) == 1
    assert not [one for one in place.records if not one.is_symlink()]


@pytest.mark.parametrize("words", [["state", "absent"], ["delete", "--force", "absent"], ["--version"]], ids=" ".join)
def test_without_a_record_such_a_runtime_is_asked_once_and_then_another(place, looping, words):
    """An engine that cleans up behind the refusal must come to an end, and gets the answer of a runtime."""
    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text(
        f'[policy]\ndefault = "looping"\n[runtime.looping]\nbinary = "{place.top}/looping"\n'
    )
    words = ["--root", str(place.top / "state"), *words]
    plain = subprocess.run(["/usr/bin/runc", *words], capture_output=True, check=False)
    for calls in (1, 2):
        done = call(looping, *words, timeout=60)

        assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout)
        assert (place.top / "calls").read_text() == "\n" * calls
    assert len(list((place.run / "passed").iterdir())) <= 2, "those of the last call"


def test_what_calls_that_have_ended_left_behind_is_no_reason_to_pass_a_runtime_over(place):
    """A pid comes again; only with its start it tells a process."""
    here = paths(place)
    passed.on(here, "/usr/bin/one")
    (place.run / "passed" / "4194304").write_text("1 /usr/bin/gone\n")
    passed.on(here, "/usr/bin/two")

    assert passed.before(here) == {"/usr/bin/one", "/usr/bin/two"}
    assert [one.name for one in (place.run / "passed").iterdir()] == [str(os.getpid())]
    (place.run / "passed" / str(os.getpid())).write_text("1 /usr/bin/of-an-earlier-process\n")
    assert passed.before(here) == set()


@pytest.mark.parametrize("words", [["create", "c1"], ["state", "c1"]])
def test_a_policy_that_names_the_wrapper_itself_is_an_error_and_no_loop(words, place, bundle):
    launcher = place.launcher(runtime=place.top / "hostfit-runtime")
    record.save(paths(place), "", "c1", record.Record(str(launcher), str(bundle), 1, 1))

    done = call(launcher, *words, cwd=bundle, timeout=30)

    assert done.returncode == 1
    assert b"found hostfit-runtime itself" in done.stderr


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


def test_a_configuration_that_changes_while_it_is_judged_does_not_start(place, probe, bundle):
    config = str(bundle / "config.json")
    done = call(
        place.launcher(runtime=probe.path, extra=f"open({config!r}, 'a').write(' ')"), "create", "-b", bundle, "c1"
    )

    assert done.returncode == 1
    assert b"must stay as it was judged" in done.stderr
    assert not probe.dump.exists()
    assert not [one for one in place.records if not one.is_symlink()]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "config.json: must be a readable bundle configuration, found ENOENT"),
        ("{", "not valid JSON"),
        ('{"annotations":{},"annotations":{}}', 'key "annotations" is there twice'),
        ('{"Annotations":{"io.hostfit.require":"x"}}', "must be written annotations"),
        ('{"annotations":{"a":1}}', "annotations.a must be text"),
        ("[]", "must be an object"),
    ],
)
def test_a_bundle_that_cannot_be_understood_does_not_start(content, reason, place, probe, bundle):
    (bundle / "config.json").unlink()
    if content is not None:
        (bundle / "config.json").write_text(content)

    done = call(place.launcher(runtime=probe.path), "create", "-b", bundle, "c1")

    assert done.returncode == 1
    assert reason in done.stderr.decode()
    assert not probe.dump.exists()


@pytest.mark.parametrize("broken", [False, True])
def test_the_break_glass_file_lets_the_runtime_say_what_is_wrong_with_a_bundle(broken, place, probe, bundle):
    place.etc.mkdir(mode=0o755)
    (place.etc / "disabled").touch(0o644)
    if broken:
        (bundle / "config.json").write_text("{")

    assert call(place.launcher(runtime=probe.path), "create", "-b", bundle, "c1").returncode == 37


@pytest.mark.parametrize("entry", ["runtime", "hook"])
def test_what_the_break_glass_file_lifts_for_such_a_bundle_is_on_record(entry, place, probe, bundle):
    place.etc.mkdir(mode=0o755)
    (place.etc / "disabled").touch(0o644)
    config = f'[policy]\ndefault = "probe"\n[runtime.probe]\nbinary = "{probe.path}"\n'
    (place.etc / "hostfit.toml").write_text(config)
    (bundle / "config.json").write_text('{"annotations": {}, "annotations": {}}')

    if entry == "runtime":
        assert call(place.launcher(gate=False), "create", "-b", bundle, "c1").returncode == 37
    else:
        state = json.dumps({"id": "c1", "bundle": str(bundle)})
        subprocess.run([place.launcher(HOOK, gate=False)], input=state, text=True, check=True, capture_output=True)

    (kept,) = (place.run / "reports").iterdir()
    report = json.loads(kept.read_text())
    assert (report["verdict"], report["lifted"]) == ("invalid", True)
    assert "is there twice" in report["line"]


def test_a_crash_of_the_gate_denies_without_showing_what_it_read(place, probe, bundle):
    done = call(
        place.launcher(runtime=probe.path, extra="raise KeyError('text from an image')"), "create", "-b", bundle, "c1"
    )

    assert done.returncode == 1
    assert re.fullmatch(rb"hostfit: internal error: KeyError at hostfit-runtime line \d+\n", done.stderr)


@pytest.mark.parametrize("fault", ["group", "world", "owner", "parent", "mode", "gone"])
def test_a_runtime_that_others_could_replace_is_not_executed(fault, place, bundle):
    folder = place.top / "bin"
    folder.mkdir(mode=0o755)
    runtime = folder / "runtime"
    runtime.write_text("#!/bin/sh\necho started\n")
    runtime.chmod({"group": 0o775, "world": 0o757, "mode": 0o644}.get(fault, 0o755))
    if fault == "owner":
        os.chown(runtime, 1000, 0)
    if fault == "parent":
        folder.chmod(0o777)
    if fault == "gone":
        runtime.unlink()

    done = call(place.launcher(runtime=runtime), "create", "-b", bundle, "c1")

    assert done.returncode == 1
    assert b"started" not in done.stdout
    assert done.stderr.startswith(b"hostfit: runtime /")


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

    done = call(launcher, "create", "-b", bundle, "c1", user=65534, group=65534, extra_groups=[])

    assert done.returncode == 1
    assert b"XDG_RUNTIME_DIR: must name a directory of the user's own" in done.stderr


def test_records_of_bundles_that_are_gone_are_swept_out(place, tmp_path):
    kept, gone = tmp_path / "kept", tmp_path / "gone"
    for one in (kept, gone):
        one.mkdir()
        record.save(paths(place), "", one.name, record.Record("/usr/bin/true", str(one), 1, 1))
    gone.rmdir()
    record.sweep(paths(place))

    assert record.load(paths(place), "", "kept") is not None
    assert record.load(paths(place), "", "gone") is None
    assert len(place.records) == 2


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


def test_the_hooks_definition_has_an_environment_of_its_own_and_a_timeout():
    """R1: without `env` a hook inherits its runtime's environment, without a file behind `path` it is dropped."""
    from pathlib import Path

    tree = json.loads((Path(__file__).resolve().parents[2] / "hooks/50-hostfit.json").read_text())

    assert tree == {
        "version": "1.0.0",
        "hook": {
            "path": "/usr/libexec/oci/hooks.d/hostfit-hook",
            "args": ["hostfit-hook"],
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
            "timeout": 10,
        },
        "when": {"always": True},
        "stages": ["createRuntime"],
    }


def test_a_link_that_names_no_runtime_is_not_looked_for_among_programs(place):
    launcher = place.launcher()
    link = place.top / "hostfit-runtime-echo"
    link.symlink_to(launcher)

    assert not call(link, "--version").stdout.startswith(b"--version")
    assert b"coreutils" not in call(link, "--version").stdout
