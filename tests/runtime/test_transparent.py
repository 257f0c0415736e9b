"""IS 5: arguments, environment, descriptors and all else reach the runtime as in a direct call."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess

import pytest

from hostfit.core.paths import Paths
from hostfit.runtime import record

ID = b"c0ffee"


def same(probe, launcher, words, *, returncode=37, **options):
    """Call the probe directly and through the wrapper, and compare everything that it can see of itself."""
    seen = []
    for program in (probe.path, launcher):
        done = subprocess.run(
            [os.fsencode(program), *words], input=b"to the runtime", capture_output=True, check=False, **options
        )
        assert done.returncode == returncode, done.stderr
        assert (done.stdout, done.stderr) == (b"probe out\n", b"probe err\n")
        seen.append(probe.take())
    direct, through = seen
    for one in seen:
        one["fds"] = b"\n".join(line.split(b":[")[0] for line in one["fds"].splitlines())
    assert through == direct
    assert through["stdin"] == b"to the runtime"
    return through


@pytest.fixture
def wrapper(place, probe):
    """A wrapper whose gate picks the probe, and whose record of ID names it for the other verbs."""
    for root in ("", "/run/containerd/runc/k8s.io", str(place.top / "state")):
        record.save(
            Paths(str(place.etc), str(place.run), str(place.var)), root, ID.decode(),
            record.Record(str(probe.path), "/nowhere", 1, 1),
        )  # fmt: skip
    return place.launcher(runtime=probe.path)


SHIM = [b"--root", b"/run/containerd/runc/k8s.io", b"--log", b"log.json", b"--log-format", b"json"]
CALLS = {
    "shim create": [*SHIM, b"create", b"--bundle", b"BUNDLE", b"--pid-file", b"init.pid", ID],
    "shim create with terminal": [*SHIM, b"--systemd-cgroup", b"create", b"--bundle", b"BUNDLE", b"--pid-file", b"p",
                                  b"--console-socket", b"s", b"--no-pivot", b"--no-new-keyring", ID],
    "shim start": [*SHIM, b"start", ID],
    "shim state": [*SHIM, b"state", ID],
    "shim delete": [*SHIM, b"delete", b"--force", ID],
    "shim kill": [*SHIM, b"kill", b"--all", ID, b"9"],
    "shim exec": [*SHIM, b"exec", b"--process", b"/tmp/p.json", b"--detach", b"--pid-file", b"p", ID],
    "shim ps": [*SHIM, b"ps", b"--format", b"json", ID],
    "shim pause": [*SHIM, b"pause", ID],
    "shim resume": [*SHIM, b"resume", ID],
    "shim update": [*SHIM, b"update", b"--resources=-", ID],
    "shim events": [*SHIM, b"events", b"--stats", ID],
    "shim checkpoint": [*SHIM, b"checkpoint", b"--image-path", b"i", b"--work-path", b"w", b"--leave-running", ID],
    "shim restore": [*SHIM, b"restore", b"--image-path", b"i", b"--work-path", b"w", b"--detach", b"--pid-file", b"p",
                     b"-no-subreaper", b"--bundle", b"BUNDLE", ID],
    "conmon create": [b"--systemd-cgroup", b"create", b"--bundle", b"BUNDLE", b"--pid-file", b"p", ID],
    "conmon create for podman": [b"--log-format=json", b"--log", b"oci-log", b"--cgroup-manager", b"disabled",
                                 b"create", b"--bundle", b"BUNDLE", b"--pid-file", b"p", ID],
    "conmon exec": [b"exec", b"--pid-file", b"p", b"--process", b"f", b"--detach", ID],
    "cri-o kill": [b"kill", b"-a", ID, b"15"],
    "crun config": [b"create", b"-b", b"BUNDLE", b"-f", b"config.json", ID],
    "run": [b"run", b"-dbBUNDLE", ID],
    "bundle attached": [b"create", b"--bundle=BUNDLE", ID],
    "single dash": [b"create", b"-bundle", b"BUNDLE", ID],
    "words that are no text": [b"kill", ID, b"\xff\xfe\x80", b"\xc3(", b"", b"\xed\xa0\x80", b"two\nlines"],
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_every_call_of_an_engine_reaches_the_runtime_as_it_is(name, probe, wrapper, bundle):
    words = [word.replace(b"BUNDLE", os.fsencode(bundle)) for word in CALLS[name]]

    seen = same(probe, wrapper, words, cwd=bundle)

    assert seen["cmdline"] == b"\0".join([os.fsencode(probe.path), *words, b""])


ENVIRONMENTS = {
    "empty": {},
    "of a shim": {"GRPC_ADDRESS": "/run/c.sock", "NAMESPACE": "k8s.io", "LD_LIBRARY_PATH": "/opt/containerd/lib"},
    "hostile to Python": {"PYTHONHOME": "/nonexistent", "PYTHONPATH": "/tmp", "PYTHONSTARTUP": "/x", "PYTHONUTF8": "0"},
    "not UTF-8": {b"A\xff": b"\xfe\x80", b"B": b"\xc3("},
    "plain C locale": {"LC_ALL": "C"},
    "LC_CTYPE that Python replaces": {"A": "1", "LC_CTYPE": "C", "B": "2"},
    "other locale": {"LANG": "ja_JP.EUC-JP", "LC_CTYPE": "POSIX"},
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("verb", ["create", "state"])
def test_the_environment_reaches_the_runtime_byte_for_byte(name, verb, probe, wrapper, bundle):
    seen = same(probe, wrapper, [verb.encode(), ID],
                cwd=bundle, env=ENVIRONMENTS[name])  # fmt: skip

    expected = b"".join(os.fsencode(k) + b"=" + os.fsencode(v) + b"\0" for k, v in ENVIRONMENTS[name].items())
    assert seen["environ"] == expected


def test_duplicates_order_and_words_without_a_value_stay_in_the_environment(place, probe, wrapper, bundle, tmp_path):
    caller = tmp_path / "caller.c"
    caller.write_text(
        "#include <unistd.h>\n"
        'int main(int c, char **v) { char *e[] = {"Z=1", "A=2", "Z=3", "novalue", "=", "LC_CTYPE=C", 0};'
        " (void)c; return execve(v[1], v + 1, e); }\n"
    )
    subprocess.run(["cc", "-o", tmp_path / "caller", caller], check=True)
    seen = []
    for program in (probe.path, wrapper):
        subprocess.run([tmp_path / "caller", program, "state", ID], check=False, capture_output=True)
        seen.append(probe.take()["environ"])

    assert seen[0] == seen[1] == b"Z=1\0A=2\0Z=3\0novalue\0=\0LC_CTYPE=C\0"


@pytest.mark.parametrize("verb", [b"create", b"state"])
def test_descriptors_umask_limits_mask_and_directory_stay(verb, probe, wrapper, bundle):
    def odd():
        os.umask(0o137)
        resource.setrlimit(resource.RLIMIT_NOFILE, (65, 129))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGPIPE, signal.SIGALRM})
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.dup2(2, 17)

    with (bundle / "config.json").open() as third:
        seen = same(probe, wrapper, [verb, ID], cwd=bundle, preexec_fn=odd, pass_fds=[third.fileno(), 17])

    assert b"\n17 0 " in seen["fds"]
    assert seen["umask"][0] == 0o137


@pytest.mark.parametrize("ignored", ["", "PIPE", "XFSZ", "PIPE XFSZ"])
@pytest.mark.parametrize("verb", [b"create", b"state"])
def test_signals_that_python_ignores_are_as_the_parent_left_them(ignored, verb, probe, wrapper, bundle):
    """Under conmon SIGPIPE is ignored; under Go's and Python's callers it is not."""
    seen = []
    trap = f'trap "" {ignored}; ' if ignored else ""
    for program in (probe.path, wrapper):
        subprocess.run(["sh", "-c", trap + '"$@"; exit $?', "sh", program, verb, ID], cwd=bundle, check=False)
        seen.append(probe.take()["status"])

    assert seen[1] == seen[0]
    # Whoever runs the tests may ignore other signals too, and those are inherited as well.
    bits = {name: 1 << getattr(signal, "SIG" + name) - 1 for name in ("PIPE", "XFSZ")}
    found = int(seen[0].partition(b"SigIgn:")[2].split()[0], 16)
    assert {name for name, bit in bits.items() if found & bit} == set(ignored.split())


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_descriptor_stays_closed(closed, probe, wrapper, bundle):
    seen = []
    for program in (probe.path, wrapper):
        subprocess.run(["sh", "-c", f'"$@" {closed}; exit $?', "sh", program, b"create", ID], cwd=bundle, check=False)
        seen.append(probe.take()["fds"])

    assert seen[1] == seen[0]


def test_a_working_directory_that_is_gone_is_no_trouble(probe, wrapper, tmp_path):
    gone = tmp_path / "gone"
    for program in (probe.path, wrapper):
        gone.mkdir()
        done = subprocess.run(
            ["sh", "-c", 'cd "$1"; rmdir "$1"; shift; "$@"; exit $?', "sh", gone, program, "kill", ID],
            check=False, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 37, done.stderr
        assert probe.take()["cwd"] == os.fsencode(gone) + b" (deleted)"


def test_the_process_itself_becomes_the_runtime(probe, wrapper, bundle):
    """Shims set a death signal and read the pid that they started; a process in between would break both."""
    with subprocess.Popen([wrapper, "create", ID], cwd=bundle, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdin.write(b"x")
        child.stdin.flush()
        for _ in range(500):
            if os.readlink(f"/proc/{child.pid}/exe") == str(probe.path):
                break
            signal.sigtimedwait([], 0.01)
        found = os.readlink(f"/proc/{child.pid}/exe")
        child.stdin.close()
    probe.take()

    assert found == str(probe.path)


def test_the_real_gate_leaves_no_trace_in_the_process(place, probe, bundle):
    """Its deadline is a timer with a signal, and both would outlive execve."""
    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "probe"\n[runtime.probe]\nbinary = "{probe.path}"\n')
    launcher = place.launcher(gate=False)

    seen = same(probe, launcher, [b"create", b"--bundle", os.fsencode(bundle), ID], cwd=bundle, env={"A": "b"})

    assert not any(seen["timer"])


def test_a_container_that_does_not_fit_is_stopped_by_the_real_gate(place, probe, bundle):
    place.etc.mkdir()
    (place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "probe"\n[runtime.probe]\nbinary = "{probe.path}"\n')
    tree = json.loads((bundle / "config.json").read_text())
    tree["annotations"] = {"io.hostfit.require": "kernel.version.full <3.0"}
    (bundle / "config.json").write_text(json.dumps(tree))

    done = subprocess.run(
        [place.launcher(gate=False), "create", "--bundle", bundle, "c1"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"hostfit: .*kernel\.version.*required < 3\.0.*found \d.*\n", done.stderr)
    assert not probe.dump.exists()
