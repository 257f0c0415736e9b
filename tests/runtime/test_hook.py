"""IS 6: the createRuntime hook decides where no wrapper did, with the state as each runtime writes it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from hostfit.core.paths import Paths
from hostfit.runtime import record

from .conftest import HOOK

LINE = "hostfit: this image does not fit"
STATES = {
    "runc": {"ociVersion": "1.0.2-dev", "status": "creating", "pid": 4242, "annotations": {"a": "b"}},
    "crun": {"ociVersion": "1.0", "pid": 4242, "root": "/r", "status": "created", "annotations": {}},
    "kata": {"ociVersion": "", "status": "", "pid": 4242, "annotations": {}},
    "kata in Rust": {"version": "1.0.2", "status": "creating", "pid": 1, "annotations": None},
    "nothing else": {},
}


def run(hook, state, **options):
    data = state if isinstance(state, bytes) else json.dumps(state).encode()
    environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    return subprocess.run([hook], input=data, capture_output=True, check=False, env=environ, timeout=20, **options)


@pytest.mark.parametrize("name", STATES)
def test_the_state_of_every_runtime_is_understood(name, place, bundle):
    done = run(place.launcher(HOOK), {"id": "c1", "bundle": str(bundle), **STATES[name]}, cwd="/")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert place.asked == [repr(("hook", "create", "c1", str(bundle), "", "", []))]


def test_a_refusal_is_one_line_on_standard_error_and_status_1(place, bundle):
    done = run(place.launcher(HOOK, starts=False, line=LINE), {"id": "c1", "bundle": str(bundle)})

    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", LINE + "\n")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[]", "must be an object"),
        (b'{"id":"a"}', "bundle must be an absolute path"),
        (b'{"id":"a","bundle":"relative"}', "bundle must be an absolute path"),
        (b'{"id":"a","bundle":"/a\\u0000b"}', "bundle must be an absolute path"),
        (b'{"id":1,"bundle":"/b"}', "id must be a text"),
        (b'{"id":"","bundle":"/b"}', "id must be a text"),
        (b'{"id":"a","id":"b","bundle":"/b"}', 'key "id" is there twice'),
        (b'{"id":"a","bundle":"/nonexistent"}', "found ENOENT"),
        (b"\xff", "not valid UTF-8"),
        (b'"' + b"x" * (1 << 20) + b'"', "EFBIG"),
        (b"[" * 100000, "32 levels"),
    ],
)
def test_a_state_that_cannot_be_understood_stops_the_container(state, reason, place):
    done = run(place.launcher(HOOK), state)

    assert done.returncode == 1
    assert reason in done.stderr.decode()
    assert done.stderr.startswith(b"hostfit: ")
    assert done.stderr.count(b"\n") == 1
    assert place.asked == []


@pytest.mark.parametrize("content", ["{", None])
def test_a_bundle_that_cannot_be_understood_is_reported_once(content, place, bundle):
    (bundle / "config.json").unlink()
    if content is not None:
        (bundle / "config.json").write_text(content)

    assert run(place.launcher(HOOK, gate=False), {"id": "c1", "bundle": str(bundle)}).returncode == 1
    assert len(list((place.run / "reports").iterdir())) == 1


def test_a_crash_stops_the_container_without_a_traceback(place, bundle):
    done = run(place.launcher(HOOK, extra="raise ValueError('x')"), {"id": "c1", "bundle": str(bundle)})

    assert done.returncode == 1
    assert done.stderr.startswith(b"hostfit: internal error: ValueError at ")
    assert done.stderr.count(b"\n") == 1


def test_a_bundle_that_changes_while_it_is_judged_is_stopped(place, bundle):
    config = str(bundle / "config.json")
    hook = place.launcher(HOOK, extra=f"open({config!r}, 'a').write(' ')")

    assert run(hook, {"id": "c1", "bundle": str(bundle)}).returncode == 1


RUNTIME = """#!/bin/sh
printf '{{"id":"c1","bundle":"%s","status":"creating"}}' {bundle} | env -i {hook}
echo hook said $?
"""


@pytest.mark.parametrize("tampered", [False, True])
def test_after_a_wrapper_the_hook_passes_only_what_was_judged(tampered, place, bundle):
    """R8: defence in depth, and no second evaluation in the common case."""
    runtime = place.top / "runtime"
    hook = place.launcher(HOOK, starts=False, line=LINE)
    change = f"echo ' ' >>{bundle}/config.json\n" if tampered else ""
    runtime.write_text(RUNTIME.format(bundle=bundle, hook=hook).replace("printf", change + "printf", 1))
    runtime.chmod(0o755)

    done = subprocess.run(
        [place.launcher(runtime=runtime), "create", "-b", bundle, "c1"], capture_output=True, text=True, check=False
    )

    assert done.stdout == f"hook said {int(tampered)}\n"
    assert [one.split(",")[0] for one in place.asked] == ["('runtime'", "('hook'"][: 1 + tampered]


def test_a_record_of_a_process_that_is_no_ancestor_or_has_ended_counts_for_nothing(place, bundle):
    from hostfit.oci.bundle import read_bundle

    paths = Paths(str(place.etc), str(place.run), str(place.var))
    digest = str(read_bundle(str(bundle)).fingerprint[-1])
    hook = place.launcher(HOOK, starts=False, line=LINE)
    with subprocess.Popen(["sleep", "5"]) as other:
        for pid in (other.pid, os.getpid()):
            for start in (record.started(pid), 12345):
                place.asked_file.unlink(missing_ok=True)
                record.save(paths, "", "c1", record.Record("/usr/bin/true", str(bundle), pid, start, digest))
                done = run(hook, {"id": "c1", "bundle": str(bundle)})
                # Our own process is the hook's parent here, as a runtime would be.
                assert done.returncode == (0 if pid == os.getpid() and start != 12345 else 1)
        other.kill()


@pytest.mark.parametrize("content", [None, "{"])
def test_what_stops_a_container_before_the_gate_is_kept_for_why_all_the_same(content, place, bundle):
    """crun throws the hook's text away."""
    (bundle / "config.json").unlink()
    if content:
        (bundle / "config.json").write_text(content)

    done = run(place.launcher(HOOK, gate=False), {"id": "c1", "bundle": str(bundle)})

    assert done.returncode == 1
    [kept] = (place.run / "reports").iterdir()
    tree = json.loads(kept.read_text())
    assert (tree["id"], tree["starts"]) == ("c1", False)
    assert tree["line"] == done.stderr.decode().rstrip("\n")


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
