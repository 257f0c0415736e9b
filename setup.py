"""What pyproject.toml cannot say: an installation joins the modules of the hot path (hostfit.runtime.join)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


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


# A table in pyproject.toml is refused by setuptools from 2027 on, and a text by that of Debian 12.
setup(license="Apache-2.0", cmdclass={"build_py": BuildAndJoin})
