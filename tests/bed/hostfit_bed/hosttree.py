"""A host below a directory, with the engines and the programs of hostfit as far as `setup` and `doctor` look."""

from __future__ import annotations

import os
from pathlib import Path

PROGRAMS = (
    "usr/bin/hostfit-runtime", "usr/bin/containerd-shim-hostfit-v2", "usr/libexec/oci/hooks.d/hostfit-hook",
)  # fmt: skip
PRESENT = {
    "containerd": "usr/bin/containerd",
    "crio": "usr/bin/crio",
    "docker": "usr/bin/dockerd",
    "podman": "usr/bin/podman",
    "k3s": "etc/rancher/k3s/config.yaml",
    "rke2": "etc/rancher/rke2/config.yaml",
    "microk8s": "var/snap/microk8s/current/args/containerd-env",
}
STATE = "var/lib/hostfit"


class HostTree:
    """The files of one host; `hostfit` runs a command on it and gives the exit code."""

    def __init__(self, root, *engines):
        self.root = Path(root)
        for path in [*PROGRAMS, *[PRESENT[engine] for engine in engines]]:
            self.write(path, "")

    def write(self, path, text):
        target = self.root / path
        # Whatever the tests run under, only its owner may write there.
        before = os.umask(0o022)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        os.umask(before)

    def read(self, path):
        return (self.root / path).read_text()

    def files(self):
        """Every file with its bytes, but for what hostfit keeps for itself."""
        found = {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
        return {path: data for path, data in found.items() if not path.startswith(STATE)}

    def directories(self):
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_dir()}
        return {path for path in found if path not in ("var", "var/lib", STATE)}

    def hostfit(self, *words):
        from hostfit.cli.main import main  # the tree under test

        return main([*words, "--root", str(self.root)])
