"""Hosts of the test's own below a directory, and what doctor finds there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import pytest

from hostfit.cli.schemas import schema_text

BED = str(Path(__file__).resolve().parents[2] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed.hosttree import HostTree  # noqa: E402 - the bed lies beside the tests, not on the path

NOTES = {"store-unsynced"}
"""Found on a host that never ran `hostfit sync`."""


@pytest.fixture
def make_host(tmp_path):
    """Make a host with some engines."""
    return lambda *engines: HostTree(tmp_path / "host", *engines)


@pytest.fixture
def doctor(capsys):
    """Run doctor on a host and give the ids it finds for an engine, and the exit code."""

    def call(host, *words):
        before = host.files()
        capsys.readouterr()
        code = host.hostfit("doctor", *words, "--format", "json")
        document = json.loads(capsys.readouterr().out)
        jsonschema.Draft202012Validator(json.loads(schema_text("doctor-v1"))).validate(document)
        assert host.files() == before
        ids = [one["id"] for one in document["findings"]]
        return {name for name in ids if name not in NOTES}, code, document

    return call


@pytest.fixture
def ready(make_host):
    """A host on which an engine was set up, with programs that may be executed."""

    def make(engine, *words, files=None):
        host = make_host(engine)
        for path in (
            "bin/hostfit-runtime",
            "bin/containerd-shim-hostfit-v2",
            "libexec/oci/hooks.d/hostfit-hook",
            "bin/runc",
        ):
            host.write(f"usr/{path}", "#!/bin/sh\n")
            (host.root / "usr" / path).chmod(0o755)
        for path, text in (files or {}).items():
            host.write(path, text)
        assert host.hostfit("setup", engine, *words) == 0
        return host

    return make
