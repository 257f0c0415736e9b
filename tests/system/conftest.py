"""Fixtures of the system tests: one room for the session with every engine in it and hostfit installed by pip."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BED = str(Path(__file__).resolve().parents[1] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed import catalogue, product  # noqa: E402 - the bed lies beside the tests, not on the path
from hostfit_bed.command import need, need_root  # noqa: E402 - see above
from hostfit_bed.engines import Bare, Containerd, Docker, Podman, furnish  # noqa: E402 - see above
from hostfit_bed.host import Host  # noqa: E402 - see above
from hostfit_bed.images import Images  # noqa: E402 - see above
from hostfit_bed.journal import Journal  # noqa: E402 - see above
from hostfit_bed.room import Room  # noqa: E402 - see above
from hostfit_bed.ways import NAMES, WAYS  # noqa: E402 - see above


def pytest_collection_modifyitems(items):
    """Everything in this directory is a system test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def room(tmp_path_factory):
    need_root()
    need("unshare", "nsenter", "ip")
    room = Room()
    try:
        furnish(room)
        product.pip_install(room.opt, tmp_path_factory.mktemp("build"))
        product.links(room.opt)
        product.hook_definition(room)
        yield room.start()
    finally:
        room.stop()


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    need("umoci", "skopeo", "busybox")
    images = Images(tmp_path_factory.mktemp("images"))
    catalogue.build(images)
    return images


@pytest.fixture(scope="session")
def _journal(room):
    journal = Journal(room.run_dir)
    yield journal
    journal.close()


@pytest.fixture
def journal(_journal):
    """What the host's journal is sent during one test."""
    _journal.forget()
    return _journal


@pytest.fixture
def host(room, journal):
    """The administrator's side of one test: policy, specs, kept reports; every test starts without any of them."""
    host = Host(room)
    host.reset()
    yield host
    host.reset()


@pytest.fixture(scope="session")
def podman(room, images):
    podman = Podman(room)
    for image in images.single():
        podman.load(image)
    return podman


@pytest.fixture(scope="session")
def containerd(room, images):
    containerd = Containerd(room)
    for image in images.single():
        containerd.load(image)
    containerd.load(images.built["levels"], platform="linux/amd64/v3")
    return containerd


@pytest.fixture(scope="session")
def docker(room, images, containerd):
    docker = Docker(room, {"crun": "/usr/bin/crun", "hostfit": product.RUNTIME, "hostfit-crun": product.RUNTIME_CRUN})
    for image in images.single():
        docker.load(image)
    return docker


@pytest.fixture(scope="session")
def bare(room, images, tmp_path_factory):
    return Bare(room, images, tmp_path_factory.mktemp("bare") / "bundles")


@pytest.fixture(params=NAMES)
def way(request, images, host):
    """One engine over one OCI runtime, each in turn."""
    engine, _, runtime = request.param.partition("-")
    return WAYS[engine](request.getfixturevalue(engine), images, runtime)
