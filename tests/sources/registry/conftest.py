"""Registries for the client: real ones on loopback, and places with the configuration that leads to them."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest

from hostfit.sources.registry.access import Access, reference
from hostfit.sources.registry.deadline import Deadline

BED = str(Path(__file__).resolve().parents[2] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed import registries  # noqa: E402 - the bed lies beside the tests, not on the path


class Place:
    """A host's configuration for registries below a directory of the test's own, and nothing from this machine."""

    def __init__(self, directory):
        self.home = directory / "home"
        self.etc = directory / "etc"
        self.home.mkdir(parents=True)
        self.etc.mkdir(parents=True)
        self.conf = self.etc / "registries.conf"
        self.conf.write_text("")
        self.auth = self.etc / "auth.json"

    def configure(self, text):
        self.conf.write_text(text)

    def insecure(self, *hosts):
        self.configure("".join([f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in hosts]))

    def certificates(self, host, authority):
        folder = self.etc / "certs.d" / host
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ca.crt").write_bytes(authority.certificate.read_bytes())

    def log_in(self, host, user=registries.USER, password=registries.PASSWORD):
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.auth.write_text(json.dumps({"auths": {host: {"auth": secret}}}))

    def access(self, **words):
        return Access(str(self.etc), {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home)}, **words)

    def open(self, name, **words):
        return self.access(**words).open(reference(name))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "place")


@pytest.fixture
def soon():
    """Time enough on a slow machine; what must end earlier has a deadline of its own."""
    return Deadline(60, "the test")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return registries.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def plain_registry(tmp_path_factory):
    """A docker-registry without TLS and without authentication."""
    one = registries.docker_registry(tmp_path_factory.mktemp("registry"))
    yield one
    one.end()


@pytest.fixture(scope="session")
def basic_registry(tmp_path_factory, authority):
    """A docker-registry with TLS that wants a password."""
    one = registries.docker_registry(tmp_path_factory.mktemp("basic"), authority=authority, auth="basic")
    yield one
    one.end()


@pytest.fixture(scope="session")
def token_server(tmp_path_factory, authority):
    one = registries.TokenServer(tmp_path_factory.mktemp("tokens"), authority, identity="an-identity-token")
    yield one
    one.end()


@pytest.fixture(scope="session")
def token_registry(tmp_path_factory, authority, token_server):
    """A docker-registry with TLS that wants a token."""
    one = registries.docker_registry(tmp_path_factory.mktemp("bearer"), authority=authority, auth=token_server)
    yield one
    one.end()


@pytest.fixture
def push(layout):
    """Copy an image of the layout to a registry with skopeo, all of an index; gives the name it has there."""

    def push(tag, registry, repository, *, log_in=False):
        return registries.push(layout.directory, tag, f"{registry.host}/{repository}:{tag}", log_in=log_in)

    return push
