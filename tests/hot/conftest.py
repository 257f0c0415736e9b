"""An installed tree: the package copied, compiled and joined as an installation does it, and its launchers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"


class Tree:
    """One installation below `top`."""

    def __init__(self, top):
        self.top, self.lib = top, top / "lib"
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / "src/hostfit", self.lib / "hostfit", ignore=ignored)
        subprocess.run([PYTHON, "-m", "compileall", "-q", self.lib], check=True)
        (top / "run").mkdir()
        top.chmod(0o755)

    def join(self):
        command = [PYTHON, "-m", "hostfit.runtime.join", self.lib / "hostfit"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.lib)
        return self

    def launcher(self, name, *added):
        """Write a launcher of this tree; `added` lines stand before its last one."""
        source = ROOT / ("hooks" if name == "hostfit-hook" else "src/launcher") / name
        lines = source.read_text().splitlines()
        paths = f'PATHS = ("{self.top}/etc", "{self.top}/run", "{self.top}/var")'
        lines = [paths if one.startswith("PATHS =") else one for one in lines]
        lines = [f'PLACES = ["{self.lib}"]' if one.startswith("PLACES =") else one for one in lines]
        made = self.top / name
        made.write_text("\n".join([*lines[:-1], *added, lines[-1]]) + "\n")
        made.chmod(0o755)
        return made


@pytest.fixture(scope="session")
def plain_tree(tmp_path_factory):
    """A tree whose modules are imported one by one."""
    return Tree(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A tree whose hot modules are joined."""
    return Tree(tmp_path_factory.mktemp("joined")).join()
