"""IS snapshot: what the service publishes below /run/hostfit/service, whole and for everybody to read."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from hostfit.core.facts import Wanted
from hostfit.facts.recorded import Recorded
from hostfit.gate import keep
from hostfit.service import images

from .conftest import MISFIT, until


def test_the_facts_are_a_recording_of_this_host(service):
    path = service.top / "run/service/facts.json"
    until(path.exists, "the snapshot")
    recorded = Recorded.load(path.read_bytes())
    wanted = Wanted({"kernel.version": {"full"}})

    assert recorded.read(wanted)["kernel.version"].attributes["full"] == os.uname().release
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_images_of_the_local_stores_are_judged(tmp_path, monkeypatch):
    from hostfit.core.image import Image
    from hostfit.core.paths import Paths
    from hostfit.sources import stores

    (tmp_path / "run/service").mkdir(parents=True)
    fits = Image(name="localhost/fits:1", digest="sha256:" + "1" * 64, store="here")
    misfit = Image(name="localhost/misfit:1\x1b[2J", labels={"io.hostfit.require": MISFIT}, store="here")
    monkeypatch.setattr(stores, "images", lambda: iter([fits, misfit]))
    monkeypatch.setattr(os, "nice", lambda _: 0)

    path = images.judge(Paths(f"{tmp_path}/etc", f"{tmp_path}/run", f"{tmp_path}/var"))
    found = json.loads(Path(path).read_text())

    assert [(one["verdict"], one["action"]) for one in found["images"]] == [("fit", "allow"), ("misfit", "deny")]
    assert found["images"][1]["name"] == "localhost/misfit:1\\x1b[2J"
    assert "hostfit_none: required present, found absent" in found["images"][1]["line"]
    assert found["complete"]


def test_a_report_that_a_service_forged_is_harmless(tmp_path):
    """What the service keeps is no more trusted than itself: no escape reaches a terminal, no link is followed."""
    from hostfit.core.errors import UsageError
    from hostfit.core.paths import Paths

    paths = Paths(f"{tmp_path}/etc", f"{tmp_path}/run", f"{tmp_path}/var")
    place = tmp_path / "run/service/reports"
    place.mkdir(parents=True)
    (place / f"{1:016x}~5~forged").write_text(json.dumps({"line": "\x1b[2J ok \\x1b", "list": ["\u202e"]}))
    secret = tmp_path / "secret"
    secret.write_text('{"line": "secret"}')
    (place / f"{1:016x}~5~linked").symlink_to(secret)

    assert keep.find("forged", paths) == {"line": "\\x1b[2J ok \\x1b", "list": ["\\u202e"]}
    with pytest.raises(UsageError):
        keep.find("linked", paths)
