"""containerd-shim-hostfit-v2: a pod's kind is fixed at its sandbox, kept by its containers, and cleaned up (DE5)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from hostfit.oci import shimargv
from hostfit.runtime import podrecord, shimoptions
from hostfit.runtime.shim import entry_name

from .conftest import SHIM

FLAGS = ("-namespace", "k8s.io", "-address", "/run/none.sock", "-publish-binary", "/usr/bin/containerd", "-id")
NAME = "containerd-shim-hostfit-v2"
OTHER = """\
#!/bin/sh
echo "$0 $*" >>{log}
cat >>{log}.stdin
echo address
"""


class Pods:
    """Bundles of one containerd and shims that write down how they are called."""

    def __init__(self, place, top):
        self.place = place
        self.tasks = top / "io.containerd.runtime.v2.task" / "k8s.io"
        self.tasks.mkdir(parents=True)
        self.log = top / "calls"
        self.launcher = place.launcher(SHIM, gate=False)
        for name in ("one", "two"):
            self.shim(name)
        place.etc.mkdir()
        self.policy('[policy]\ndefault = "one"\n')

    def shim(self, name):
        path = self.place.top / f"containerd-shim-{name}-v2"
        path.write_text(OTHER.format(log=self.log))
        path.chmod(0o755)
        return path

    def policy(self, text):
        tables = [
            f'[runtime.{name}]\nshim = "{self.place.top}/containerd-shim-{name}-v2"\nisolation = {level}\n'
            for name, level in (("one", 1), ("two", 2))
        ]
        (self.place.etc / "hostfit.toml").write_text(text + "".join(tables))

    def bundle(self, name, kind="", sandbox="", **annotations):
        notes = {f"io.hostfit.{key}": value for key, value in annotations.items()}
        if kind:
            notes |= {"io.kubernetes.cri.container-type": kind, "io.kubernetes.cri.sandbox-id": sandbox}
        return self.made(self.tasks / name, notes)

    @staticmethod
    def made(made, notes):
        made.mkdir(parents=True)
        tree = {"ociVersion": "1.0.2", "process": {"args": ["x"]}, "root": {"path": "rootfs"}, "annotations": notes}
        (made / "config.json").write_text(json.dumps(tree))
        return made

    def call(self, bundle, action, *, launcher=None, options=b""):
        command = [launcher or self.launcher, *FLAGS, bundle.name, action]
        return subprocess.run(command, cwd=bundle, input=options, capture_output=True, check=False)

    @property
    def calls(self):
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def pods(place, tmp_path):
    return Pods(place, tmp_path)


def test_sandbox_is_decided_and_recorded_before_its_shim_runs(pods):
    sandbox = pods.bundle("s1", "sandbox", "s1", runtime="two")
    done = pods.call(sandbox, "start", options=b"\x0a\x00options")

    shim = f"{pods.place.top}/containerd-shim-two-v2"
    assert (done.returncode, done.stdout, done.stderr) == (0, b"address\n", b"")
    assert pods.calls == [[shim, *FLAGS, "s1", "start"]]
    assert (pods.log.parent / "calls.stdin").read_bytes() == b"\x0a\x00options"
    record = sandbox / "hostfit.json"
    assert json.loads(record.read_text()) == {"runtime": "two", "shim": shim}
    assert record.stat().st_mode & 0o777 == 0o600


def test_containers_keep_their_pod_s_shim_whatever_the_default_is_by_then(pods):
    pods.call(pods.bundle("s1", "sandbox", "s1", runtime="two"), "start")
    pods.policy('[policy]\ndefault = "one"\n')
    done = pods.call(pods.bundle("c1", "container", "s1"), "start")

    assert done.returncode == 0, done.stderr
    assert [one[0].rpartition("/")[2] for one in pods.calls] == ["containerd-shim-two-v2"] * 2


def test_container_that_does_not_fit_is_refused_and_its_pod_is_left_alone(pods):
    pods.call(pods.bundle("s1", "sandbox", "s1"), "start")
    container = pods.bundle("c1", "container", "s1", require="cpu.count.online >=1000000")
    done = pods.call(container, "start")

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"hostfit: ")
    assert b"cpu.count online: required >= 1000000" in done.stderr
    assert not done.stderr.endswith(b"\n")
    assert len(pods.calls) == 1
    assert not (container / "hostfit.json").exists()


def test_container_cannot_leave_the_kind_of_its_pod(pods):
    pods.call(pods.bundle("s1", "sandbox", "s1"), "start")
    done = pods.call(pods.bundle("c1", "container", "s1", runtime="two"), "start")

    assert done.returncode == 1
    assert b"the deployer asked for runtime two: the pod's sandbox is of kind one" in done.stderr


def test_pod_on_a_runtime_that_the_policy_no_longer_has_gets_no_further_container(pods):
    pods.call(pods.bundle("s1", "sandbox", "s1", runtime="two"), "start")
    (pods.place.etc / "hostfit.toml").write_text(
        f'[policy]\ndefault = "one"\n[runtime.one]\nshim = "{pods.place.top}/containerd-shim-one-v2"\n'
    )
    done = pods.call(pods.bundle("c1", "container", "s1"), "start")

    assert done.returncode == 1
    assert b"the pod's sandbox runs on two, for which the policy has no runtime" in done.stderr


def test_sandbox_without_a_record_is_known_by_the_shim_that_containerd_noted(pods):
    """A pod of the days before hostfit."""
    sandbox = pods.bundle("s1", "sandbox", "s1")
    (sandbox / "shim-binary-path").write_text(f"{pods.place.top}/containerd-shim-two-v2")

    container = pods.bundle("c1", "container", "s1")
    assert pods.call(container, "start").returncode == 0
    assert pods.calls[0][0].endswith("containerd-shim-two-v2")
    assert json.loads((container / "hostfit.json").read_text())["runtime"] == "two"


def test_container_of_a_sandbox_that_is_nowhere_is_decided_by_itself(pods):
    assert pods.call(pods.bundle("c1", "container", "s1"), "start").returncode == 0
    assert pods.calls[0][0].endswith("containerd-shim-one-v2")


@pytest.mark.parametrize("forged", ["s2", "c1", "nowhere"])
def test_container_of_cri_o_keeps_its_pod_s_shim_whatever_sandbox_the_pod_writes_down(pods, tmp_path, forged):
    """SEC2: CRI-O, runtime_type "vm", passes a pod's annotations on, containerd's keys among them."""
    store = tmp_path / "overlay-containers"

    def start(name, sandbox, **notes):
        own = {"io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.cri-o.SandboxID": sandbox}
        bundle = pods.made(store / name / "userdata", {**notes, **own})
        words = ["-namespace", "default", "-address", "", "-publish-binary", "/usr/bin/crio", "-id", name, "start"]
        return subprocess.run([pods.launcher, *words], cwd=bundle, input=b"", capture_output=True, check=False)

    assert start("s1", "s1", **{"io.hostfit.runtime": "two"}).returncode == 0
    assert start("s2", "s2").returncode == 0
    assert start("c1", "s1", **{"io.kubernetes.cri.sandbox-id": forged}).returncode == 0
    assert [one[0].rpartition("-shim-")[2] for one in pods.calls] == ["two-v2", "one-v2", "two-v2"]


def test_sandbox_of_ours_whose_record_is_gone_gets_no_further_container(pods):
    sandbox = pods.bundle("s1", "sandbox", "s1")
    (sandbox / "shim-binary-path").write_text(str(pods.launcher))
    done = pods.call(pods.bundle("c1", "container", "s1"), "start")

    assert done.returncode == 1
    assert b"hostfit.json must say what it runs on; start the pod again" in done.stderr


def test_link_of_a_runtime_has_it_as_default_and_floor(pods):
    link = pods.place.launcher(SHIM, "containerd-shim-hostfit-two-v2", gate=False)

    assert pods.call(pods.bundle("s1", "sandbox", "s1"), "start", launcher=link).returncode == 0
    assert pods.calls[0][0].endswith("containerd-shim-two-v2")
    pods.call(pods.bundle("s2", "sandbox", "s2", runtime="one"), "start", launcher=link)
    assert [one[0].rpartition("/")[2] for one in pods.calls] == ["containerd-shim-two-v2"] * 2


@pytest.mark.parametrize("spoil", ["policy", "config", "nothing"])
def test_delete_goes_to_the_recorded_shim_whatever_else_is_broken(pods, spoil):
    bundle = pods.bundle("s1", "sandbox", "s1", runtime="two")
    pods.call(bundle, "start")
    if spoil == "policy":
        (pods.place.etc / "hostfit.toml").write_text("[polcy\n")
    elif spoil == "config":
        (bundle / "config.json").unlink()

    assert pods.call(bundle, "delete").returncode == 0
    assert pods.calls[1][0].endswith("containerd-shim-two-v2")
    assert pods.calls[1][-1] == "delete"


def test_delete_of_a_container_without_a_record_goes_to_its_pod_s_shim(pods):
    pods.call(pods.bundle("s1", "sandbox", "s1", runtime="two"), "start")
    pods.call(pods.bundle("c1", "container", "s1"), "delete")

    assert pods.calls[1][0].endswith("containerd-shim-two-v2")


@pytest.mark.parametrize("words", [["-info"], ["-v"], ["--version"]])
def test_questions_about_the_shim_are_the_default_s_to_answer(pods, words, tmp_path):
    done = subprocess.run([pods.launcher, *words], cwd=tmp_path, input=b"any", capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (0, b"address\n")
    assert pods.calls == [[f"{pods.place.top}/containerd-shim-one-v2", *words]]


def test_runtime_that_containerd_s_own_shim_would_not_call_is_refused(pods):
    """Nothing would be as chosen: without a BinaryName that shim calls runc."""
    shim = shutil.which("containerd-shim-runc-v2")
    if shim is None or shutil.which("crun") is None:
        pytest.skip("needs containerd's shim and crun")
    pods.policy('[policy]\ndefault = "crun"\n')
    done = pods.call(pods.bundle("s1", "sandbox", "s1"), "start", options=b"")

    assert done.returncode == 1
    assert b"runtime crun: BinaryName in the engine's options must be hostfit-runtime, found runc" in done.stderr
    assert not (pods.tasks / "s1/hostfit.json").exists()


@pytest.mark.parametrize("action", ["start", "delete"])
def test_shim_that_the_kernel_refuses_is_told_once_and_leaves_no_record(action, pods):
    shim = pods.place.top / "containerd-shim-one-v2"
    shim.write_text("#!/nonexistent/interpreter\n")
    sandbox = pods.bundle("s1", "sandbox", "s1")
    done = subprocess.run(
        [pods.launcher, *FLAGS, "s1", action], cwd=sandbox, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        timeout=60,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.decode() == f"hostfit: runtime {shim}: must be executable, found ENOENT"
    assert not (sandbox / "hostfit.json").exists()


def test_shim_of_the_policy_that_is_hostfit_s_own_is_refused(pods):
    (pods.place.etc / "hostfit.toml").write_text(f'[policy]\ndefault = "a"\n[runtime.a]\nshim = "{pods.launcher}"\n')
    done = pods.call(pods.bundle("s1", "sandbox", "s1"), "start")

    assert done.returncode == 1
    if not pods.place.native:
        assert b"must be a containerd shim, found hostfit's own" in done.stderr


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ((*FLAGS, "a", "start"), ("start", "a", "k8s.io", "/run/none.sock")),
        (("--namespace=default", "-address=", "-id=b", "-debug", "start"), ("start", "b", "default", "")),
        (("-id", "c", "-bundle", "/b", "delete", "start"), ("delete", "c", "", "")),
        (("-info",), ("", "", "", "")),
        (("-id",), ("", "", "", "")),
        ((), ("", "", "", "")),
    ],
)
def test_flags_are_read_as_go_reads_them(words, seen):
    call = shimargv.parse([os.fsencode(word) for word in words])

    assert (call.action, call.id, call.namespace, call.address) == seen


@pytest.mark.parametrize(
    ("bundle", "container", "other", "found"),
    [
        ("/run/t/k8s.io/c1", "c1", "s1", "/run/t/k8s.io/s1"),
        ("/var/overlay-containers/c1/userdata", "c1", "s1", "/var/overlay-containers/s1/userdata"),
        ("/run/t/k8s.io/c1", "c1", "../../etc", ""),
        ("/run/t/k8s.io/c1", "c1", "..", ""),
        ("/run/t/k8s.io/c1", "c1", "", ""),
        ("/elsewhere/bundle/deep", "c1", "s1", ""),
    ],
)
def test_bundle_of_the_sandbox_is_looked_for_beside_and_nowhere_else(bundle, container, other, found):
    assert podrecord.beside(bundle, container, other) == found


@pytest.mark.parametrize("text", ["", "{}", '{"runtime": "", "shim": "/s"}', '{"runtime": "a", "shim": "s"}', "[1]"])
def test_record_that_nobody_can_have_meant_is_none(tmp_path, text):
    (tmp_path / "hostfit.json").write_text(text)

    assert podrecord.load(str(tmp_path)) is None


def test_record_that_others_may_write_is_none(tmp_path):
    podrecord.save(str(tmp_path), podrecord.PodRecord("two", "/usr/bin/two"))
    assert podrecord.load(str(tmp_path)).runtime == "two"
    (tmp_path / "hostfit.json").chmod(0o666)

    assert podrecord.load(str(tmp_path)) is None


def test_binary_name_is_found_in_options_and_nothing_else_is():
    path = b"/usr/bin/hostfit-runtime"
    options = b"\x0a\x1acontainerd.runc.v1.Options\x12\x1e" + b"\x32" + bytes([len(path)]) + path + b"\x48\x01"

    assert shimoptions.binaries(options) == [path]
    assert shimoptions.binaries(b"") == shimoptions.binaries(b"\x32") == shimoptions.binaries(b"\x32\x7f/a") == []


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("/usr/bin/containerd-shim-hostfit-v2", ""),
        ("/usr/bin/containerd-shim-hostfit-kata-fc-v2", "kata-fc"),
        ("/x/containerd-shim-hostfit--v2", ""),
        ("/x/containerd-shim-hostfit-kata", ""),
        ("/x/containerd-shim-of-somebody-v2", ""),
        ("/x/anything", ""),
    ],
)
def test_name_of_the_program_asks_for_a_runtime(program, name):
    assert entry_name(program) == name
