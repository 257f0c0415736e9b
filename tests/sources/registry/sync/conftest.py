"""What the tests of `hostfit sync` share: an installation with its store, images on a registry, and a verifier."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from hostfit.cli.main import main
from hostfit.sources.registry import attach
from hostfit.sources.registry.access import reference
from hostfit.sources.registry.deadline import Deadline
from hostfit.sources.store import SpecStore

SOURCE = Path(__file__).parents[4] / "src"
TIMES = [f"2026-0{month}-01T00:00:00Z" for month in range(1, 10)]


def patience():
    """Time enough for one step on a slow machine."""
    return Deadline(120, "the test")


def spec(name, **fields):
    """A spec as bytes; `name` tells one from another."""
    rule = {"name": name, "matchFeatures": [{"feature": "kernel.version", "matchExpressions": {}}]}
    rule["matchFeatures"][0]["matchExpressions"] = {"major": {"op": "Gt", "value": ["1"]}}
    return json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": [rule]}]} | fields).encode()


@pytest.fixture
def site(tmp_path, monkeypatch, nowhere, capsys):
    """An installation of the test's own, the store that it fills, and its command."""
    if os.geteuid() != 0:
        pytest.skip("a policy is trusted only if root owns it")
    prefix = tmp_path / "prefix"
    etc = prefix / "etc" / "hostfit"
    etc.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    store = SpecStore(str(prefix / "var/lib/hostfit"))

    def sync(*words):
        code = main(["--prefix", str(prefix), "sync", *words])
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    def reach(*found):
        text = [f'[[registry]]\nlocation = "{one.host}"\ninsecure = true\n' for one in found]
        (etc / "registries.conf").write_text("".join(text))

    def configure(text):
        (etc / "hostfit.toml").write_text(text)

    def found(subject):
        record = store.looked_up(subject)
        return None if record is None else [(name, signer) for digest, signer in record.specs for name in named(digest)]

    def named(digest):
        return [json.loads(store.read(digest))["compatibilities"][0]["rules"][0]["name"]]

    return SimpleNamespace(
        prefix=prefix, etc=etc, store=store, sync=sync, reach=reach, configure=configure, found=found
    )


@pytest.fixture
def image(layout, push, place, site):
    """Push an image and attach specs to it: `image(registry, "a/b", spec("x"), ...)`, the first one oldest."""
    counter = iter(range(1000))

    def make(registry, repository, *specs, annotations=None, files=None, members=()):
        tag = f"t{next(counter)}"
        descriptor = layout.manifest(annotations=annotations, files=files or {"tag": f"{repository}{tag}".encode()})
        platform = {"platform": {"os": "linux", "architecture": "amd64"}}
        top = layout.index(descriptor | platform) if members == () else descriptor
        layout.tag(tag, descriptor if members is None else top)
        name = push(tag, registry, repository)
        place.insecure(registry.host)
        site.reach(registry)
        made = SimpleNamespace(name=name, digest=descriptor["digest"], index=top["digest"], artifacts=[])

        def add(document, created, subject=""):
            with place.access().open(reference(name), write=True) as opened:
                target = opened.resolve(subject or made.digest, patience())
                digest = attach.attach(opened, target, document, title="", created=created, deadline=patience())
                made.artifacts.append(digest)
                return digest

        def take(artifact, subject=""):
            with place.access().open(reference(name), write=True) as opened:
                attach.detach(opened, subject or made.digest, artifact, listed_by_api=False, deadline=patience())

        made.add, made.take = add, take
        for number, document in enumerate(specs):
            add(document, TIMES[number])
        return made

    return make


SIGNED = """
[signer.key]
verify = ["{script}", "--signed", "{list}", "{{reference}}"]
timeout = 20

[[trust]]
repository = "localhost:*"
signers = ["key"]
"""


@pytest.fixture
def signer(site, tmp_path):
    """A program that says who signed: the artifacts in a list, each as it must be named."""
    script, signed = tmp_path / "verifier", tmp_path / "signed"
    script.write_text('#!/bin/sh\n[ "$1" = --signed ] && [ $# = 3 ] && exec grep -qxF -- "$3" "$2"\n')
    script.chmod(0o755)
    signed.write_text("")

    def sign(image, artifact):
        with signed.open("a") as file:
            file.write(f"{image.name.rpartition(':')[0]}@{artifact}\n")

    site.configure(SIGNED.format(script=script, list=signed))
    return SimpleNamespace(sign=sign, script=script, list=signed)
