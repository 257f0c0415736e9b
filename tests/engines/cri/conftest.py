"""Fixtures of the tests on CRI: containerd of each release, opened once, with the images that their pods use."""

from __future__ import annotations

import shutil

import pytest
from hostfit_bed import gotools
from hostfit_bed.catalogue import FITS, MODULE, REQUIRE
from hostfit_bed.command import need, run
from hostfit_bed.cri import RELEASES, Cri, furnish
from hostfit_bed.images import Images
from hostfit_bed.room import Room

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
"""
GROUP = "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"


@pytest.fixture(scope="session")
def pod_images(tmp_path_factory):
    """`pause` for sandboxes, `tools` with every applet and some users, and two that ask for something."""
    need("umoci", "skopeo", "busybox")
    directory = tmp_path_factory.mktemp("pod-images")
    applets, settings = directory / "bin", directory / "etc"
    applets.mkdir()
    settings.mkdir()
    shutil.copy("/bin/busybox", applets)
    for name in run(["busybox", "--list"], check=True).out.split():
        if name != "busybox":
            (applets / name).symlink_to("busybox")
    (settings / "passwd").write_text(PASSWD)
    (settings / "group").write_text(GROUP)
    images = Images(directory / "images")
    images.add("pause", command=["/bin/sh", "-c", "exec sleep 2147483647"])
    images.add("tools", command=["/bin/sh"], files={"/bin": applets, "/etc": settings})
    images.add("fits", annotations={REQUIRE: FITS})
    images.add("module", annotations={REQUIRE: MODULE})
    images.add("cpus", annotations={REQUIRE: "cpu.count.online >=1000000"})
    return images


@pytest.fixture(scope="session")
def engine_of(pod_images):
    """Give the engine of a release; it is started when it is first asked for."""
    engines, rooms = {}, []

    def engine_of(release):
        if release not in engines:
            room = Room()
            rooms.append(room)
            furnish(room, release)
            shutil.copytree(gotools.built("critest"), room.opt / "tools", dirs_exist_ok=True)
            engines[release] = Cri(room.start(), release)
            for image in pod_images.built.values():
                engines[release].load(image)
        return engines[release]

    def clear():
        for engine in engines.values():
            if engine.left():
                engine("rmp", "-a", "-f")

    engine_of.clear = clear
    yield engine_of
    for room in reversed(rooms):
        room.stop()


@pytest.fixture(autouse=True)
def _no_pod_stays(engine_of):
    """What a test that failed has left behind is none of the next one's."""
    yield
    engine_of.clear()


@pytest.fixture(params=RELEASES)
def cri(request, engine_of):
    """The engine of each release in turn."""
    return engine_of(request.param)
