"""containerd with its CRI plugin, Debian's and a 2.x built with Go, each in a room of its own, driven by crictl."""

from __future__ import annotations

import json
import shutil

from hostfit_bed import gotools, product
from hostfit_bed.command import ENVIRONMENT, PATH, need, wait_for
from hostfit_bed.room import TREE

TOOLS = "/opt/tools"
PAUSE = "localhost/hostfit/pause:1"
RELEASES = ("1.6", "2.2")
HANDLERS = {
    "runc": "/usr/bin/runc",
    "hostfit": "/usr/bin/hostfit-runtime",
    "hostfit-crun": "/usr/bin/hostfit-runtime-crun",
}
"""The OCI runtime of each handler."""
SETTINGS = {
    "1.6": """\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
""",
    "2.2": """\
version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
""",
}
RUNSC = "/usr/local/bin/runsc-here"
RUNSC_SCRIPT = """\
#!/bin/sh
# Debian's runsc takes any network namespace of a kernel of today for the machine's own, and hybrid cgroups for none.
exec /usr/bin/runsc --network=none --ignore-cgroups "$@"
"""
TABLES = {"1.6": "io.containerd.grpc.v1.cri", "2.2": "io.containerd.cri.v1.runtime"}
"""The plugin that has the runtime handlers."""
SHIM_HANDLERS = {
    "1.6": """\
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.hostfit-shim]
runtime_type = "io.containerd.hostfit.v2"
pod_annotations = ["io.hostfit.*"]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.hostfit-gvisor]
runtime_type = "io.containerd.hostfit-runsc.v2"
pod_annotations = ["io.hostfit.*"]
""",
    "2.2": """\
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.hostfit-shim]
runtime_type = "io.containerd.runc.v2"
runtime_path = "/usr/bin/containerd-shim-hostfit-v2"
pod_annotations = ["io.hostfit.*"]
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.hostfit-shim.options]
BinaryName = "/usr/bin/hostfit-runtime"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.hostfit-plain]
runtime_type = "io.containerd.hostfit.v2"
pod_annotations = ["io.hostfit.*"]
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.hostfit-gvisor]
runtime_type = "io.containerd.runsc.v1"
runtime_path = "/usr/bin/containerd-shim-hostfit-runsc-v2"
pod_annotations = ["io.hostfit.*"]
""",
}
"""Handlers that choose a shim for each pod. containerd 1.6 does not act on runtime_path, so there the type names the
shim; gVisor's shim takes no options of runc's, so its handler has none.
"""
STAND_IN = "/usr/local/bin/containerd-shim-stand-in-v2"
STAND_IN_SCRIPT = """\
#!/bin/sh
# Stands in for Kata's shim: containerd's own, called in the same way, which writes down how.
echo "$(basename "$PWD") $*" >>/run/stand-in.log
exec containerd-shim-runc-v2 "$@"
"""
HANDLER = """\
[plugins."{table}".containerd.runtimes.{name}]
runtime_type = "io.containerd.runc.v2"
pod_annotations = ["io.hostfit.*"]
[plugins."{table}".containerd.runtimes.{name}.options]
BinaryName = "{binary}"
"""
NAMESPACE = "prod"
"""That of every pod."""
NETWORK = {
    "cniVersion": "0.4.0",
    "name": "hostfit",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "ipam": {"type": "host-local", "subnet": "10.88.0.0/16", "routes": [{"dst": "0.0.0.0/0"}]},
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


def furnish(room, release):
    """Lay what engine and pods need into a room that is not open yet, and hostfit at its system places."""
    need("containerd", "runc", "crun", "runsc", "ip", "iptables")
    product.native_install(room.directory, room.directory)
    (room.directory / "usr" / "bin" / "hostfit-runtime-runsc").symlink_to("/usr/libexec/hostfit/launcher-static")
    shutil.copy(TREE / "packaging" / "etc" / "hostfit.toml", room.policy)
    room.place(RUNSC, RUNSC_SCRIPT, 0o755)
    shutil.copytree(gotools.built("crictl"), room.opt / "tools")
    shutil.copytree(gotools.built("nvidia-container-runtime"), room.directory / "usr" / "bin", dirs_exist_ok=True)
    if release != "1.6":
        shutil.copytree(gotools.built("containerd"), room.opt / "tools", dirs_exist_ok=True)
    settings = SETTINGS[release].format(pause=PAUSE)
    handlers = [HANDLER.format(table=TABLES[release], name=name, binary=path) for name, path in HANDLERS.items()]
    handlers.append(SHIM_HANDLERS[release])
    room.place(STAND_IN, STAND_IN_SCRIPT, 0o755)
    shim = room.directory / "usr" / "local" / "bin" / "containerd-shim-runsc-v1"
    shutil.copy(gotools.built("containerd-shim-runsc-v1") / "shim", shim)
    room.place("/opt/tools/runsc", RUNSC_SCRIPT, 0o755)
    room.place("/etc/containerd/config.toml", settings + "".join(handlers))
    room.place("/etc/cni/net.d/10-hostfit.conflist", json.dumps(NETWORK))
    room.place("/etc/crictl.yaml", "runtime-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 60\n")


class Cri:
    """The engine of one release in a room that is open."""

    def __init__(self, room, release):
        self.room = room
        self.release = release
        self.environment = ENVIRONMENT | {"PATH": f"{TOOLS}:{PATH}"}
        # What a package does after its installation: the launcher takes the service's word only with a compiled policy.
        room.run([product.SYSTEM_HOSTFIT, "lint"], check=True)
        room.spawn(["/usr/share/hostfit/bin/hostfitd"], "hostfitd.log")
        room.spawn(["env", f"PATH={TOOLS}:{PATH}", "containerd"], "containerd.log")
        wait_for(lambda: self("info").code == 0, f"the CRI plugin ({room.directory}/containerd.log)", 120)
        self.number = 0

    def __call__(self, *words, **options):
        """Run one crictl command."""
        return self.room.run([f"{TOOLS}/crictl", *words], env=self.environment, **options)

    def ctr(self, *words, **options):
        """Run one ctr command in the namespace of CRI."""
        return self.room.run(["ctr", "-n", "k8s.io", *words], env=self.environment, **options)

    def run(self, image, container, *command, binary):
        """`ctr run --rm` of a container that is no pod's, with the OCI runtime `binary`."""
        return self.ctr("run", "--rm", "--runc-binary", binary, image.name, container, *command)

    def load(self, image):
        """Bring an image of the bed into the store that pods use."""
        self.ctr("images", "import", image.oci, check=True)

    def pod(self, handler, *, annotations=None, own_network=False):
        """Start a sandbox on a runtime handler, with the network of its node or one of its own."""
        pod = Pod(self, handler, annotations or {}, network=0 if own_network else 2)
        assert pod.started.code == 0, repr(pod.started)
        return pod

    def refused_pod(self, handler, *, annotations):
        """What crictl shows for a sandbox that does not start."""
        return Pod(self, handler, annotations, network=2).started

    def left(self):
        """Pods, containers, tasks and shims that are still there."""
        listed = [self("pods", "-q"), self("ps", "-a", "-q"), self.ctr("tasks", "ls", "-q")]
        return [line for done in listed for line in done.out.split()]


class Pod:
    """One pod; containers are named in the order in which they are made.

    `network` and `pid` are values of CRI's NamespaceMode: 0 the pod's, 1 the container's own, 2 the node's. `parent` is
    the control group for all of it, the engine's usual place by default.
    """

    def __init__(self, cri, handler, annotations, network, pid=0, parent=""):
        self.cri = cri
        cri.number += 1
        self.name = f"pod-{cri.number}"
        self.asked = 0
        directory = cri.room.run_dir / "pods" / self.name
        directory.mkdir(parents=True)
        self._inside = f"/run/pods/{self.name}"
        self._directory = directory
        self._linux = {"security_context": {"namespace_options": {"network": network, "pid": pid}}}
        config = {
            "metadata": {"name": self.name, "namespace": NAMESPACE, "uid": self.name, "attempt": 1},
            "log_directory": self._inside,
            "annotations": annotations,
            "linux": self._linux | {"cgroup_parent": parent},
        }
        (directory / "pod.json").write_text(json.dumps(config))
        self.started = cri("runp", "--runtime", handler, f"{self._inside}/pod.json")
        self.id = self.started.out.strip()

    def shim(self):
        """The process that keeps the pod."""
        for line in self.cri.room.run(["ps", "-eo", "pid=,args="], check=True).out.splitlines():
            number, _, command = line.strip().partition(" ")
            if "containerd-shim" in command and self.id in command:
                return int(number)
        raise AssertionError(f"no shim of {self.id}")

    def create(self, image, *command, annotations=None):
        """Make a container of the pod and give its id."""
        asked = self.ask(image, *command, annotations=annotations)
        assert asked.code == 0, repr(asked)
        return asked.out.strip()

    def ask(self, image, *command, annotations=None):
        """Ask for a container of the pod; what crictl shows is the answer."""
        self.asked += 1
        name = f"{image.tag}-{self.asked}"
        config = {
            "metadata": {"name": name},
            "image": {"image": image.name},
            "command": list(command),
            "log_path": f"{name}.log",
            "annotations": annotations or {},
            # A kubelet gives these to every container.
            "labels": {
                "io.kubernetes.container.name": name,
                "io.kubernetes.pod.name": self.name,
                "io.kubernetes.pod.namespace": NAMESPACE,
            },
            "linux": self._linux,
        }
        (self._directory / f"{name}.json").write_text(json.dumps(config))
        files = (f"{self._inside}/{name}.json", f"{self._inside}/pod.json")
        return self.cri("create", self.id, *files)

    def start(self, container):
        """Start a container; what crictl shows is the answer."""
        return self.cri("start", container)

    def status(self, container):
        """What CRI tells of a container."""
        return json.loads(self.cri("inspect", container, check=True).out)["status"]

    def log(self, container):
        """What a container wrote."""
        return self.cri("logs", container, check=True).out

    def remove(self):
        """Stop and remove the pod with its containers; as a kubelet does, again where one ended in between."""
        for word in ("stopp", "rmp"):
            wait_for(lambda: self.cri(word, self.id).code == 0, f"{word} {self.id}", 120)  # noqa: B023 - called at once
