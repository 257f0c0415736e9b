"""Lets tests import the tree they lie in, without an installation."""

from __future__ import annotations

import sys
from pathlib import Path

SOURCE = str(Path(__file__).resolve().parent.parent / "src")
if SOURCE not in sys.path:
    sys.path.insert(0, SOURCE)
