"""Entry points with other places, in Python and native, a probe in the runtime's place, and gates that do not look."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "src/launcher"
WRAPPER = LAUNCHER / "hostfit-runtime"
SHIM = LAUNCHER / "containerd-shim-hostfit-v2"
HOOK = ROOT / "hooks/hostfit-hook"
FALLBACK = LAUNCHER / "hostfit-fallback"

GATE = '''
class Gate:
    """Answers without looking, and writes down what it was asked."""

    @staticmethod
    def decide(request, paths):
        with open({asked!r}, "a") as out:
            out.write(repr((request.entry, request.verb, request.id, request.bundle.path, request.root, request.runtime,
                            sorted(request.environ.items()))) + chr(10))
        {extra}
        class Report:
            starts, line, runtime_path = {starts!r}, {line!r}, {runtime!r}
        Report.request = request
        return Report

    @staticmethod
    def publish(report, paths):
        pass
'''


class Installation:
    """Entry points with places of their own below one directory: the scripts that engines may call themselves."""

    native = False

    def __init__(self, top):
        self.top = top
        self.etc, self.run, self.var = top / "etc", top / "run", top / "var"
        self.asked_file = top / "asked"
        self.source = ROOT / "src"
        top.chmod(0o755)

    def open_to_everybody(self):
        """Let any user execute it, also where the checkout or pytest's directories are root's alone to look into."""
        self.source = self.top / "src"
        shutil.copytree(ROOT / "src/hostfit", self.source / "hostfit", ignore=shutil.ignore_patterns("__pycache__"))
        for one in (self.top.parent, self.top.parent.parent):
            one.chmod(0o755)
        self.asked_file.touch()
        self.asked_file.chmod(0o666)

    def launcher(self, source=WRAPPER, name=None, *, runtime="", starts=True, line="", extra="", gate=True):
        """Write the entry point and give its path; with `gate` it gets one that answers as told."""
        lines = self.script(source)
        if gate:
            last = lines.pop()
            assert last == "sys.exit(main(__file__, PATHS))"
            body = self.gate(runtime=runtime, starts=starts, line=line, extra=extra)
            lines += [*body.splitlines(), "sys.exit(main(__file__, PATHS, gate=Gate))"]
        return self.write(name or source.name, lines)

    def script(self, source):
        paths = f'PATHS = ("{self.etc}", "{self.run}", "{self.var}")'
        lines = source.read_text().splitlines()
        lines = [paths if one.startswith("PATHS =") else one for one in lines]
        return [f'PLACES = ["{self.source}"]' if one.startswith("PLACES =") else one for one in lines]

    def gate(self, *, runtime, starts, line, extra):
        return GATE.format(
            asked=str(self.asked_file), starts=starts, line=line, runtime=str(runtime), extra=extra or "pass"
        )

    def write(self, name, lines):
        made = self.top / name
        made.write_text("\n".join(lines) + "\n")
        made.chmod(0o755)
        return made

    def python(self, launcher):
        """Give the script that runs for an entry point, which may be the entry point itself."""
        return self.top / "hostfit-fallback" if self.native else launcher

    @property
    def asked(self):
        return self.asked_file.read_text().splitlines() if self.asked_file.exists() else []

    @property
    def records(self):
        folder = self.run / "containers"
        return sorted(folder.iterdir()) if folder.exists() else []


class Native(Installation):
    """The same with the native launcher in front, which calls those scripts where it cannot do without.

    `link` is what the launcher has baked in, a link to the installation of the running test.
    """

    native = True

    def __init__(self, top, binary, link):
        super().__init__(top)
        self.binary = binary
        link.unlink(missing_ok=True)
        link.symlink_to(top)

    def launcher(self, source=WRAPPER, name=None, *, runtime="", starts=True, line="", extra="", gate=True):
        """Copy the launcher and write what is behind it; with `gate` that gets one that answers as told."""
        entry = {HOOK: "hook", SHIM: "shim"}.get(source, "runtime")
        body = self.gate(runtime=runtime, starts=starts, line=line, extra=extra) if gate else "Gate = None\n"
        (self.top / f"gate-{entry}").write_text(body)
        lines = self.script(FALLBACK)
        lines[-1] = "sys.exit(main(__file__, PATHS, gate=Gate))"
        lines.insert(-1, f'gate = "{self.top}/gate-" + sys.argv[1]')
        lines.insert(-1, f'exec(compile(open(gate).read(), "{source.name}", "exec"))')
        self.write("hostfit-fallback", lines)
        made = self.top / (name or source.name)
        shutil.copy(self.binary, made)
        made.chmod(0o755)
        return made


def build(top, *settings):
    """Compile the launcher to look below a link, and give it and that link."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler: install gcc")
    for one in (top, top.parent):
        one.chmod(0o755)
    link, binary = top / "current", top / "hostfit-launcher"
    places = [f"{name}={link}/{place}" for name, place in
              (("RUN", "run"), ("VAR", "var"), ("FALLBACK", "hostfit-fallback"))]  # fmt: skip
    subprocess.run(["make", "-s", "-C", LAUNCHER, f"OUT={binary}", "STRICT=-Werror", *places, *settings], check=True)
    return binary, link


@pytest.fixture(scope="session")
def native(tmp_path_factory):
    """The launcher as it is installed, but for its places."""
    return build(tmp_path_factory.mktemp("launcher"))


@pytest.fixture(scope="session")
def patient(tmp_path_factory):
    """One that waits a minute for its answer, so that a machine with much to do changes no result."""
    return build(tmp_path_factory.mktemp("patient"), "CPPFLAGS=-DDEADLINE=60000 -DPATIENCE=60000")


@pytest.fixture(autouse=True)
def need_root():
    if os.geteuid() != 0:
        pytest.skip("hostfit-runtime trusts files of root only: run as root")


@pytest.fixture
def bundle(tmp_path):
    """A bundle that the gate reads and the probe does not."""
    made = tmp_path / "bundle"
    made.mkdir()
    config = {"ociVersion": "1.0.2", "process": {"args": ["true"], "env": ["A=b"]}, "root": {"path": "rootfs"}}
    (made / "config.json").write_text(json.dumps(config))
    return made


class Probe:
    """The compiled probe and what it wrote down last."""

    def __init__(self, path, dump):
        self.path, self.dump = path, dump

    def take(self):
        """Give what the probe saw, without what differs between any two processes, and forget it."""
        entries = dict(line.split("=", 1) for line in self.dump.read_text().splitlines())
        self.dump.unlink()
        seen = {key: bytes.fromhex(value) for key, value in entries.items()}
        seen["status"] = b"\n".join(line for line in seen["status"].splitlines() if line.split(b":")[0] in STATUS)
        return seen


STATUS = frozenset(
    b"Umask State TracerPid Uid Gid FDSize Groups NoNewPrivs Seccomp SigQ SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh"
    b" CapPrm CapEff CapBnd CapAmb Threads Cpus_allowed Mems_allowed CoreDumping".split()
) - {b"SigQ", b"FDSize"}
"""What /proc/self/status says about how a process was started; FDSize is the table's size, which only grows."""


@pytest.fixture
def probe(compiled_probe):
    """The probe; whether it ran is whether its dump is there."""
    compiled_probe.dump.unlink(missing_ok=True)
    return compiled_probe


@pytest.fixture(scope="session")
def compiled_probe(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler: install gcc")
    top = tmp_path_factory.mktemp("probe")
    top.chmod(0o755)
    dump = top / "dump"
    command = ["cc", "-O1", "-Wall", "-Werror", f'-DDUMP="{dump}"', "-o", str(top / "probe")]
    subprocess.run([*command, str(Path(__file__).with_name("probe.c"))], check=True)
    return Probe(top / "probe", dump)
