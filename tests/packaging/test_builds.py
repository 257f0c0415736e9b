"""The packages are clean by each distribution's own linter, and the same bytes wherever and whenever they are built."""

from __future__ import annotations

import hashlib
import os

import pytest
from hostfit_bed import packages
from hostfit_bed.command import run
from hostfit_bed.room import TREE

pytestmark = pytest.mark.system

SAME = {"deb": ("*.deb", "*.dsc", "*.tar.xz"), "rpm": ("*.rpm",)}


def sums(directory, patterns):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in patterns
        for path in directory.glob(pattern)
    }


def test_built_elsewhere_and_later_it_is_the_same_to_the_byte(package, tmp_path):
    kind = package.suffix[1:]
    tree = packages.tree_of(packages.VERSION, tmp_path / "a tree of another name")
    for path in tree.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    elsewhere = tmp_path / "another-place-for-temporary-files"
    elsewhere.mkdir()

    again = packages.build(
        kind,
        tmp_path / "again",
        tree=tree,
        checked=False,
        TMPDIR=str(elsewhere),
        TZ="Asia/Tokyo",
        LC_ALL="C",
        LANG="de_DE.UTF-8",
    )

    assert sums(again.parent, SAME[kind]) == sums(package.parent, SAME[kind])


def test_debian_source_package_holds_what_its_build_needs(deb, tmp_path):
    (source,) = deb.parent.glob("*.dsc")
    run(["dpkg-source", "--extract", source, tmp_path / "source"], check=True)

    assert (tmp_path / "source" / "debian" / "control").is_file()
    assert (tmp_path / "source" / "packaging" / "install").is_file()


def test_nothing_is_overridden():
    assert list(TREE.glob("packaging/debian/**/*lintian-overrides")) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("packaging/debian/changelog", "hostfit ({}) unstable;"),
        ("packaging/rpm/hostfit.spec", "\nVersion:        {}\n"),
        ("packaging/rpm/hostfit.spec", "<maintainers@hostfit.io> - {}-1\n"),
    ],
)
def test_version_is_that_of_the_code(file, line):
    assert line.format(packages.VERSION) in (TREE / file).read_text()
