"""The spec store: what goes in comes out, by digest and nothing else; stale or foreign compiled forms never count."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hostfit.core.errors import SourceError, SpecError
from hostfit.oci import digest as digests
from hostfit.sources.store import SpecStore

SPEC = json.dumps(
    {"version": "v1alpha1", "compatibilities": [{"rules": [{"name": "kernel", "matchFeatures": [
        {"feature": "kernel.version",
         "matchExpressions": {"full": {"op": "Ge", "value": ["5.15"], "type": "version"}}}]}]}]}
).encode()  # fmt: skip
YAML = b"""\
version: v1alpha1
compatibilities:
- rules:
  - name: r
    matchFeatures:
    - feature: kernel.version
      matchExpressions: {full: {op: Exists}}
"""
SUBJECT = "sha256:" + "a" * 64


@pytest.fixture
def store(places):
    return SpecStore(places.var)


def path_of(places, digest, suffix=""):
    return Path(f"{places.var}/specs/{digest.replace(':', '/')}{suffix}")


def test_a_document_comes_back_by_its_digest(store, places):
    assert store.spec(digests.of(SPEC)) is None
    digest = store.put(SPEC)

    assert digest == digests.of(SPEC)
    assert store.read(digest) == SPEC
    assert store.spec(digest).sets[0].rules[0].name == "kernel"
    assert path_of(places, digest).stat().st_mode & 0o777 == 0o600


def test_compiled_and_read_documents_are_equal(store, places):
    for data in (SPEC, YAML):
        digest = store.put(data)
        compiled = store.spec(digest)
        path_of(places, digest, ".compiled").unlink()
        assert store.spec(digest) == compiled


def test_a_compiled_form_is_used_while_the_document_is_unchanged(store, places):
    digest = store.put(SPEC)
    form = path_of(places, digest, ".compiled")
    tree = json.loads(form.read_text().replace('"kernel"', '"compiled"'))
    form.write_text(json.dumps(tree))

    assert store.spec(digest).sets[0].rules[0].name == "compiled"


def _touched(raw, form):
    os.utime(raw, ns=(1, 1))


def _replaced(raw, form):
    data = raw.read_bytes()
    raw.unlink()
    raw.write_bytes(data)


def _writable(raw, form):
    form.chmod(0o666)


def _linked(raw, form):
    form.rename(f"{form}.x")
    form.symlink_to(f"{form}.x")


def _fifo(raw, form):
    form.unlink()
    os.mkfifo(form)


def _cut(raw, form):
    os.truncate(form, 40)


def _other_version(raw, form):
    form.write_text(json.dumps(json.loads(form.read_text()) | {"version": 99}))


def _other_shape(raw, form):
    form.write_text("[1]")


def _other_spec(raw, form):
    form.write_text(json.dumps(json.loads(form.read_text()) | {"spec": [1, "v1alpha1", [], [[1]]]}))


def _huge(raw, form):
    os.truncate(form, 1 << 40)


@pytest.mark.parametrize(
    "harm", [_touched, _replaced, _writable, _linked, _fifo, _cut, _other_version, _other_shape, _other_spec, _huge]
)
def test_a_compiled_form_that_cannot_be_trusted_is_passed_over(store, places, harm):
    """Security test plan T9"""
    digest = store.put(SPEC)
    raw, form = path_of(places, digest), path_of(places, digest, ".compiled")
    text = form.read_text()
    source = json.loads(text)["source"]
    form.write_text(text.replace('"kernel"', '"forged"'))
    assert json.loads(form.read_text())["source"] == source
    harm(raw, form)

    assert store.spec(digest).sets[0].rules[0].name == "kernel"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only it can give files away")
def test_a_compiled_form_of_another_user_is_passed_over(store, places):
    digest = store.put(SPEC)
    form = path_of(places, digest, ".compiled")
    form.write_text(form.read_text().replace('"kernel"', '"forged"'))
    os.chown(form, 65534, 65534)

    assert store.spec(digest).sets[0].rules[0].name == "kernel"


def test_a_changed_document_is_refused(store, places):
    digest = store.put(SPEC)
    path_of(places, digest).write_bytes(SPEC.replace(b"5.15", b"1.00"))
    with pytest.raises(SourceError, match="content has another digest"):
        store.spec(digest)


@pytest.mark.parametrize(("make", "message"), [(os.mkfifo, "EINVAL"), (os.mkdir, "EISDIR")])
def test_traps_do_not_hang(store, places, make, message):
    os.makedirs(f"{places.var}/specs/sha256")
    make(path_of(places, SUBJECT))
    with pytest.raises(SourceError, match=message):
        store.spec(SUBJECT)


def test_an_invalid_document_is_kept_and_stays_invalid(store):
    digest = store.put(b"version: v1alpha1\ncompatibilities: 5\n")
    with pytest.raises(SpecError):
        store.spec(digest)


def test_a_document_over_the_limit_is_not_taken(store):
    with pytest.raises(SourceError, match="at most 1048576 bytes"):
        store.put(b" " * ((1 << 20) + 1))


@pytest.mark.parametrize(
    "digest", ["", "x", "sha256:../../../etc/passwd", "sha256:" + "A" * 64, "a\n", "sha512:" + "0" * 64 + "/"]
)
def test_what_is_no_digest_is_never_a_path(store, digest):
    for ask in (store.spec, store.read, store.looked_up):
        with pytest.raises(SourceError, match="a digest is required"):
            ask(digest)


def test_looked_none_there_and_nobody_looked_are_two_things(store):
    assert not store.used()
    assert store.looked_up(SUBJECT) is None
    store.record(SUBJECT, time="2026-01-31T12:00:00Z")

    assert store.used()
    assert store.looked_up(SUBJECT).specs == ()
    assert store.looked_up("sha256:" + "b" * 64) is None


def test_a_look_up_keeps_documents_with_their_signers(store):
    specs = ((digests.of(b"1"), ""), (digests.of(b"2"), "key:admin"))
    store.record(SUBJECT, specs, time="2026-01-31T12:00:00Z")
    read = store.looked_up(SUBJECT)

    assert (read.subject, read.specs, read.time) == (SUBJECT, specs, "2026-01-31T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "a look-up of version 1"),
        ('{"version": 2}', "a look-up of version 1"),
        (
            json.dumps({"version": 1, "subject": "sha256:" + "b" * 64, "specs": [], "time": ""}),
            "a look-up of version 1",
        ),
        (json.dumps({"version": 1, "subject": SUBJECT, "specs": {}, "time": ""}), "specs and a time are required"),
        (json.dumps({"version": 1, "subject": SUBJECT, "specs": [1] * 33, "time": ""}), "at most 32 specs"),
        (json.dumps({"version": 1, "subject": SUBJECT, "specs": [{"digest": "x\n"}], "time": ""}), r'found "x.*0a"'),
        (
            json.dumps({"version": 1, "subject": SUBJECT, "specs": ["x"], "time": ""}),
            "a digest and a signer are required",
        ),
        ("{", "not valid JSON"),
    ],
)
def test_a_damaged_look_up_is_an_error(store, places, text, message):
    store.record(SUBJECT, time="")
    Path(f"{places.var}/looked-up/{SUBJECT.replace(':', '/')}").write_text(text)
    with pytest.raises(SourceError, match=message):
        store.looked_up(SUBJECT)
