"""What pyproject.toml cannot say: an installation joins the modules of the hot path (hostfit.runtime.join), and where
there is a C compiler the native launcher takes the place of the scripts that engines execute.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

# isort: split
from distutils.command.build_scripts import build_scripts  # setuptools brings it, in every Python

NATIVE = ("hostfit-runtime", "hostfit-hook", "containerd-shim-hostfit-v2")
MADE = tempfile.TemporaryDirectory(prefix="hostfit-launcher-")
"""Gone when this process is."""


@functools.cache
def launcher() -> Path | None:
    """Build the native launcher, once; None without make, a C compiler or a static C library."""
    built = Path(MADE.name) / "hostfit-launcher"
    command = ["make", "-s", "-C", "src/launcher", f"OUT={built}", "FALLBACK=hostfit-fallback"]
    if not (shutil.which("cc") and shutil.which("make")) or subprocess.run(command, check=False).returncode != 0:
        return None
    return built


class BuildAndJoin(build_py):
    """Copies the package as always, then writes the joined files beside it for the Python that builds."""

    def run(self) -> None:
        """Build; a tree that is installed to be edited stays as it is, for joined code would not follow the edits."""
        super().run()
        if not getattr(self, "editable_mode", False):
            library = Path(self.build_lib).resolve()
            subprocess.run(
                [sys.executable, "-B", "-m", "hostfit.runtime.join", str(library / "hostfit")], cwd=library, check=True
            )


class BuildLauncher(build_scripts):
    """Copies the scripts, then puts the launcher in the place of those that it stands in front of."""

    def run(self) -> None:
        """Build; where the launcher cannot be built the scripts stay."""
        self.force = True  # else an earlier build's launcher would stay in their place
        super().run()
        built = launcher()
        if built is None:
            self.warn("the native launcher was not built; the scripts are installed, which do the same more slowly")
            return
        for name in NATIVE:
            shutil.copy2(built, Path(self.build_dir) / name)


class HostfitDistribution(Distribution):
    """A wheel with the launcher in it is for one architecture, and one without it for all."""

    def has_ext_modules(self) -> bool:
        """Whether it is for one."""
        return launcher() is not None


setup(
    # A table in pyproject.toml is refused by setuptools from 2027 on, and a text by that of Debian 12.
    license="Apache-2.0",
    cmdclass={"build_py": BuildAndJoin, "build_scripts": BuildLauncher},
    distclass=HostfitDistribution,
)
