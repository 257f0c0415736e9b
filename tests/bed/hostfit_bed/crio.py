"""CRI-O built with Go, in a room of its own: Debian's conmon, the vfs driver, driven by crictl."""

from __future__ import annotations

import shutil

from hostfit_bed import gotools, product
from hostfit_bed.command import ENVIRONMENT, PATH, need, wait_for
from hostfit_bed.cri import PAUSE, TOOLS, Pod
from hostfit_bed.engines import furnish_podman
from hostfit_bed.room import TREE

CONFIG = "/etc/crio/crio.conf"
SITE = "/etc/crio/crio.conf.d/10-site.conf"
SOCKET = "/run/crio/crio.sock"
STORAGE = "/run/containers/storage"
"""Where it keeps bundles."""
SETTINGS = f"""\
[crio]
storage_driver = "vfs"
root = "/var/lib/containers/storage"
runroot = "{STORAGE}"
log_dir = "/run/crio/pods"
version_file = "/run/crio/version"
clean_shutdown_file = "/var/lib/crio/clean.shutdown"
[crio.api]
listen = "{SOCKET}"
[crio.runtime]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
irqbalance_config_restore_file = "disable"
pinns_path = "{TOOLS}/pinns"
[crio.image]
pause_image = "{PAUSE}"
signature_policy = "/etc/containers/policy.json"
[crio.nri]
enable_nri = false
"""
RUNC = """\
[crio.runtime]
default_runtime = "runc"
[crio.runtime.runtimes.runc]
runtime_path = "/usr/sbin/runc"
"""
"""What a site says to have runc, where CRI-O of itself would take crun."""


def furnish(room, *, site):
    """Lay what CRI-O and pods need into a room that is not open yet, and hostfit at its system places.

    `site` is a drop-in of the site's, empty for CRI-O's own handler.
    """
    need("conmon", "runc", "crun", "podman", "iptables")
    product.native_install(room.directory, room.directory)
    shutil.copy(TREE / "packaging" / "etc" / "hostfit.toml", room.policy)
    for tool in ("crio", "crictl"):
        shutil.copytree(gotools.built(tool), room.opt / "tools", dirs_exist_ok=True)
    furnish_podman(room)
    room.place(CONFIG, SETTINGS)
    room.place(SITE, site)
    room.place("/etc/crictl.yaml", f"runtime-endpoint: unix://{SOCKET}\ntimeout: 60\n")


class Crio:
    """CRI-O in a room that is open; it takes what `hostfit setup` has written by then."""

    def __init__(self, room):
        self.room = room
        self.environment = ENVIRONMENT | {"PATH": f"{TOOLS}:{PATH}"}
        # What a package does after its installation: the launcher takes the service's word only with a compiled policy.
        room.run([product.SYSTEM_HOSTFIT, "lint"], check=True)
        room.spawn(["/usr/share/hostfit/bin/hostfitd"], "hostfitd.log")
        self.number = 0
        # As a kubelet gives one: CRI-O leaves those of its monitors there.
        self.parent = f"/{room.directory.name}"
        room.spawn(["env", f"PATH={TOOLS}:{PATH}", "crio"], "crio.log")
        wait_for(lambda: self("info").code == 0, f"CRI-O ({room.directory}/crio.log)", 120)

    def __call__(self, *words, **options):
        """Run one crictl command."""
        return self.room.run([f"{TOOLS}/crictl", *words], env=self.environment, **options)

    def load(self, image):
        """Bring an image of the bed into the store that pods use."""
        self.room.run(["podman", "load", "-q", "-i", image.oci], check=True)

    def pod(self, handler, *, annotations=None):
        """Start a sandbox on a runtime handler, with the network of its node.

        Its containers share no processes, so it needs none itself: the oom_score_adj that CRI-O gives to that one takes
        CAP_SYS_RESOURCE.
        """
        pod = Pod(self, handler, annotations or {}, network=2, pid=1, parent=self.parent)
        assert pod.started.code == 0, repr(pod.started)
        return pod

    def refused_pod(self, handler, *, annotations):
        """What crictl shows for a sandbox with a process of its own that does not start."""
        return Pod(self, handler, annotations, network=2, parent=self.parent).started

    def left(self):
        """Pods and containers that are still there."""
        return [line for done in (self("pods", "-q"), self("ps", "-a", "-q")) for line in done.out.split()]
