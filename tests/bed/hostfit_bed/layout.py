"""Makes images byte by byte, in an OCI image layout."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class LayoutMaker:
    """Writes an OCI image layout; every method gives descriptors as plain dictionaries."""

    def __init__(self, directory):
        self.directory = Path(directory)
        (self.directory / "blobs" / "sha256").mkdir(parents=True)
        (self.directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.entries = []

    def blob(self, data, media_type="application/octet-stream"):
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        digest = hashlib.sha256(raw).hexdigest()
        (self.directory / "blobs" / "sha256" / digest).write_bytes(raw)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(raw)}

    def manifest(self, *, annotations=None, labels=None, env=(), platform=None, files=None, command=()):
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            for name, data in (files or {"etc/issue": b"hostfit\n"}).items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(data), 0o755
                archive.addfile(member, io.BytesIO(data))
        layer = self.blob(gzip.compress(tar.getvalue(), mtime=0), LAYER)
        config = {"os": "linux", "architecture": "amd64"} | (platform or {}) | {
            "config": {"Labels": labels or {}, "Env": list(env), "Cmd": list(command)},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar.getvalue()).hexdigest()]},
        }  # fmt: skip
        tree = {"schemaVersion": 2, "mediaType": MANIFEST, "config": self.blob(config, CONFIG), "layers": [layer]}
        return self.blob(tree | ({"annotations": annotations} if annotations else {}), MANIFEST)

    def index(self, *members, annotations=None):
        tree = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(members)}
        return self.blob(tree | ({"annotations": annotations} if annotations else {}), INDEX)

    def tag(self, name, descriptor):
        noted = {"annotations": {"org.opencontainers.image.ref.name": name}} if name else {}
        self.entries.append(descriptor | noted)
        index = {"schemaVersion": 2, "manifests": self.entries}
        (self.directory / "index.json").write_text(json.dumps(index))
        return descriptor["digest"]

    def read(self, digest):
        """One JSON blob."""
        return json.loads((self.directory / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_text())

    def config_digest(self, digest):
        path = self.directory / "blobs" / "sha256" / digest.removeprefix("sha256:")
        return json.loads(path.read_text())["config"]["digest"]

    def archive(self, path, name):
        """Pack the whole layout as `ctr images import` and `docker load` take it, under one full name."""
        entries = json.loads((self.directory / "index.json").read_text())
        for entry in entries["manifests"]:
            entry["annotations"] = {"io.containerd.image.name": name}
        with tarfile.open(path, "w") as archive:
            for one in sorted((self.directory / "blobs" / "sha256").iterdir()):
                archive.add(one, f"blobs/sha256/{one.name}")
            archive.add(self.directory / "oci-layout", "oci-layout")
            raw = json.dumps(entries).encode()
            member = tarfile.TarInfo("index.json")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
        return path
