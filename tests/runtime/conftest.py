"""Launchers with other places, a probe in the runtime's place, and gates that answer without looking."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRAPPER = ROOT / "src/launcher/hostfit-runtime"
HOOK = ROOT / "hooks/hostfit-hook"

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
    """A copy of a launcher with places of its own below one directory."""

    def __init__(self, top):
        self.top = top
        self.etc, self.run, self.var = top / "etc", top / "run", top / "var"
        self.asked_file = top / "asked"
        top.chmod(0o755)

    def launcher(self, source=WRAPPER, name=None, *, runtime="", starts=True, line="", extra="", gate=True):
        """Write the launcher and give its path; with `gate` it gets one that answers as told."""
        paths = f'PATHS = ("{self.etc}", "{self.run}", "{self.var}")'
        lines = source.read_text().splitlines()
        lines = [paths if one.startswith("PATHS =") else one for one in lines]
        lines = [f'PLACES = ["{ROOT}/src"]' if one.startswith("PLACES =") else one for one in lines]
        if gate:
            body = GATE.format(
                asked=str(self.asked_file), starts=starts, line=line, runtime=str(runtime), extra=extra or "pass"
            )
            last = lines.pop()
            assert last == "sys.exit(main(__file__, PATHS))"
            lines += [*body.splitlines(), "sys.exit(main(__file__, PATHS, gate=Gate))"]
        made = self.top / (name or source.name)
        made.write_text("\n".join(lines) + "\n")
        made.chmod(0o755)
        return made

    @property
    def asked(self):
        return self.asked_file.read_text().splitlines() if self.asked_file.exists() else []

    @property
    def records(self):
        folder = self.run / "containers"
        return sorted(folder.iterdir()) if folder.exists() else []


@pytest.fixture(autouse=True)
def _root():
    if os.geteuid() != 0:
        pytest.skip("hostfit-runtime trusts files of root only: run as root")


@pytest.fixture
def place(tmp_path):
    return Installation(tmp_path)


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
def probe(_probe):
    """The probe; whether it ran is whether its dump is there."""
    _probe.dump.unlink(missing_ok=True)
    return _probe


@pytest.fixture(scope="session")
def _probe(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler: install gcc")
    top = tmp_path_factory.mktemp("probe")
    top.chmod(0o755)
    dump = top / "dump"
    command = ["cc", "-O1", "-Wall", "-Werror", f'-DDUMP="{dump}"', "-o", str(top / "probe")]
    subprocess.run([*command, str(Path(__file__).with_name("probe.c"))], check=True)
    return Probe(top / "probe", dump)
