"""Requests, hosts and an installation of the test's own for the gate."""

from __future__ import annotations

import os

import pytest

from hostfit.core.facts import Feature, Unknown
from hostfit.core.paths import Paths
from hostfit.facts import vocabulary
from hostfit.gate import gate
from hostfit.oci.request import Bundle, Request

FACTS = {
    "kernel.version": Feature(attributes={"full": "6.1.0-13-amd64", "major": "6", "minor": "1"}),
    "kernel.loadedmodule": Feature(flags=["nf_tables", "overlay"]),
    "kernel.sysctl": Feature(attributes={"net.ipv4.ip_forward": "0"}),
    "cpu.model": Feature(attributes={"vendor_id": "Intel"}),
    "system.name": Feature(unknown=Unknown("/proc/sys/kernel/hostname: EACCES")),
}
MISSING_MODULE = "kernel.loadedmodule.gtp5g exists"
"""The flat form of what these facts do not have."""


def outcome(report):
    return (report.decision.verdict, report.decision.action, report.starts, report.exit_code)


class Recorded:
    """A host whose facts are given; it counts what was read."""

    def __init__(self, facts=None):
        self.facts = FACTS if facts is None else facts
        self.asked = {}

    def lookup(self, feature):
        return vocabulary.lookup(feature)

    def read(self, wanted):
        self.asked.update(wanted.elements)
        nothing = Feature(unknown=Unknown("not recorded"))
        return {feature: self.facts.get(feature, nothing) for feature in wanted.elements}


class Site:
    """/etc/hostfit, /run/hostfit and /var/lib/hostfit below one directory."""

    def __init__(self, base):
        self.base = base
        self.paths = Paths(f"{base}/etc/hostfit", f"{base}/run/hostfit", f"{base}/var/lib/hostfit")
        self.etc = base / "etc" / "hostfit"
        self.etc.mkdir(parents=True)

    def write(self, name, text):
        file = self.etc / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o644)
        return file


@pytest.fixture
def site(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a policy is trusted only if root owns it")
    return Site(tmp_path)


@pytest.fixture
def host():
    return Recorded()


@pytest.fixture
def request_of(tmp_path):
    def make(require="", *, entry="hook", id="c0ffee", annotations=None, runtime="", **fields):  # noqa: A002 - the runtime-spec's word
        notes = dict(annotations or {})
        if require:
            notes["io.hostfit.require"] = require
        bundle = Bundle(fields.pop("bundle", f"{tmp_path}/bundle"), annotations=notes)
        return Request(entry=entry, verb="create", id=id, bundle=bundle, runtime=runtime, **fields)

    return make


@pytest.fixture
def decide(site, host, request_of):
    def one(require="", *, resolution=None, extra=(), **fields):
        return gate.decide(request_of(require, **fields), site.paths, host=host, resolution=resolution, extra=extra)

    return one


@pytest.fixture
def runtime(site):
    """A runtime that may be executed, as the policy's default."""
    binary = site.write("runtime", "#!/bin/sh\n")
    binary.chmod(0o755)
    site.write("conf.d/00-runtime.toml", f'[policy]\ndefault = "mine"\n[runtime.mine]\nbinary = "{binary}"\n')
    return str(binary)
