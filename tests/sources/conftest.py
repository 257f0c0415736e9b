"""Images made byte by byte, and the real stores that hold them: containers-storage, containerd, Docker."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from hostfit.facts import vocabulary
from hostfit.oci.request import Bundle, Request
from hostfit.sources import local, storageconf

BED = str(Path(__file__).resolve().parents[1] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed.layout import LayoutMaker  # noqa: E402 - the bed lies beside the tests, not on the path


@pytest.fixture
def layout(tmp_path):
    return LayoutMaker(tmp_path / "layout")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine whose image stores are all empty; where they would lie, with its storage.conf."""
    conf = tmp_path / "storage.conf"
    conf.write_text(f'[storage]\ngraphroot = "{tmp_path}/none"\n')
    monkeypatch.setattr(storageconf, "SYSTEM_FILES", (str(conf),))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(local, "SOCKETS", (str(tmp_path / "none.sock"),))
    monkeypatch.setattr("hostfit.sources.docker.DEFAULT_ROOT", str(tmp_path / "none"))
    monkeypatch.setattr("hostfit.sources.docker.DAEMON_CONFIG", str(tmp_path / "none.json"))
    return tmp_path


@pytest.fixture
def lookup():
    return vocabulary.lookup


@pytest.fixture
def request_for():
    """Make a request for a bundle that is given by its parts."""

    def make(path="/nowhere/bundle", *, id="c1", environ=None, runtime="", **parts):  # noqa: A002 - the runtime-spec's word
        return Request(
            entry="runtime", verb="create", id=id, bundle=Bundle(str(path), **parts), environ=environ, runtime=runtime
        )

    return make


def need_root(*programs):
    if os.geteuid() != 0:
        pytest.skip("needs root: the engines' stores belong to it")
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


class Storage:
    """A containers-storage of our own, written by skopeo and podman."""

    def __init__(self, directory):
        self.graphroot = directory / "graph"
        self.runroot = directory / "run"
        self.images = self.graphroot / "vfs-images"

    def copy(self, layout, tag, name, *words):
        target = f"containers-storage:[vfs@{self.graphroot}+{self.runroot}]{name}"
        run("skopeo", "--insecure-policy", *words, "copy", "-q", f"oci:{layout.directory}:{tag}", target)

    def podman(self, *words):
        return run("podman", "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--root", self.graphroot, "--runroot",
                   self.runroot, *words).strip()  # fmt: skip

    def bundle(self, container):
        return self.graphroot / "vfs-containers" / container / "userdata"

    def records(self):
        return json.loads((self.images / "images.json").read_text())


@pytest.fixture
def storage(tmp_path):
    """An empty containers-storage."""
    need_root("skopeo")
    return Storage(tmp_path)


@pytest.fixture(scope="session")
def made_storage(tmp_path_factory):
    """A storage with one image of two names and two containers of Podman's, one of them with --rm; read only."""
    need_root("skopeo", "podman")
    layout = LayoutMaker(tmp_path_factory.mktemp("made") / "layout")
    digest = layout.tag("a", layout.manifest(
        annotations={"io.hostfit.require": "kernel.version.full >=5", "other": "x"}, labels={"l": "1"}, env=["A=1"],
    ))  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="hf") as directory:  # Podman takes a runroot of 50 characters at most
        one = Storage(Path(directory))
        one.copy(layout, "a", "localhost/upf:1")
        one.copy(layout, "a", "quay.io/free5gc/upf:v3")
        one.container = one.podman("create", "--network=none", "localhost/upf:1", "true")
        one.removed = one.podman("create", "--rm", "--network=none", "localhost/upf:1", "true")
        one.digest, one.config = digest, layout.config_digest(digest)
        yield one
        for line in Path("/proc/self/mounts").read_text().splitlines():
            if line.split()[1].startswith(directory):
                subprocess.run(["umount", "-l", line.split()[1]], check=False)


@pytest.fixture
def stored(made_storage, storage):
    """A copy of that storage, to change at will."""
    shutil.copytree(made_storage.graphroot, storage.graphroot, symlinks=True)
    shutil.copytree(made_storage.runroot, storage.runroot, symlinks=True)
    for name in ("container", "removed", "digest", "config"):
        setattr(storage, name, getattr(made_storage, name))
    return storage


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


class Daemon:
    """A background program, ended when the tests are over."""

    def __init__(self, words, log, ready):
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [str(word) for word in words], stdout=out, stderr=out, start_new_session=True
            )
        for _ in range(200):
            if ready():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.end()
        pytest.skip(f"{words[0]} does not start here: {log.read_text()[-500:]}")

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def answers(path):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


class Containerd:
    """A containerd with its own root, state and socket."""

    def __init__(self, directory, plugins='disabled_plugins = ["io.containerd.grpc.v1.cri"]', tail=""):
        self.directory = directory
        self.state = directory / "state"
        self.socket = directory / "containerd.sock"
        config = directory / "config.toml"
        config.write_text(
            f'version = 2\nroot = "{directory}/root"\nstate = "{self.state}"\n'
            f'{plugins}\n[grpc]\naddress = "{self.socket}"\n{tail}\n'
        )
        self.daemon = Daemon(["containerd", "-c", config], directory / "log", lambda: answers(self.socket))

    def ctr(self, *words, namespace="default"):
        return run("ctr", "-a", self.socket, "-n", namespace, *words)

    def load(self, layout, tag, name, *, namespace="default"):
        """Import one image under a name; `tag` says which entry of the layout, for all others stay outside."""
        archive = layout.directory.parent / f"{tag}.tar"
        index = layout.directory / "index.json"
        kept = index.read_text()
        tree = json.loads(kept)
        ref = "org.opencontainers.image.ref.name"
        tree["manifests"] = [one for one in tree["manifests"] if one.get("annotations", {}).get(ref) == tag]
        index.write_text(json.dumps(tree))
        layout.archive(archive, name)
        index.write_text(kept)
        self.ctr("images", "import", "--snapshotter", "native", "--all-platforms", archive, namespace=namespace)

    def create(self, name, container, *, namespace="default"):
        self.ctr("containers", "create", "--snapshotter", "native", name, container, "/bin/true", namespace=namespace)

    def bundle(self, container, namespace="default"):
        return self.state / "io.containerd.runtime.v2.task" / namespace / container

    @property
    def environ(self):
        return {"TTRPC_ADDRESS": f"{self.socket}.ttrpc"}


@pytest.fixture(scope="session")
def containerd(tmp_path_factory):
    need_root("containerd", "ctr")
    one = Containerd(tmp_path_factory.mktemp("containerd"))
    yield one
    one.daemon.end()


@pytest.fixture(scope="session")
def cri(tmp_path_factory):
    """A containerd with its CRI plugin, without any network plugin: pods use the host's network."""
    need_root("containerd", "ctr", "runc", "busybox")
    directory = tmp_path_factory.mktemp("cri")
    plugin = '[plugins."io.containerd.grpc.v1.cri"'
    tail = (
        f'{plugin}]\nsandbox_image = "localhost/pause:1"\nrestrict_oom_score_adj = true\ndisable_apparmor = true\n'
        f'disable_tcp_service = true\n{plugin}.cni]\nconf_dir = "{directory}/cni"\nbin_dir = "{directory}/cni"\n'
        f'{plugin}.containerd]\nsnapshotter = "native"\n'
    )
    one = Containerd(directory, "", tail)
    yield one
    one.daemon.end()


class Docker:
    """A dockerd without network on a containerd of ours, driven through its HTTP API."""

    def __init__(self, directory, containerd):
        self.data = directory / "data"
        self.socket = directory / "docker.sock"
        (directory / "daemon.json").write_text("{}")
        self.daemon = Daemon(
            ["dockerd", "--data-root", self.data, "--exec-root", directory / "exec", "-H", f"unix://{self.socket}",
             "--pidfile", directory / "pid", "--config-file", directory / "daemon.json", "--iptables=false",
             "--ip6tables=false", "--bridge=none", "--storage-driver=vfs", "--containerd", containerd.socket],
            directory / "log", lambda: answers(self.socket),
        )  # fmt: skip

    def post(self, path, body, kind="application/json"):
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.socket))
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status < 300, text
        return text

    def create(self, image):
        body = json.dumps({"Image": image, "Cmd": ["/bin/true"], "HostConfig": {"NetworkMode": "none"}})
        return json.loads(self.post("/containers/create", body))["Id"]


@pytest.fixture(scope="session")
def docker(tmp_path_factory, containerd):
    need_root("dockerd", "skopeo")
    one = Docker(tmp_path_factory.mktemp("docker"), containerd)
    yield one
    one.daemon.end()


@pytest.fixture
def places(tmp_path):
    """Where a test's own spec store lies."""
    return SimpleNamespace(var=str(tmp_path / "var"))
