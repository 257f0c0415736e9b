"""An installation of this tree in a directory of its own: library, launcher, service and the little containers need."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
RUNTIMES = ("runc", "crun")
PATIENCE = 60.0


class Place:
    """The installation; leaving it ends and removes everything that carries its name."""

    def __init__(self):
        self.top = Path(tempfile.mkdtemp(prefix="hostfit-bench-"))
        self.name = self.top.name
        self.volatile = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=in_memory()))
        self.etc, self.run, self.var = self.top / "etc", self.volatile / "run", self.top / "var"
        self.fell_back = self.top / "fell-back"
        self.service = None

    def __enter__(self):
        try:
            self._install()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self._wait()
        self.end_shims()
        for runtime in RUNTIMES:
            for state in self.roots(runtime).glob("*"):
                subprocess.run([runtime, "--root", state.parent, "delete", "--force", state.name], check=False)
        for group in (*Path("/sys/fs/cgroup").glob(f"*/{self.name}"), *Path("/sys/fs/cgroup").glob(self.name)):
            for one in sorted([group, *(found for found in group.rglob("*") if found.is_dir())], reverse=True):
                with contextlib.suppress(OSError):
                    one.rmdir()
        for one in (self.top, self.volatile):
            shutil.rmtree(one, ignore_errors=True)

    @staticmethod
    def _wait():
        """Let what an interruption left running come to its end, for it may still make something."""
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(ChildProcessError):
            while time.monotonic() < end:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.01)

    def roots(self, runtime):
        """Where the containers of a runtime are kept."""
        return self.volatile / "state" / runtime

    def find(self, *programs):
        """The first of some programs that is installed, or None."""
        return next((found for found in map(shutil.which, programs) if found), None)

    def _install(self):
        for one in (self.top, self.volatile):
            one.chmod(0o755)
        library = self.top / "lib"
        shutil.copytree(
            TREE / "src/hostfit", library / "hostfit", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
        subprocess.run([PYTHON, "-m", "compileall", "-q", library], check=True)
        join = [PYTHON, "-m", "hostfit.runtime.join", library / "hostfit"]
        subprocess.run(join, cwd=library, check=True, stdout=subprocess.DEVNULL)
        for one in (self.etc, self.run, self.var, self.top / "bin"):
            one.mkdir()
        # As systemd-tmpfiles does before anything starts; the launcher leaves making it to Python.
        (self.run / "containers").mkdir(0o700)
        # Scripts as they are installed, with other places.
        for source, made in (
            ("src/launcher/hostfit-runtime", "script-runtime"),
            ("src/launcher/hostfit-fallback", "hostfit-fallback"),
            ("systemd/hostfitd", "hostfitd"),
        ):
            self._script(TREE / source, self.top / "bin" / made)
        lines = (TREE / "src/launcher/hostfit").read_text().replace("/usr/share/hostfit", str(library))
        self._write(self.top / "bin/hostfit", lines, 0o755)
        self._rootfs()
        self._policy()
        self.native = self._launcher()

    def _script(self, source, made):
        lines = source.read_text().splitlines()
        paths = f"PATHS = {tuple(str(one) for one in (self.etc, self.run, self.var))!r}"
        lines = [paths if one.startswith("PATHS =") else one for one in lines]
        lines = [f'PLACES = ["{self.top}/lib"]' if one.startswith("PLACES =") else one for one in lines]
        if made.name == "hostfit-fallback":
            # Counted in the process that is measured, for one more would be measured, too.
            count = f"os.open({str(self.fell_back)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)"
            lines.insert(-1, f'os.write({count}, b".")')
        self._write(made, "\n".join(lines) + "\n", 0o755)

    @staticmethod
    def _write(path, text, mode=0o644):
        path.write_text(text)
        path.chmod(mode)

    def _launcher(self):
        """Build the launcher and link it by all its names; without a compiler the scripts are measured."""
        binary = self.top / "bin/launcher"
        places = [f"RUN={self.run}", f"VAR={self.var}", f"FALLBACK={self.top}/bin/hostfit-fallback"]
        native = shutil.which("cc") is not None and shutil.which("make") is not None
        if native:
            subprocess.run(["make", "-s", "-C", TREE / "src/launcher", f"OUT={binary}", *places], check=True)
        for name in (
            "hostfit-runtime",
            "hostfit-runtime-crun",
            "hostfit-runtime-stub",
            "hostfit-hook",
            "containerd-shim-hostfit-v2",
        ):
            target = "launcher" if native else "script-runtime"
            (self.top / "bin" / name).symlink_to(target)
        return native

    def entry(self, name):
        """The path of an entry point."""
        return str(self.top / "bin" / name)

    def _policy(self):
        default = next((name for name in RUNTIMES if shutil.which(name)), RUNTIMES[0])
        stub = '[runtime.stub]\nbinary = "/usr/bin/true"\nisolation = 1\n'
        self._write(self.etc / "hostfit.toml", f'[policy]\ndefault = "{default}"\n\n{stub}')
        code = (
            f"import sys, time; sys.path.insert(0, {str(self.top / 'lib')!r}); time.sleep(0.1)\n"
            "from hostfit.core.paths import Paths; from hostfit.policy import compiled\n"
            f"compiled.compile_policy(Paths({str(self.etc)!r}, {str(self.run)!r}, {str(self.var)!r}))"
        )
        subprocess.run([PYTHON, "-c", code], check=True)

    def _rootfs(self):
        """A root file system of one program that waits until it is killed."""
        binaries = self.top / "rootfs/bin"
        binaries.mkdir(parents=True)
        busybox = self.find("busybox")
        if busybox:
            shutil.copy(busybox, binaries / "busybox")

    def _template(self):
        """A configuration as a runtime proposes it."""
        made = self.top / "config.json"
        if not made.exists():
            subprocess.run([self.find(*RUNTIMES), "spec"], cwd=self.top, check=True, stdout=subprocess.DEVNULL)
        return made.read_text()

    def bundle(self, name, spec="", *, key="require"):
        """A bundle whose container sleeps; `spec` is what its deployer requires, in the form of `key`."""
        made = self.volatile / "bundles" / name
        made.mkdir(parents=True)
        config = json.loads(self._template())
        config["process"] |= {"args": ["/bin/busybox", "sleep", "3600"], "terminal": False}
        config["root"] = {"path": str(self.top / "rootfs"), "readonly": True}
        config["linux"]["cgroupsPath"] = f"/{self.name}/{name}"
        config["annotations"] = {f"io.hostfit.{key}": spec} if spec else {}
        (made / "config.json").write_text(json.dumps(config))
        return made

    def start(self):
        """Start the service and wait until it says that it is ready."""
        path = self.top / "notify"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(path))
            ready.settimeout(PATIENCE)
            environ = {"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": str(path)}
            self.service = subprocess.Popen([self.entry("hostfitd")], env=environ)
            # As the unit has it.
            os.setpriority(os.PRIO_PROCESS, self.service.pid, -10)
            ready.recv(4096)

    def stop(self):
        """End the service."""
        if self.service is not None:
            self.service.send_signal(signal.SIGTERM)
            self.service.wait()
            self.service = None
            (self.run / "service/decide").unlink(missing_ok=True)

    def end_shims(self):
        """End the shims that have this place's name as an argument, and remove what they and their starts wrote."""
        for found in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (found / "cmdline").read_bytes().split(b"\0")
                if b"containerd-shim" in words[0] and self.name.encode() in words:
                    os.kill(int(found.name), signal.SIGKILL)
        for address in (self.volatile / "bundles").glob("*/address"):
            Path(address.read_text().removeprefix("unix://")).unlink(missing_ok=True)
            for one in ("address", "shim.pid", "hostfit.json"):
                address.with_name(one).unlink(missing_ok=True)

    def alone(self):
        """How many starts Python decided since the last time that this was asked."""
        count = len(self.fell_back.read_text()) if self.fell_back.exists() else 0
        self.fell_back.unlink(missing_ok=True)
        return count


def in_memory():
    """A file system in memory, for what lies below /run: bundles, runtimes' states, hostfit's own.

    /run itself is one where a service manager mounted it. None where there is none, for the usual place.
    """
    for path in ("/run", "/dev/shm"):
        command = ["stat", "--file-system", "--format=%T", path]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.stdout == "tmpfs\n":
            return path
    return None


def cpu_of(pid):
    """Seconds of processor time that a process has used, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def resident(pid):
    """MiB of a process in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
