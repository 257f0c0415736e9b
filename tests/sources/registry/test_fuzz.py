"""Whatever stands in an answer or in a file, only the documented errors come out of reading it (T1)."""

from __future__ import annotations

import json

import pytest
from hostfit_bed.scripted import INDEX, MANIFEST, Scripted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostfit.core.errors import RegistryError
from hostfit.oci import descriptor as oci
from hostfit.sources.registry import hostsdir, registriesconf, repository
from hostfit.sources.registry.credentials import Credentials
from hostfit.sources.registry.transport import Answer

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
REGISTRIES = b"""\
[[registry]]
prefix = "r.example/a"
location = "m.example"
insecure = true
realms = ["auth.example"]
[[registry.mirror]]
location = "mirror.example/x"
pull-from-mirror = "digest-only"
"""
HOSTS = b"""\
server = "https://r.example"
[host."https://mirror.example/v2"]
capabilities = ["pull", "resolve"]
ca = "ca.crt"
client = [["a", "b"]]
override_path = true
[host."https://mirror.example/v2".header]
x = ["y"]
"""
AUTH = json.dumps({"auths": {"r.example": {"auth": "dTpw"}}, "credHelpers": {}, "credsStore": ""}).encode()


@st.composite
def changed(draw, whole):
    """A document with a few places replaced by other bytes, as a bit error or a clumsy hand would."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        piece = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b"[", b"{", b'"', b"5", b"null", b"true", b"\n"]))
        )
        data[at : at + draw(st.integers(0, 6))] = piece
    return bytes(data)


@pytest.fixture(scope="module")
def documents():
    """A manifest and an index as they are sent."""
    registry = Scripted()
    subject = registry.image()
    registry.artifact(subject, b"document")
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": registry.listed[subject["digest"]]}
    registry.end()
    return [(kind, data) for kind, data in registry.manifests.values()] + [(INDEX, json.dumps(index).encode())]


def refusal(call, *words):
    """What a documented error says, an empty text where there is none."""
    try:
        call(*words)
    except RegistryError as error:
        return error.message
    return ""


@given(data=st.data())
@QUICK
def test_manifest_or_index_is_read_or_refused(documents, data):
    kind, whole = data.draw(st.sampled_from(documents))
    sent = data.draw(st.sampled_from([kind, INDEX, MANIFEST]))
    answer = Answer("", 200, {"Content-Type": sent}, data.draw(changed(whole)))

    said = refusal(repository.document, answer, "it")

    assert said.isprintable()
    if not said:
        assert isinstance(repository.document(answer, "it"), oci.Index if sent == INDEX else oci.Manifest)


@given(text=changed(REGISTRIES))
@QUICK
def test_registries_conf_is_read_or_refused(tmp_path, text):
    path = tmp_path / "registries.conf"
    path.write_bytes(text)
    for name in ("r.example/a/b", "r.example/c", "m.example/x"):
        assert refusal(registriesconf.find, name, (str(path),)).isprintable()


@given(text=changed(HOSTS))
@QUICK
def test_hosts_toml_is_read_or_refused(tmp_path, text):
    folder = tmp_path / "r.example"
    folder.mkdir(exist_ok=True)
    (folder / "hosts.toml").write_bytes(text)

    assert refusal(hostsdir.endpoints, "r.example", "a/b", (str(tmp_path),)).isprintable()


@given(text=changed(AUTH))
@QUICK
def test_auth_json_is_read_or_refused(tmp_path, text):
    path = tmp_path / "auth.json"
    path.write_bytes(text)

    assert refusal(Credentials((str(path),), ()).find, "r.example", "a/b").isprintable()
