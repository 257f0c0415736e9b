"""Hosts of the test's own below a directory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BED = str(Path(__file__).resolve().parents[2] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed.hosttree import HostTree  # noqa: E402 - the bed lies beside the tests, not on the path


@pytest.fixture
def make_host(tmp_path):
    """Make a host with some engines."""
    return lambda *engines: HostTree(tmp_path / "host", *engines)
