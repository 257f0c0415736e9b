"""IS facts: a decision that a deadline ends takes nothing from the next one, and what was not known is asked again."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
import pyudev

from hostfit.core.facts import Feature, Unknown, Wanted
from hostfit.core.image import Image, Resolution
from hostfit.core.paths import Paths
from hostfit.core.vocabulary import STATIC
from hostfit.facts import vocabulary
from hostfit.facts.probes import netlink, udev
from hostfit.gate.deadline import Expired
from hostfit.oci.request import Bundle, Request
from hostfit.service import links
from hostfit.service.decide import Decider
from hostfit.service.devices import Devices
from hostfit.service.live import LiveHost


def late(*_):
    raise Expired


def names(found):
    return {one["name"] for one in found}


def test_news_of_links_outlive_a_deadline(monkeypatch):
    table = links.Links()
    try:
        assert "lo" in names(table.read())
        table._table.clear()
        table._news = {1: links._HEADER.pack(links._HEADER.size, links._NEWLINK, 0, 0, 0, 0, 0, 1)}
        with monkeypatch.context() as patch:
            patch.setattr(netlink, "understood", late)
            with pytest.raises(Expired):
                table.read()

        assert "lo" in names(table.read())
    finally:
        table.close()


def test_news_of_devices_outlive_a_deadline(monkeypatch):
    table = Devices(pyudev, pyudev.Context())
    lo = next(one["name"] for one in table.read({"name"}).instances if one.get("name") == "lo")
    (path,) = [path for path in table._table if path.endswith("/net/lo")]
    del table._table[path]
    table._news.add(path)
    with monkeypatch.context() as patch:
        patch.setattr(udev, "attributes", late)
        with pytest.raises(Expired):
            table.read({"name"})

    assert lo in {one.get("name") for one in table.read({"name"}).instances}


def test_a_value_that_is_not_known_yet_is_read_again_for_the_next_decision(monkeypatch):
    """The driver of a GPU tells its UUID only once that is used, and no event says so."""
    host = LiveHost(listen=False)
    assert vocabulary.lookup("cpu.security").stability == STATIC
    told = iter([Unknown("not used yet"), "GPU-1", "GPU-2"])
    monkeypatch.setattr(LiveHost, "_feature", lambda *_: Feature(attributes={"sev.enabled": next(told)}))
    wanted = Wanted()
    wanted.add("cpu.security", "sev.enabled")

    values = [host.read(wanted)["cpu.security"].attributes["sev.enabled"] for _ in range(3)]

    assert [getattr(one, "reason", one) for one in values] == ["not used yet", "GPU-1", "GPU-1"]


def test_a_spec_store_that_the_service_may_not_look_into_leaves_the_decision_to_python():
    """SEC1: otherwise an image would look as if nobody had ever asked for its specs."""
    top = tempfile.mkdtemp(prefix="hostfit-store-")
    try:
        os.chmod(top, 0o755)
        for name in ("etc", "run", "var", "var/looked-up"):
            os.mkdir(f"{top}/{name}", 0o755)
        os.mkdir(f"{top}/var/looked-up/sha256", 0o700)
        decider = Decider(Paths(*(f"{top}/{name}" for name in ("etc", "run", "var"))), LiveHost(listen=False))
        request = Request(entry="hook", verb="create", id="c1", bundle=Bundle("/"))
        known = {"seconds": 60.0, "resolution": Resolution("", Image(name="x", digest="sha256:" + "0" * 64))}
        assert decider.decide(request, **known) is not None

        os.seteuid(65534)
        try:
            found = decider.decide(request, **known)
        finally:
            os.seteuid(0)
    finally:
        shutil.rmtree(top)

    assert found is None
