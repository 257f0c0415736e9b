"""The `nfd` column of the vectors is what Node Feature Discovery itself answers.

NFD's own packages evaluate every vector, in a program built from `nfd_oracle` into a cache outside the tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCE = HERE / "nfd_oracle"
VECTORS = HERE.parent / "core" / "vectors"

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def oracle():
    """The program, built once for each state of its sources."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    sources = sorted(SOURCE.iterdir())
    state = hashlib.sha256(b"".join([one.read_bytes() for one in sources])).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hostfit-tests"
    program = cache / f"nfd-oracle-{state}"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = cache / f"{program.name}.{os.getpid()}"
        command = ["go", "build", "-mod=readonly", "-o", str(fresh), "."]
        built = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
        fresh.replace(program)
    return program


@pytest.mark.parametrize("place", sorted(VECTORS.glob("*.json")), ids=lambda place: place.stem)
def test_nfd_answers_what_the_vectors_say(oracle, place):
    text = place.read_text(encoding="utf-8")
    done = subprocess.run([oracle], input=text, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == {vector["id"]: vector["nfd"]["result"] for vector in json.loads(text)}
