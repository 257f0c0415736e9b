"""The packages that distributions get, built once for all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BED = str(Path(__file__).resolve().parents[1] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed import packages  # noqa: E402 - the bed lies beside the tests, not on the path
from hostfit_bed.command import need_root  # noqa: E402 - see above


@pytest.fixture(scope="session")
def deb(tmp_path_factory):
    """The Debian package; building it fails if lintian finds anything."""
    need_root()
    return packages.build("deb", tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="session")
def rpm(tmp_path_factory):
    """The RPM package; building it fails if rpmlint finds anything."""
    need_root()
    return packages.build("rpm", tmp_path_factory.mktemp("rpm"))


@pytest.fixture(scope="session", params=["deb", "rpm"])
def package(request):
    """One package after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def unpacked(package, tmp_path_factory):
    """Its files, below a directory."""
    return packages.unpack(package, tmp_path_factory.mktemp("unpacked") / package.suffix[1:])
