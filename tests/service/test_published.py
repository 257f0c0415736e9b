"""IS snapshot: what the service publishes below /run/hostfit/service, whole and for everybody to read."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from hostfit.core.facts import Wanted
from hostfit.core.image import Image
from hostfit.core.paths import Paths
from hostfit.facts.recorded import Recorded
from hostfit.gate import keep
from hostfit.service import images
from hostfit.service.policies import Policies
from hostfit.sources import stores
from hostfit.sources.store import SpecStore

from .conftest import MISFIT, PATIENCE, until


def test_the_facts_are_a_recording_of_this_host(service):
    path = service.top / "run/service/facts.json"
    until(path.exists, "the snapshot")
    recorded = Recorded.load(path.read_bytes())
    wanted = Wanted({"kernel.version": {"full"}})

    assert recorded.read(wanted)["kernel.version"].attributes["full"] == os.uname().release
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_images_of_the_local_stores_are_judged(tmp_path, monkeypatch):
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


CHANGES = {
    "an image": lambda top: (top / "images.json").write_text("[]"),
    "the policy": lambda top: (top / "etc/hostfit.toml").write_text('[policy]\non_misfit = "warn"\n'),
    "a policy that is broken": lambda top: (top / "etc/hostfit.toml").write_text("["),
    "a file in place of the configuration": lambda top: ((top / "etc").rmdir(), (top / "etc").touch()),
    "the break-glass file": lambda top: (top / "etc/disabled").touch(),
    "a spec": lambda top: SpecStore(f"{top}/var").put(b"two"),
    "a look-up": lambda top: SpecStore(f"{top}/var").record("sha256:" + "2" * 64, time="2026-01-31T12:00:00Z"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_images_are_judged_again_after_a_change_though_nobody_asks(change, tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "changing", lambda: (f"{tmp_path}/images.json",))
    (tmp_path / "etc").mkdir(mode=0o755)
    specs = SpecStore(f"{tmp_path}/var")
    specs.put(b"one")
    specs.record("sha256:" + "1" * 64, time="2026-01-31T12:00:00Z")
    for folder in filter(os.path.exists, specs.folders()):
        # Two changes in one tick of the clock look like one.
        os.utime(folder, (1, 1))
    paths = Paths(*(f"{tmp_path}/{name}" for name in ("etc", "run", "var")))
    minutes = iter(range(0, 600, 60))
    child = images.Images(("/bin/true",), paths, Policies())

    assert judged(child, next(minutes))
    assert not judged(child, next(minutes))
    change(tmp_path)
    assert judged(child, next(minutes))
    child.close()


def judged(child, now):
    """Whether it starts at this second, and then ends."""
    child.step(now)
    if child._process is None:
        return False
    return child._process.wait(PATIENCE) == 0


def test_a_report_that_a_service_forged_is_harmless(tmp_path):
    """What the service keeps is no more trusted than itself: no escape reaches a terminal, no link is followed."""
    from hostfit.core.errors import UsageError

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
