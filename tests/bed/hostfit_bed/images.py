"""Builds small real images with umoci and busybox: annotations, labels, platforms, several platforms in one index."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from hostfit_bed.command import run

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
STARTED = "started in the container"
PREFIX = "localhost/hostfit/"


class Built:
    """One image: the name engines know it by, its digest in the layout, and its archives."""

    def __init__(self, tag, digest, oci, docker):
        self.name = f"{PREFIX}{tag}:1"
        self.tag = tag
        self.digest = digest
        self.oci = oci
        self.docker = docker


class Images:
    """A directory in which images are built; all of them share one busybox layer."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.layout = self.directory / "layout"
        self.rootfs = self.directory / "base" / "rootfs"
        self.built = {}
        self._umoci("init", "--layout", self.layout)
        self._umoci("new", "--image", f"{self.layout}:base")
        self._umoci("unpack", "--image", f"{self.layout}:base", self.directory / "base")
        for name in ("bin", "proc", "sys", "dev", "tmp", "etc"):
            (self.rootfs / name).mkdir(exist_ok=True)
        shutil.copy("/bin/busybox", self.rootfs / "bin" / "busybox")
        for applet in ("sh", "sleep", "id", "cat", "true"):
            (self.rootfs / "bin" / applet).symlink_to("busybox")
        self._umoci("repack", "--image", f"{self.layout}:base", self.directory / "base")
        self._umoci("config", "--image", f"{self.layout}:base", "--config.cmd", "/bin/sh", "--config.cmd", "-c",
                    "--config.cmd", f"echo {STARTED}; exit 7")  # fmt: skip

    def _umoci(self, *words):
        return run(["umoci", *words], check=True)

    def add(self, tag, *, annotations=None, labels=None, env=(), command=None, variant="", architecture="", files=None):
        """Build one image; `variant` and `architecture` mark it, `files` maps paths in it to local files."""
        words = []
        for key, value in (annotations or {}).items():
            words += ["--manifest.annotation", f"{key}={value}"]
        for key, value in (labels or {}).items():
            words += ["--config.label", f"{key}={value}"]
        for value in env:
            words += ["--config.env", value]
        for value in command or ():
            words += ["--config.cmd", value]
        if architecture:
            words += ["--architecture", architecture]
        clear = ["--clear", "config.cmd"] if command else []
        self._umoci("config", "--image", f"{self.layout}:base", "--tag", tag, *clear, *words)
        for path, source in (files or {}).items():
            self._umoci("insert", "--image", f"{self.layout}:{tag}", source, path)
        if variant:
            self._point(tag, self._with_config(self._digest(tag), variant=variant), MANIFEST)
        return self._export(tag)

    def add_index(self, tag, members, *, annotations=None):
        """Build one image of several platforms; `members` maps (architecture, variant) to the tag of an image."""
        entries = []
        for (architecture, variant), member in members.items():
            platform = {"os": "linux", "architecture": architecture} | ({"variant": variant} if variant else {})
            entries.append(self._descriptor(self._digest(member), MANIFEST) | {"platform": platform})
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        digest = self._write(index | ({"annotations": annotations} if annotations else {}))
        self._point(tag, digest, INDEX)
        return self._export(tag, every=True)

    def single(self):
        """The images of one platform, which every engine takes."""
        return [image for image in self.built.values() if image.docker.exists()]

    def change_manifest(self, tag, change):
        """Apply `change` to an image's manifest, for what umoci cannot write, and export it again."""
        manifest = self.read(self._digest(tag))
        change(manifest)
        self._point(tag, self._write(manifest), MANIFEST)
        return self._export(tag)

    def read(self, digest):
        """One JSON blob of the layout."""
        return json.loads(self._blob(digest).read_text())

    def _with_config(self, digest, **fields):
        manifest = self.read(digest)
        config = self.read(manifest["config"]["digest"]) | fields
        manifest["config"] |= self._descriptor(self._write(config), manifest["config"]["mediaType"])
        return self._write(manifest)

    def _blob(self, digest):
        return self.layout / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def _write(self, value):
        data = json.dumps(value, sort_keys=True).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self._blob(digest).write_bytes(data)
        return digest

    def _descriptor(self, digest, media_type):
        return {"mediaType": media_type, "digest": digest, "size": self._blob(digest).stat().st_size}

    def _digest(self, tag):
        for entry in json.loads((self.layout / "index.json").read_text())["manifests"]:
            if entry["annotations"]["org.opencontainers.image.ref.name"] == tag:
                return entry["digest"]
        raise KeyError(tag)

    def _point(self, tag, digest, media_type):
        path = self.layout / "index.json"
        top = json.loads(path.read_text())
        name = {"org.opencontainers.image.ref.name": tag}
        kept = [entry for entry in top["manifests"] if entry["annotations"] != name]
        top["manifests"] = [*kept, self._descriptor(digest, media_type) | {"annotations": name}]
        path.write_text(json.dumps(top))

    def _export(self, tag, *, every=False):
        oci, docker = self.directory / f"{tag}.oci.tar", self.directory / f"{tag}.docker.tar"
        for target in (oci, docker):
            target.unlink(missing_ok=True)
        copy = ["skopeo", "--override-os", "linux", "copy", "-q"]
        chosen = ["--all"] if every else []
        run([*copy, *chosen, f"oci:{self.layout}:{tag}", f"oci-archive:{oci}:{PREFIX}{tag}:1"], check=True)
        if not every:
            run([*copy, f"oci:{self.layout}:{tag}", f"docker-archive:{docker}:{PREFIX}{tag}:1"], check=True)
        self.built[tag] = Built(tag, self._digest(tag), oci, docker)
        return self.built[tag]
