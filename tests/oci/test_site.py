"""The rare branches find third-party packages under `-I -S`, and no directory of a user's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
PROGRAM = (
    "import sys; sys.path.append(sys.argv[1])\n"
    "from hostfit.oci import site\n"
    "try:\n    import yaml\nexcept ImportError:\n    print('not before')\n"
    "site.enable(); site.enable()\n"
    "import yaml, jsonschema, pyudev, pyroute2\n"
    "print(len(sys.path) == len(set(sys.path)), [p for p in sys.path if 'home' in p or '.local' in p])\n"
)


@pytest.mark.parametrize("interpreter", ["/usr/bin/python3", sys.executable])
def test_packages_are_found_once_enabled_and_not_before(interpreter, tmp_path):
    done = subprocess.run(
        [interpreter, "-IS", "-W", "ignore", "-c", PROGRAM, SOURCE], capture_output=True, text=True, check=False,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip

    assert done.stdout == "not before\nTrue []\n", done.stderr
