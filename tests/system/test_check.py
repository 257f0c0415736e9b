"""`hostfit check IMAGE` before anything is started: the image is found in whatever local store has it (SA1)."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(params=["podman", "containerd", "docker"])
def only(request, images, host):
    """Give an image of the bed a name that one store alone has; gives that name."""
    engine = request.getfixturevalue(request.param)

    def only(tag):
        name = f"localhost/hostfit/{tag}-of-{request.param}:1"
        tagging = ("images", "tag", "--force") if request.param == "containerd" else ("tag",)
        engine(*tagging, images.built[tag].name, name, check=True)
        return name

    return only


def check(host, *words):
    done = host.hostfit("check", "--format", "json", *words)
    return done.code, json.loads(done.out) if done.out else done.err


@pytest.mark.parametrize(("tag", "code"), [("labelled-fits", 0), ("labelled-module", 1), ("labelled-newer", 3)])
def test_exit_code_says_the_verdict(only, host, tag, code):
    name = only(tag)

    found, report = check(host, name)

    assert found == code, report
    assert report["verdict"] == {0: "fit", 1: "misfit", 3: "unknown"}[code]
    assert report["image"]["name"] == name


def test_broken_spec_ends_with_5(podman, images, host):
    code, report = check(host, images.built["broken"].name)

    assert (code, report["verdict"]) == (5, "invalid")


def test_text_starts_with_the_line_that_an_engine_would_show(podman, images, host):
    done = host.hostfit("check", images.built["module"].name)

    assert done.code == 1
    assert done.out.splitlines()[0] == (
        f"hostfit: {images.built['module'].name} does not fit this host: kernel.loadedmodule gtp5g: "
        "required present, found absent"
    )


def test_image_of_no_store_is_a_usage_error(podman, containerd, host):
    done = host.hostfit("check", "localhost/hostfit/nowhere:1")

    assert done.code == 2
    assert "localhost/hostfit/nowhere:1" in done.err


def test_check_of_a_bundle_agrees_with_the_start_of_its_container(bare, host):
    bundle = bare.bundle("hf-check-bundle", annotations={"io.hostfit.require": "kernel.loadedmodule.gtp5g exists"})
    started = bare.start("/opt/hostfit/bin/hostfit-runtime", bundle, "hf-check-bundle")

    code, report = check(host, "--bundle", str(bundle))

    assert (started.code, code) == (1, 1)
    assert report["verdict"] == "misfit"


def test_recorded_host_stands_in_for_this_one(podman, images, host, room):
    """SA4, SA5: the same image on the host as it was recorded, whatever this host has become since."""
    host.hostfit("facts", "--output", "/run/recorded.json", check=True)
    room.set_sysctl("net.ipv4.ip_forward", 1)

    here, _ = check(host, images.built["sysctl"].name)
    there, report = check(host, images.built["sysctl"].name, "--facts", "/run/recorded.json")

    assert (here, there) == (0, 1), report
