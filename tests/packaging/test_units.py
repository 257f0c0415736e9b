"""Units that are alike stay alike, and the names that README gives are those of what is built."""

from __future__ import annotations

import fnmatch
import platform

import pytest
from hostfit_bed.room import TREE


def service(name):
    """The lines of a unit's [Service] section, but for the command."""
    lines = (TREE / "systemd" / name).read_text().partition("[Service]\n")[2].splitlines()
    return [line for line in lines if not line.startswith("ExecStart=")]


def test_looking_up_all_images_and_new_ones_is_sandboxed_alike():
    everything, missing = service("hostfit-sync.service"), service("hostfit-sync-missing.service")

    assert everything == missing
    assert "NoNewPrivileges=yes" in missing


@pytest.mark.system
def test_readme_installs_what_is_built(package):
    lines = [line.partition("#")[0] for line in (TREE / "README.md").read_text().splitlines()]
    (said,) = [
        line.partition(" install ")[2].strip() for line in lines if line.startswith(f"make {package.suffix[1:]} &&")
    ]

    assert fnmatch.fnmatch(f"./dist/{package.name}", said.replace("$(uname -m)", platform.machine()))
