"""The documents of the tree, as what they are: text to be held against the code."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tree():
    """The top of the source tree."""
    return ROOT
