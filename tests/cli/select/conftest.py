"""What the tests of `hostfit select` share: indexes of members that are known by name, and recorded hosts."""

from __future__ import annotations

import hashlib
import json

import pytest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64"}


def digest(name):
    """The digest by which a test knows a member."""
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def short(name):
    """The same digest in a table."""
    return digest(name)[7:19]


def member(name, platform=None, **fields):
    platform = {"platform": platform} if platform else {}
    return {"mediaType": MANIFEST, "digest": digest(name), "size": 1000} | platform | fields


@pytest.fixture
def index(tmp_path):
    """Write an index into a file."""

    def write(*members, **fields):
        path = tmp_path / "index.json"
        tree = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(members)} | fields
        path.write_text(json.dumps(tree))
        return path

    return write


@pytest.fixture
def host(tmp_path):
    """Record a host: amd64 of the third level, unless it is said otherwise."""

    def record(name="host", *, system="linux", architecture="amd64", level=3, modules=(), cpuid=(), **platform):
        flags = {
            "cpu.microarch": [f"x86-64-v{number}" for number in range(1, level + 1)] if architecture == "amd64" else [],
            "cpu.cpuid": list(cpuid),
            "kernel.loadedmodule": list(modules),
        }
        tree = {
            "version": "hostfit.facts/v1",
            "flags": {one: {"elements": {flag: {} for flag in held}} for one, held in flags.items()},
            "attributes": {
                "system.platform": {"elements": {"os": system, "architecture": architecture} | platform},
                "kernel.version": {"elements": {"full": "5.15.0"}},
                "kernel.selinux": {"elements": {"enabled": "false"}},
                "os.glibc": {"elements": {"version": "2.35"}},
                "cpu.model": {"elements": {"vendor_id": "AMD"}},
                "kernel.config": {"elements": {"PREEMPT": "y"}},
            },
            "instances": {
                "kernel.binfmt": {"elements": []},
                "pci.device": {"elements": [{"attributes": {"vendor": "1002", "device": "67ff"}}]},
            },
        }
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(tree))
        return path

    return record


def chosen(done):
    assert done.code == 0, done.err
    return done.out.strip()
