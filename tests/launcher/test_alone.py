"""IS launcher: what needs no decision reaches the runtime without Python, service or policy."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hostfit_bed.entries import LAUNCHER, Native, build

from hostfit.runtime import record
from hostfit.service import wire

from .conftest import Service, answering, furnish, run

ROOT = b"/run/containerd/runc/k8s.io"
SHIM = [b"--root", ROOT, b"--log", b"log.json", b"--log-format", b"json"]
CALLS = {
    "shim start": [*SHIM, b"start", b"c1"],
    "shim state": [*SHIM, b"state", b"c1"],
    "shim delete": [*SHIM, b"delete", b"--force", b"c1"],
    "shim kill": [*SHIM, b"--systemd-cgroup", b"kill", b"--all", b"c1", b"9"],
    "shim exec": [*SHIM, b"exec", b"--process", b"/tmp/p.json", b"--console-socket", b"s", b"--detach", b"--pid-file",
                  b"p", b"c1"],
    "shim ps": [*SHIM, b"ps", b"--format", b"json", b"c1"],
    "shim pause": [*SHIM, b"pause", b"c1"],
    "shim update": [*SHIM, b"update", b"--resources=-", b"c1"],
    "shim events": [*SHIM, b"events", b"--stats", b"c1"],
    "shim checkpoint": [*SHIM, b"checkpoint", b"--image-path", b"i", b"--work-path", b"w", b"--leave-running", b"c1"],
    "conmon exec": [b"--root=" + ROOT, b"exec", b"-d", b"--pid-file", b"p", b"-p", b"f", b"c1"],
    "CRI-O kill": [b"--root", ROOT, b"kill", b"-a", b"c1", b"15"],
    "Podman": [b"--log-format=json", b"--log", b"l", b"--cgroup-manager", b"cgroupfs", b"--root", ROOT, b"start",
               b"c1"],
    "words that are no text": [b"--root", ROOT, b"kill", b"c1", b"\xff\xfe", b"", b"two\nlines"],
}  # fmt: skip


@pytest.fixture
def lonely(place, probe):
    """A launcher with no Python behind it, whose record knows the container."""
    launcher = place.launcher()
    (place.top / "hostfit-fallback").unlink()
    record.save(place.paths, ROOT.decode(), "c1", record.Record(str(probe.path), "/b", 1, 1, "0" * 64))
    return launcher


@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_an_engine_that_starts_nothing_goes_straight_to_the_runtime(name, lonely, probe):
    assert run(lonely, *CALLS[name], cwd="/tmp").returncode == 37
    assert probe.take()["cmdline"] == b"\0".join([os.fsencode(probe.path), *CALLS[name], b""])


def test_a_start_that_the_service_answers_needs_no_python(lonely, place, probe, bundle):
    words = [*SHIM[:2], b"create", b"--bundle", os.fsencode(bundle), b"--pid-file", b"p", b"--no-pivot", b"c2"]
    with Service(place, answering(wire.Answer(wire.START, runtime="probe"))):
        assert run(lonely, *words).returncode == 37
    assert probe.take()["cmdline"] == b"\0".join([os.fsencode(probe.path), *words, b""])


@pytest.mark.parametrize("compiler", ["cc", "musl-gcc"])
def test_each_c_library_will_do(compiler, tmp_path, tmp_path_factory, probe, bundle):
    """The faster one is taken where it is there; where it is not, an installation must not be worse than slower."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}: install musl-tools and gcc")
    built = build(tmp_path_factory.mktemp("one"), "CPPFLAGS=-DDEADLINE=60000 -DPATIENCE=60000", f"CC={compiler}")
    place = furnish(Native(tmp_path, *built), probe)
    launcher = place.launcher()
    (place.top / "hostfit-fallback").unlink()
    with Service(place, answering(wire.Answer(wire.START, runtime="probe"))) as service:
        assert run(launcher, "create", "--bundle", bundle, "c1").returncode == 37
    assert service.configs == [(bundle / "config.json").read_bytes()]
    assert run(launcher, "state", "c1").returncode == 37


def test_a_musl_that_cannot_link_statically_is_left_out(tmp_path):
    """As distributions package it: the compiler's wrapper without the library."""
    musl = tmp_path / "musl-gcc"
    musl.write_text("#!/bin/sh\nexit 1\n")
    musl.chmod(0o755)
    command = ["make", "-s", "-C", LAUNCHER, f"OUT={tmp_path}/made"]
    done = subprocess.run(
        command, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "made").stat().st_mode & 0o111


@pytest.mark.parametrize("verb", ["create", "state"])
def test_without_python_and_service_nothing_starts_and_the_engine_is_told(verb, lonely, place, bundle):
    log = place.top / "log"
    done = run(lonely, "--log", log, verb, "-b", bundle, "other")

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"hostfit: /")
    assert done.stderr.endswith(b"/hostfit-fallback: must be executable, found errno 2\n")
    assert done.stderr.decode().rstrip() in log.read_text()


@pytest.mark.parametrize("environ", [{"LD_PRELOAD": "/nonexistent.so"}, {"GCONV_PATH": "/x", "PYTHONHOME": "/x"}])
def test_python_sees_nothing_of_the_callers_environment_and_the_runtime_all_of_it(environ, place, probe, bundle):
    extra = "os.write(1, repr(sorted(os.environb.items())).encode())"
    done = run(place.launcher(runtime=probe.path, extra=extra), "create", "-b", bundle, "c1", env=environ)

    hidden = [(b"." + os.fsencode(key), os.fsencode(value)) for key, value in environ.items()]
    expected = sorted([*hidden, (b"LANG", b"C.UTF-8"), (b"PATH", b"/usr/sbin:/usr/bin:/sbin:/bin")])
    assert done.stdout == repr(expected).encode() + b"probe out\n"
    # The loader complains once, for the probe itself.
    assert done.stderr.count(b"nonexistent.so") == ("LD_PRELOAD" in environ)
    assert probe.take()["environ"] == b"".join(
        os.fsencode(key) + b"=" + os.fsencode(value) + b"\0" for key, value in environ.items()
    )


def test_a_name_by_which_only_python_calls_the_launcher_does_nothing_for_others(place):
    done = run("hostfit-become", "create", executable=place.launcher())

    assert (done.returncode, done.stdout) == (1, b"")
