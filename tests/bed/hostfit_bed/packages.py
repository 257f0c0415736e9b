"""Builds the distribution packages from this tree or a copy of it that says another version."""

from __future__ import annotations

import re
from pathlib import Path

from hostfit_bed.command import ENVIRONMENT, need, run
from hostfit_bed.room import TREE

TOOLS = {
    "deb": ("dpkg-buildpackage", "dh_python3", "lintian", "go-md2man"),
    "rpm": ("rpmbuild", "rpmlint", "go-md2man"),
}
VERSION = re.search(r'^VERSION = "(.*)"$', (TREE / "src/hostfit/version.py").read_text(), re.MULTILINE)[1]


def build(kind, target, *, tree=TREE, checked=True, **environment):
    """Build a package into the directory `target`, by default with its linter; gives the path of the binary one."""
    need(*TOOLS[kind])
    env = ENVIRONMENT | {"TMPDIR": "/tmp"} | environment
    words = [] if checked else ["unchecked"]
    run([tree / "packaging" / f"build-{kind}", target, *words], check=True, timeout=600, env=env)
    (built,) = [one for one in Path(target).glob(f"hostfit[_-][0-9]*.{kind}") if not one.name.endswith(".src.rpm")]
    return built


def tree_of(version, target):
    """Copy what a release holds, as that of another version."""
    run([TREE / "packaging" / "dev" / "stage", target], check=True)
    for name in ("src/hostfit/version.py", "packaging/debian/changelog", "packaging/rpm/hostfit.spec"):
        path = Path(target) / name
        text = path.read_text()
        assert VERSION in text, name
        path.write_text(text.replace(VERSION, version))
    return Path(target)


def unpack(package, target):
    """Lay a package's files into a directory without installing it."""
    target.mkdir()
    if package.suffix == ".deb":
        run(["dpkg-deb", "--extract", package, target], check=True)
    else:
        run(["sh", "-c", 'rpm2cpio "$1" | cpio --quiet -id -D "$2"', "sh", package, target], check=True)
    return target
