"""Builds the distribution packages from this tree or a copy of it that says another version."""

from __future__ import annotations

import re
from pathlib import Path

from hostfit_bed.booted import cached_root
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


def build_in(release, target):
    """Build and lint the Debian package with the tools of a release, in a root file system of its own."""
    if run(["sh", "-c", '. /etc/os-release; [ "$VERSION_CODENAME" = "$1" ]', "sh", release]).code == 0:
        return build("deb", target)
    lower, work = cached_root(release, "build"), Path(target)
    for name in ("upper", "work", "root"):
        (work / name).mkdir(parents=True)
    run([TREE / "packaging" / "dev" / "stage", work / "tree"], check=True)
    script = (
        'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root" && '
        'mount -t proc proc "$2/root/proc" && mount --rbind /dev "$2/root/dev" && mount --bind "$2" "$2/root/mnt" && '
        'exec chroot "$2/root" /mnt/tree/packaging/build-deb /mnt/built'
    )
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", lower, work]
    run(inside, check=True, timeout=900)
    (built,) = (work / "built").glob("hostfit_[0-9]*.deb")
    return built


def tree_of(version, target):
    """Copy what a release holds, as that of another version."""
    run([TREE / "packaging" / "dev" / "stage", target], check=True)
    for name in ("src/hostfit/version.py", "packaging/debian/changelog", "packaging/rpm/hostfit.spec"):
        path = Path(target) / name
        text = path.read_text()
        assert VERSION in text, name
        if version != VERSION:
            # No two versions are of the same time: Python goes by a file's time and size.
            text = text.replace("Mon, 30 Nov 2026", "Sun, 29 Nov 2026").replace("Mon Nov 30 2026", "Sun Nov 29 2026")
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
