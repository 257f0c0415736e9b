"""The documents of the tree, as what they are: text to be held against the code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BED = str(ROOT / "tests" / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)


@pytest.fixture(scope="session")
def tree():
    """The top of the source tree."""
    return ROOT
