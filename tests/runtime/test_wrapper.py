"""IS 5: which calls are judged, and what happens when something is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from hostfit.runtime import passed, record

from .conftest import HOOK, call, paths


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


def test_a_link_that_names_no_runtime_is_not_looked_for_among_programs(place):
    launcher = place.launcher()
    link = place.top / "hostfit-runtime-echo"
    link.symlink_to(launcher)

    assert not call(link, "--version").stdout.startswith(b"--version")
    assert b"coreutils" not in call(link, "--version").stdout
