"""What a bug report leaves out: secrets by their place, secrets by their form, and what identifies a machine."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostfit.cli import redact

OUT = redact.OUT


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://ann:hunter2@registry.example/v2", f"https://{OUT}@registry.example/v2"),
        ("Authorization: Bearer abc.def-1", f"Authorization: {OUT} {OUT}"),
        ("password=hunter2 next", f"password={OUT} next"),
        ('"api_key": "abc"', f'"api_key": {OUT}'),
        ("registry_token: 'abc'", f"registry_token: {OUT}"),
        ("db.PASSWORD = x;y,z end", f"db.PASSWORD = {OUT} end"),
        ('password="correct horse battery" end', f"password={OUT} end"),
        ("encryption_key=abc access-key: def", f"encryption_key={OUT} access-key: {OUT}"),
        ("login --password hunter2 --verbose", f"login --password {OUT} --verbose"),
        ("http://ann:p/ss@ab@registry.example/v2", f"http://{OUT}@registry.example/v2"),
        ("docker://registry.example:5000/upf@sha256:abc", "docker://registry.example:5000/upf@sha256:abc"),
        ("key eyJhbGciOi.eyJzdWIi.c2ln end", f"key {OUT} end"),
        ("AKIAABCDEFGHIJKLMNOP", OUT),
        ("ghp_0123456789abcdef", OUT),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----", OUT),
        ("kernel.module gtp5g: required loaded, found absent", "kernel.module gtp5g: required loaded, found absent"),
        ("registry.example/free5gc/upf@sha256:abc", "registry.example/free5gc/upf@sha256:abc"),
    ],
)
def test_what_looks_like_a_secret_is_left_out_and_all_else_stays(text, left):
    assert redact.text(text) == left


@pytest.mark.parametrize("piece", ["a.", "eyJ-", "x://", "token ", "-----BEGIN PRIVATE KEY-----", "pass:"])
def test_long_texts_of_others_take_no_long_time(piece):
    """Eight times the text takes about eight times the time, whatever it is made of; a square would be 64."""

    def taken(size):
        text = piece * (size // len(piece))
        return min(timed(text) for _ in range(3))

    def timed(text):
        start = time.process_time()
        redact.text(text)
        return time.process_time() - start

    assert taken(128 << 10) < 32 * max(taken(16 << 10), 0.005)


@given(st.text(max_size=40))
def test_cleaning_twice_is_cleaning_once(text):
    once = redact.text(text)

    assert redact.text(once) == once


@pytest.mark.parametrize(
    ("feature", "element"),
    [
        ("request.env", "PATH"),
        ("request.annotation", "anything"),
        ("kernel.cmdline", "ds"),
        ("kernel.cmdline", "rd.luks.key"),
        ("kernel.config", "CMDLINE"),
        ("kernel.sysctl", "net.ipv6.conf.all.stable_secret"),
        ("kernel.sysctl", "kernel.random.boot_id"),
        ("kernel.module", "parameter.auth_token"),
        ("system.name", "nodename"),
        ("system.dmiid", "product_serial"),
        ("system.dmiid", "product_uuid"),
        ("network.device", "address"),
        ("udev.device", "property.ID_SERIAL_SHORT"),
        ("udev.device", "property.DEVLINKS"),
        ("udev.device", "property.ID_NET_NAME_MAC"),
    ],
)
def test_values_that_stand_where_secrets_or_names_of_machines_do(feature, element):
    assert redact.sensitive(feature, element)


@pytest.mark.parametrize(
    ("feature", "element"),
    [
        ("kernel.cmdline", "intel_iommu"),
        ("kernel.config", "SERIAL_8250"),
        ("kernel.version", "full"),
        ("pci.device", "address"),
        ("kernel.module", "parameter.passes"),
        ("kernel.sysctl", "net.ipv4.ip_forward"),
        ("system.dmiid", "product_name"),
        ("nvidia.driver", "version"),
    ],
)
def test_values_that_a_bug_report_is_for(feature, element):
    assert not redact.sensitive(feature, element)


def test_a_recorded_host_stays_one():
    from hostfit.facts.recorded import Recorded

    recording = {
        "version": "hostfit.facts/v1",
        "flags": {"kernel.loadedmodule": {"elements": {"gtp5g": {}}}},
        "attributes": {"kernel.cmdline": {"elements": {"ro": "", "token": "hunter2"}}},
        "instances": {
            "network.device": {"elements": [{"attributes": {"name": "eth0", "address": "00:11:22:33:44:55"}}]}
        },
        "unknown": {},
    }

    clean = redact.facts(recording)

    assert Recorded.load(json.dumps(clean).encode())
    assert clean["attributes"]["kernel.cmdline"]["elements"] == {"ro": "", "token": OUT}
    assert clean["instances"]["network.device"]["elements"][0]["attributes"] == {"name": "eth0", "address": OUT}


def test_what_a_decision_says_about_the_environment_is_left_out_wherever_it_is_repeated():
    leaf = {"feature": "request.env", "element": "MODE", "required": "= fast", "observed": "swordfish"}
    kept = {"feature": "kernel.version", "element": "full", "required": ">= 5", "observed": "4.19"}
    report = {
        "line": "hostfit: x does not fit this host: request.env MODE: required = fast, found swordfish",
        "documents": [{"sets": [{"rules": [{"expressions": [leaf, kept], "any": [[leaf]]}]}]}],
    }

    clean = json.dumps(redact.decision(report))

    assert "swordfish" not in clean
    assert "= fast" not in clean
    assert "4.19" in clean
    assert "request.env MODE" in clean


def test_lines_of_a_decision_say_nothing_of_what_is_sensitive():
    """Neither in the characters that engines are shown, nor in a runtime's own requirements."""
    report = {
        "line": "hostfit: a does not fit: kernel.cmdline rd.luks.key: required x, found P\\xe4sswort-1234 (+1)",
        "documents": [
            {"feature": "kernel.cmdline", "element": "rd.luks.key", "required": "x", "observed": "P\u00e4sswort-1234"}
        ],
        "candidates": [
            {"reason": "requires: kernel.module gtp5g: required loaded, found absent"},
            {"reason": "requires: site.my-facts.x_y password: required a, found hunter2"},
            {"reason": "requires: cpu.count online: found 2; kernel.cmdline sitekey: required a, found hunter2"},
        ],
    }

    found = redact.decision(report)

    assert "sswort" not in json.dumps(found)
    assert "hunter2" not in json.dumps(found)
    assert found["candidates"][0] == report["candidates"][0]
