"""IS launcher: what hostfitd says is taken as far as it has a say, and nothing it does changes a verdict."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import resource
import shutil
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from hostfit.policy import compiled
from hostfit.runtime import record
from hostfit.service import wire

from .conftest import HOOK, Service, answering, run

LINE = 'hostfit: "x\\y" does not fit this host: kernel.module gtp5g: required loaded, found absent'
DENY = wire.Answer(wire.DENY, line=LINE)
WAIT = wire.Answer(wire.WAIT)


def said(**fields):
    """A treatment that lets the container start."""
    return answering(wire.Answer(wire.START, **fields))


def state(bundle, **more):
    return json.dumps(
        {"ociVersion": "1.0.2", "id": "c1", "bundle": str(bundle), **more}, separators=(",", ":")
    ).encode()


def test_the_question_says_what_the_python_entry_would_have_read(place, probe, bundle):
    launcher = place.launcher(runtime=probe.path)
    link = place.top / "hostfit-runtime-probe"
    link.symlink_to(launcher)
    environ = {"NAMESPACE": "k8s.io", "TTRPC_ADDRESS": "", "OTHER": "x"}
    with Service(place, said(runtime="probe")) as service:
        done = run(link, "--root", "/r", "restore", "-b", bundle, "c1", env=environ)

    assert done.returncode == 37
    [asked] = service.questions
    assert {name: getattr(asked, name) for name in wire.Question.__slots__} == {
        "entry": "runtime", "verb": "restore", "id": "c1", "root": "/r", "bundle": str(bundle), "runtime": "probe",
        "environ": {"NAMESPACE": "k8s.io", "TTRPC_ADDRESS": ""}, "state": b"",
    }  # fmt: skip
    assert service.configs == [(bundle / "config.json").read_bytes()]
    assert place.asked == []


@pytest.mark.parametrize("verb", ["create", "run", "restore"])
def test_a_start_executes_the_runtime_of_that_name_and_leaves_the_same_record_as_python(verb, place, probe, bundle):
    launcher = place.launcher(runtime=probe.path)
    with Service(place, said(runtime="probe")):
        assert run(launcher, "--root=/r", verb, "--bundle", bundle, "c1").returncode == 37
    native = record.load(place.paths, "/r", "c1")
    link, found = sorted(place.records, key=lambda one: not one.is_symlink())
    native_names = (link.name, os.readlink(link), found.name, stat.S_IMODE(found.stat().st_mode))
    assert place.asked == []

    assert run(launcher, "--root=/r", verb, "--bundle", bundle, "c1").returncode == 37
    python = record.load(place.paths, "/r", "c1")

    assert len(place.asked) == 1
    for field in ("runtime", "bundle", "config"):
        assert getattr(native, field) == getattr(python, field)
    assert native.start > 0
    assert native.pid != python.pid
    link, found = sorted(place.records, key=lambda one: not one.is_symlink())
    assert (link.name, os.readlink(link), found.name, stat.S_IMODE(found.stat().st_mode)) == native_names


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("prefix", ["", "file:"])
def test_a_refusal_reaches_the_channels_as_pythons_does(form, prefix, place, bundle):
    launcher = place.launcher(starts=False, line=LINE)
    seen = []
    for service in (True, False):
        log = place.top / f"log{service}"
        words = ["--log", f"{prefix}{log}", "--log-format", form, "create", "-b", bundle, "c1"]
        if service:
            with Service(place, answering(DENY)):
                done = run(launcher, *words)
        else:
            done = run(launcher, *words)
        written = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "NOW", log.read_text())
        seen.append((done.returncode, done.stdout, done.stderr, written, stat.S_IMODE(log.stat().st_mode)))

    assert seen[0] == seen[1]
    assert seen[0][:3] == (1, b"", LINE.encode() + b"\n")
    assert "NOW" in seen[0][3]
    assert len(place.asked) == 1
    assert place.records == []


def test_a_refusal_without_a_reader_ends_as_pythons_does(place, bundle):
    read, write = os.pipe()
    os.close(read)
    with Service(place, answering(DENY)):
        done = subprocess.run([place.launcher(), "create", "-b", bundle, "c1"], check=False, stderr=write)
    os.close(write)

    assert (done.returncode, place.asked) == (1, [])


def test_a_limit_on_the_size_of_files_stops_nothing_that_python_would_start(place, bundle):
    (place.etc / "hostfit.toml").write_text('[policy]\ndefault = "x"\n[runtime.x]\nbinary = "/usr/bin/true"\n')
    compiled.compile_policy(place.paths)
    launcher = place.launcher(gate=False)

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    with Service(place, said(runtime="x")) as service:
        done = run(launcher, "create", "-b", bundle, "c1", preexec_fn=limited)

    assert (done.returncode, done.stderr, len(service.questions)) == (0, b"", 1)
    assert [one for one in place.records if not one.is_symlink()] == []


def test_a_launcher_that_is_replaced_before_python_runs_is_followed_by_its_successor(place, probe, bundle):
    """An upgrade in mid-flight: the one that runs has no name any more."""
    launcher = place.launcher(runtime=probe.path)
    program, new = place.top / "old", place.top / "new"
    for one in (program, new):
        shutil.copy(launcher, one)

    def treat(service, connection):
        service.read(connection)
        new.rename(program)
        connection.sendall(wire.encode_answer(wire.Answer(wire.YOURSELF)))
        connection.recv(1)

    with Service(place, treat):
        done = run(program, "create", "-b", bundle, "c1")

    assert (done.returncode, len(place.asked)) == (37, 1)


def test_who_is_told_to_wait_gets_the_other_answer_on_the_same_connection(place, probe, bundle):
    with Service(place, answering(WAIT, wire.Answer(wire.START, runtime="probe"))) as service:
        assert run(place.launcher(runtime=probe.path), "create", "-b", bundle, "c1").returncode == 37

    assert (len(service.questions), place.asked) == (1, [])


def partly(data):
    def treat(service, connection):
        service.read(connection)
        connection.sendall(data)

    return treat


def versioned(answer, old, new):
    """The frame of an answer of another version."""
    payload = wire.encode_answer(answer)[4:].replace(
        len(old).to_bytes(4, "big") + old, len(new).to_bytes(4, "big") + new
    )
    return len(payload).to_bytes(4, "big") + payload


UNSURE = {
    "hands it back": answering(wire.Answer(wire.YOURSELF)),
    "waits twice": answering(WAIT, WAIT, DENY),
    "closes at once": lambda _service, connection: connection.close(),
    "closes after reading": lambda service, _connection: service.read(_connection),
    "dies within the length": partly(b"\0\0"),
    "dies within the answer": partly(wire.encode_answer(DENY)[:-7]),
    "dies after asking for patience": partly(wire.encode_answer(WAIT)),
    "is of a later version": partly(versioned(DENY, wire.VERSION.encode(), b"9.9.9")),
    "speaks a later form": partly(versioned(DENY, wire.MARK, b"hostfit 2")),
    "says too much": partly((1 << 31).to_bytes(4, "big") + b"x" * 9000),
    "says nonsense": partly(b"\0\0\0\4abcd"),
    "names no runtime": said(runtime=""),
    "names one that nobody defined": said(runtime="evil"),
    "names a path": said(runtime="/usr/bin/true"),
    "names one that is not there": said(runtime="gone"),
    "names a shim": said(runtime="shim"),
    "names one below the floor": said(runtime="weak"),
    "names one that grants access": said(runtime="granting"),
    "judged something else": said(runtime="probe", digest="0" * 64),
}


@pytest.mark.parametrize("fault", UNSURE)
@pytest.mark.parametrize("starts", [True, False])
def test_whatever_else_the_service_does_python_decides(fault, starts, place, probe, bundle):
    launcher = place.launcher(runtime=probe.path, starts=starts, line=LINE)
    with Service(place, UNSURE[fault]):
        done = run(launcher, "create", "-b", bundle, "c1")

    assert done.returncode == (37 if starts else 1)
    assert done.stderr == (b"probe err\n" if starts else LINE.encode() + b"\n")
    assert len(place.asked) == 1
    assert any(not one.is_symlink() for one in place.records) == starts


@pytest.mark.parametrize("name", ["strong", "probe"])
def test_a_runtime_at_or_above_the_floor_is_taken(name, place, probe, bundle):
    with Service(place, said(runtime=name)):
        assert run(place.launcher(), "create", "-b", bundle, "c1").returncode == 37

    assert place.asked == []


def test_a_launcher_that_is_named_after_a_granting_runtime_may_have_it(place, probe, bundle):
    link = place.top / "hostfit-runtime-granting"
    link.symlink_to(place.launcher())
    with Service(place, said(runtime="granting")):
        assert run(link, "create", "-b", bundle, "c1").returncode == 37

    assert place.asked == []


@pytest.mark.parametrize(("told", "allowed"), [((), wire.DEADLINE), ((WAIT,), wire.PATIENCE)])
def test_a_service_that_hangs_costs_its_deadline_and_no_more(told, allowed, hasty, probe, bundle):
    """Without Python's own time, and in one of several tries, for a busy machine adds to each what it likes."""
    launcher = hasty.launcher(runtime=probe.path)

    def attempt(number):
        held = []

        def hang(service, connection):
            service.read(connection)
            for one in told:
                connection.sendall(wire.encode_answer(one))
            start = time.monotonic()
            connection.recv(1)
            held.append(time.monotonic() - start)

        start = time.monotonic()
        with Service(hasty, hang):
            assert run(launcher, "create", "-b", bundle, "c1").returncode == 37
        assert len(hasty.asked) == number
        return time.monotonic() - start > allowed and held and held[0] < allowed + 1

    assert any(attempt(number) for number in range(1, 11))


def test_a_socket_that_nobody_listens_on_or_whose_queue_is_full_is_no_service(hasty, probe, bundle):
    service = Service(hasty, None)
    service.socket.close()
    assert run(hasty.launcher(runtime=probe.path), "create", "-b", bundle, "c1").returncode == 37

    service.path.unlink()
    full = Service(hasty, None)
    full.socket.listen(0)
    clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    with contextlib.chdir(full.path.parent):
        for client in clients:
            client.setblocking(False)
            refused = client.connect_ex(full.path.name)
    assert refused == errno.EAGAIN
    assert run(hasty.launcher(runtime=probe.path), "create", "-b", bundle, "c2").returncode == 37
    for one in (*clients, full.socket):
        one.close()
    assert len(hasty.asked) == 2


@pytest.mark.parametrize("fault", ["others may write", "directory above", "another uid listens", "root listens"])
def test_only_the_owner_of_the_directory_is_asked(fault, place, probe, bundle):
    folder = place.run / "service"
    if fault == "others may write":
        folder.chmod(0o777)
    elif fault == "directory above":
        place.run.chmod(0o775)
    with Service(place, answering(DENY)) as service:
        if fault.endswith("listens"):
            os.chown(folder, 4321, 4321)
            os.seteuid(1234 if fault.startswith("another") else 0)
            try:
                service.socket.listen(64)  # whose credentials a client sees
            finally:
                os.seteuid(0)
        assert run(place.launcher(runtime=probe.path), "create", "-b", bundle, "c1").returncode == 37

    assert (service.questions, len(place.asked)) == ([], 1)


def test_the_owner_of_the_directory_is_asked(place, bundle):
    os.chown(place.run / "service", 4321, 4321)
    with Service(place, answering(DENY)) as service:
        os.seteuid(4321)
        try:
            service.socket.listen(64)
        finally:
            os.seteuid(0)
        assert run(place.launcher(), "create", "-b", bundle, "c1").stderr.decode() == LINE + "\n"


@pytest.mark.parametrize("change", ["policy", "added", "removed", "table of another version", "cut", "not root's"])
def test_a_table_that_is_not_of_this_policy_is_none(change, place, probe, bundle):
    """The service is not asked then: what Python decides is the only report."""
    table = compiled.table(place.paths)
    text = Path(table).read_text()
    if change == "policy":
        with (place.etc / "hostfit.toml").open("a") as out:
            out.write("# more\n")
    elif change == "added":
        (place.etc / "conf.d").mkdir(mode=0o755)
    elif change == "removed":
        (place.etc / "hostfit.toml").unlink()
    elif change == "not root's":
        os.chown(table, 1, 1)
    else:
        Path(table).write_text(text[:-4] if change == "cut" else text.replace("launcher 1", "launcher 2"))
    with Service(place, said(runtime="probe")) as service:
        assert run(place.launcher(runtime=probe.path), "create", "-b", bundle, "c1").returncode == 37

    assert (service.questions, len(place.asked)) == ([], 1)


def test_a_configuration_that_changes_while_it_is_judged_is_judged_again(place, probe, bundle):
    def treat(service, connection):
        digest = service.read(connection)
        (bundle / "config.json").write_text('{"ociVersion": "1.0.3"}')
        connection.sendall(wire.encode_answer(wire.Answer(wire.START, runtime="probe", digest=digest)))
        connection.recv(1)

    launcher = place.launcher(starts=False, line=LINE)
    with Service(place, treat):
        done = run(launcher, "create", "-b", bundle, "c1")

    assert (done.returncode, len(place.asked)) == (1, 1)
    assert [one for one in place.records if not one.is_symlink()] == []


def test_a_runtime_that_the_kernel_refuses_is_told_and_leaves_no_record(place, bundle):
    runtime = place.top / "runtime"
    runtime.write_text("#!/nonexistent/interpreter\n")
    runtime.chmod(0o755)
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "x"\n[runtime.x]\nbinary = "{runtime}"\n')
    compiled.compile_policy(place.paths)
    with Service(place, said(runtime="x")):
        done = run(place.launcher(), "create", "-b", bundle, "c1")

    assert (done.returncode, place.asked) == (1, [])
    assert done.stderr.decode() == f"hostfit: runtime {runtime}: must be executable, found ENOENT\n"
    assert [one for one in place.records if not one.is_symlink()] == []


def test_a_runtime_that_calls_the_launcher_again_is_stopped(place, bundle):
    looping = place.top / "looping"
    launcher = place.launcher(runtime=looping)
    looping.write_text(f'#!/bin/sh\nexec {launcher} "$@"\n')
    looping.chmod(0o755)
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "x"\n[runtime.x]\nbinary = "{looping}"\n')
    compiled.compile_policy(place.paths)
    with Service(place, said(runtime="x")) as service:
        done = run(launcher, "create", "-b", bundle, "c1")

    assert done.returncode == 1
    assert b"called hostfit-runtime again" in done.stderr
    assert (len(service.questions), place.asked) == (1, [])


def test_a_container_that_is_on_another_runtime_is_left_to_python(place, probe, bundle):
    before = record.Record("/usr/bin/crun", str(bundle), 1, 1)
    record.save(place.paths, "", "c1", before)
    with Service(place, said(runtime="probe")):
        assert run(place.launcher(runtime=probe.path), "create", "-b", bundle, "c1").returncode == 37

    assert len(place.asked) == 1


@pytest.mark.parametrize("kept", [True, False])
def test_records_of_bundles_that_are_gone_are_swept_out_once_in_a_while(kept, place, probe, bundle, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    record.save(place.paths, "", "old", record.Record("/usr/bin/true", str(gone), 1, 1))
    if not kept:
        gone.rmdir()
    launcher = place.launcher()
    with Service(place, said(runtime="probe")):
        for _ in range(1000):
            run(launcher, "create", "-b", bundle, "c1")
            if record.load(place.paths, "", "c1").pid % 64 == 0:
                break

    assert (record.load(place.paths, "", "old") is not None) == kept
    assert len(place.records) == (4 if kept else 2)
    assert place.asked == []


def test_a_hook_is_answered_by_the_service(place, bundle):
    hook = place.launcher(HOOK, starts=False, line="hostfit: python was asked")
    with Service(place, said()) as service:
        done = run(hook, input=state(bundle))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    [asked] = service.questions
    assert (asked.entry, asked.bundle, asked.state) == ("hook", str(bundle), state(bundle))

    with Service(place, answering(DENY)):
        done = run(hook, input=state(bundle))
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", LINE + "\n")
    assert place.asked == []


@pytest.mark.parametrize("fault", ["hands it back", "dies within the answer", "judged something else",
                                   "names one below the floor"])  # fmt: skip
@pytest.mark.parametrize("size", [1, 200_000])
def test_a_hook_that_is_not_answered_reads_its_state_in_python(fault, size, place, bundle):
    hook = place.launcher(HOOK, starts=False, line=LINE)
    with Service(place, UNSURE[fault]):
        done = run(hook, input=state(bundle, annotations={"a": "x" * size}))

    assert (done.returncode, done.stderr.decode()) == (1, LINE + "\n")
    assert len(place.asked) == 1
