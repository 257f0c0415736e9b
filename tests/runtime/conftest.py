"""Entry points with other places, each once in Python alone and once with the native launcher in front."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hostfit.core.paths import Paths

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bed"))

from hostfit_bed.entries import (
    FALLBACK,
    HOOK,
    ROOT,
    SHIM,
    WRAPPER,
    Installation,
    Native,
    bundle,
    compiled_probe,
    native,
    need_root,
    probe,
)

__all__ = [
    "FALLBACK",
    "HOOK",
    "ROOT",
    "SHIM",
    "WRAPPER",
    "bundle",
    "compiled_probe",
    "native",
    "need_root",
    "place",
    "probe",
]


@pytest.fixture(params=["script", "native"])
def place(request, tmp_path):
    """An installation, once of the scripts and once with the native launcher in front."""
    if request.param == "script":
        return Installation(tmp_path)
    return Native(tmp_path, *request.getfixturevalue("native"))


def call(launcher, *words, **options):
    return subprocess.run([launcher, *words], capture_output=True, check=False, stdin=subprocess.DEVNULL, **options)


def paths(place):
    return Paths(str(place.etc), str(place.run), str(place.var))
