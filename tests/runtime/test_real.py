"""IS 5: the real runc and crun behind the wrapper, whole lives of containers, each compared with a direct call."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

pytestmark = pytest.mark.system
RUNTIMES = ("runc", "crun")


class Bed:
    """One runtime, called directly or through the wrapper, with a bundle of its own."""

    def __init__(self, name, place, tmp_path):
        self.name, self.place, self.real = name, place, shutil.which(name)
        if self.real is None or shutil.which("busybox") is None:
            pytest.skip(f"install {name} and busybox-static")
        self.wrapper = place.launcher(runtime=self.real)
        self.state = tmp_path / "state"
        self.bundle = tmp_path / "real"
        (self.bundle / "rootfs/bin").mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), self.bundle / "rootfs/bin/busybox")
        subprocess.run([self.real, "spec"], cwd=self.bundle, check=True)
        self.configure("echo", "hello")

    def configure(self, *command, terminal=False):
        path = self.bundle / "config.json"
        tree = json.loads(path.read_text())
        tree["process"].update({"terminal": terminal, "args": ["/bin/busybox", *command], "rlimits": []})
        path.write_text(json.dumps(tree))

    def __call__(self, program, *words, **options):
        """Call in a mount namespace of our own: crun 1.8 refuses the hybrid hierarchy of cgroups."""
        # It makes a directory there all the same, which then goes with the namespace.
        inner = 'v2=/sys/fs/cgroup/unified; umount $v2 2>/dev/null && mount -t tmpfs tmpfs $v2; exec "$@"'
        command = ["unshare", "-m", "sh", "-c", inner, "sh", program, "--root", self.state, *words]
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 60, **options}
        return subprocess.run(command, check=False, **options)

    def wait(self, container, status):
        for _ in range(100):
            found = json.loads(self(self.wrapper, "state", container).stdout)["status"]
            if found == status:
                return found
            time.sleep(0.05)
        return found


@pytest.fixture(params=RUNTIMES)
def bed(request, place, tmp_path):
    return Bed(request.param, place, tmp_path)


def test_a_run_is_as_a_direct_run(bed):
    for words in (["echo", "hello"], ["sh", "-c", "echo out; echo err >&2; exit 7"], ["cat"]):
        bed.configure(*words)
        direct, through = (
            bed(program, "run", "--bundle", bed.bundle, "c1", stdin=None, input=b"from outside")
            for program in (bed.real, bed.wrapper)
        )
        assert (through.returncode, through.stdout, through.stderr) == (
            direct.returncode, direct.stdout, direct.stderr,
        )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [["--version"], ["--help"], ["features"], ["list"], ["exec", "--help"], ["create", "--help"], ["state", "missing"],
     ["start", "missing"], ["delete", "missing"], ["delete", "--force", "missing"], ["kill", "missing", "9"],
     ["nonsense"], ["create"], ["list", "--format", "json"]],
)  # fmt: skip
def test_what_starts_nothing_prints_and_ends_as_a_direct_call(words, bed):
    bed.place.etc.mkdir(exist_ok=True)
    (bed.place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "{bed.name}"\n')
    direct, through = (bed(program, *words) for program in (bed.real, bed.wrapper))

    def plain(text):
        return [line for line in text.splitlines() if not line.startswith(b"time=")]

    assert through.returncode == direct.returncode
    assert through.stdout == direct.stdout
    assert plain(through.stderr) == plain(direct.stderr)
    assert len(through.stderr.splitlines()) == len(direct.stderr.splitlines())


def test_a_whole_life_with_a_policy_that_is_corrupt_after_the_create(bed):
    bed.configure("sleep", "60")
    pid_file = bed.place.top / "pid"
    done = bed(bed.wrapper, "create", "--bundle", bed.bundle, "--pid-file", pid_file, "c1",
               capture_output=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode == 0
    bed.place.etc.mkdir()
    (bed.place.etc / "hostfit.toml").write_text("= corrupt")
    try:
        pid = int(pid_file.read_text())
        assert os.readlink(f"/proc/{pid}/root") == "/" or pid > 1
        assert bed.wait("c1", "created") == "created"
        assert bed(bed.wrapper, "start", "c1").returncode == 0
        assert bed.wait("c1", "running") == "running"
        done = bed(bed.wrapper, "exec", "c1", "/bin/busybox", "sh", "-c", "echo inside; exit 3")
        assert (done.returncode, done.stdout) == (3, b"inside\n")
        direct, through = (bed(program, "state", "c1").stdout for program in (bed.real, bed.wrapper))
        assert through == direct
        assert bed(bed.wrapper, "kill", "c1", "KILL").returncode == 0
        assert bed.wait("c1", "stopped") == "stopped"
    finally:
        done = bed(bed.wrapper, "delete", "--force", "c1")
    assert done.returncode == 0
    assert not (bed.state / "c1").exists()


def test_a_terminal_reaches_the_console_socket(bed):
    bed.configure("echo", "on the terminal", terminal=True)
    path = str(bed.place.top / "console")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(30)
        done = bed(bed.wrapper, "create", "--bundle", bed.bundle, "--console-socket", path, "c1")
        assert done.returncode == 0, done.stderr
        connection, _ = listener.accept()
        with connection:
            _, [terminal], _, _ = socket.recv_fds(connection, 4096, 1)
    bed(bed.wrapper, "start", "c1")
    text = b""
    try:
        while b"terminal" not in text:
            text += os.read(terminal, 4096)
    finally:
        os.close(terminal)
        bed(bed.wrapper, "delete", "--force", "c1")

    assert text.strip() == b"on the terminal"


def test_a_refused_container_leaves_nothing_that_delete_minds(bed):
    log = bed.place.top / "log.json"
    launcher = bed.place.launcher(starts=False, line="hostfit: no")
    pid_file = bed.place.top / "pid"

    done = bed(launcher, "--log", log, "--log-format", "json", "create", "-b", bed.bundle, "--pid-file", pid_file, "c1")

    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"hostfit: no\n")
    assert json.loads(log.read_text())["msg"] == "hostfit: no"
    assert not pid_file.exists()
    assert not (bed.state / "c1").exists()
    assert bed(launcher, "delete", "--force", "c1").returncode == bed(bed.real, "delete", "--force", "c1").returncode


def test_a_hook_that_refuses_stops_the_container(bed):
    from .conftest import HOOK

    line = "hostfit: this image does not fit"
    hook = bed.place.launcher(HOOK, starts=False, line=line)
    path = bed.bundle / "config.json"
    tree = json.loads(path.read_text())
    tree["hooks"] = {"createRuntime": [{"path": str(hook), "args": ["hostfit-hook"], "env": ["LANG=C.UTF-8"]}]}
    path.write_text(json.dumps(tree))

    done = bed(bed.real, "run", "--bundle", bed.bundle, "c1")

    assert done.returncode != 0
    assert b"hello" not in done.stdout
    # crun throws a hook's text away; the journal has it.
    assert (line.encode() in done.stderr) == (bed.name == "runc")


def test_after_a_judged_create_the_hook_of_the_same_container_is_content(bed):
    from .conftest import HOOK

    hook = bed.place.launcher(HOOK, starts=False, line="hostfit: asked a second time")
    path = bed.bundle / "config.json"
    tree = json.loads(path.read_text())
    tree["hooks"] = {"createRuntime": [{"path": str(hook), "args": ["hostfit-hook"], "env": ["LANG=C.UTF-8"]}]}
    path.write_text(json.dumps(tree))
    wrapper = bed.place.launcher(runtime=bed.real, name="hostfit-runtime")

    done = bed(wrapper, "run", "--bundle", bed.bundle, "c1")

    assert (done.returncode, done.stdout) == (0, b"hello\n"), done.stderr
    assert len(bed.place.asked) == 1


def test_a_signal_during_the_decision_ends_the_start(bed):
    """A shim's death kills it (PDEATHSIG): nothing may be left that starts later."""
    launcher = bed.place.launcher(runtime=bed.real, extra="import time; time.sleep(30)")
    with subprocess.Popen([launcher, "--root", bed.state, "create", "-b", bed.bundle, "c1"]) as child:
        for _ in range(200):
            if bed.place.asked:
                break
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    assert bed.place.asked
    assert not (bed.state / "c1").exists()
    assert bed.place.records == []
