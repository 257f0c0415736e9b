"""A source release holds what distributions package, and what is built from it alone is complete."""

from __future__ import annotations

import os
import zipfile

import pytest
from hostfit_bed import product
from hostfit_bed.command import run

PYTHON = product.BIN / "python"
BUILD = "import sys, setuptools.build_meta as backend; print(getattr(backend, sys.argv[1])(sys.argv[2]))"


@pytest.fixture(scope="module")
def source(room, tmp_path_factory):
    """The unpacked source release."""
    work = tmp_path_factory.mktemp("release")
    tree = product.copy_tree(work / "tree")
    room.run(["env", "-C", tree, PYTHON, "-c", BUILD, "build_sdist", work], check=True)
    (archive,) = work.glob("hostfit-*.tar.gz")
    (work / "unpacked").mkdir()
    run(["tar", "--extract", "--file", archive, "--directory", work / "unpacked"], check=True)
    return work / "unpacked" / archive.name.removesuffix(".tar.gz")


def build(room, source, directory, **environ):
    """Build a wheel from it; pip fetches what pyproject.toml says that a build needs."""
    pip = [room.opt / "hostfit" / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps"]
    run([*pip, "--wheel-dir", directory, source], check=True, timeout=600, env=product.network() | environ)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(room, source):
    return build(room, source, source.parent)


@pytest.mark.parametrize(
    "path",
    [
        "LICENSE", "CHANGELOG.md", "SECURITY.md", "README.md", "Makefile", "setup.py", "src/hostfit/py.typed",
        "hooks/50-hostfit.json", "hooks/hostfit-hook", "src/launcher/hostfit-runtime", "systemd/hostfit.catalog",
        "packaging/man/build.py", "packaging/man/hostfit.1.md", "packaging/demo/demo",
    ],
)  # fmt: skip
def test_source_release_holds(source, path):
    assert (source / path).is_file()


def test_source_release_holds_no_compiled_files(source):
    assert list(source.rglob("*.pyc")) == []


@pytest.mark.parametrize(
    "path",
    [
        "hostfit/py.typed", "hostfit/cli/schema/report-v1.schema.json", "hostfit/core/schema/spec-v1alpha1.schema.json",
        "data/scripts/hostfit-runtime", "data/scripts/hostfit-hook", "dist-info/entry_points.txt", "/LICENSE",
    ],
)  # fmt: skip
def test_wheel_built_from_it_holds(wheel, path):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(path) for name in names), names


def test_wheel_holds_no_caches(wheel):
    assert [name for name in zipfile.ZipFile(wheel).namelist() if "__pycache__" in name] == []


def test_wheel_is_for_one_architecture_only_with_the_launcher_in_it(room, source, wheel, tmp_path):
    """A compiler without a static C library builds none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cc", "musl-gcc"):
        compiler = folder / name
        compiler.write_text('#!/bin/sh\ncase " $* " in *" -static "*) exit 1 ;; esac\nexec /usr/bin/cc "$@"\n')
        compiler.chmod(0o755)
    without = build(room, source, tmp_path, PATH=f"{folder}:{os.environ['PATH']}")
    found = [zipfile.ZipFile(one) for one in (wheel, without)]
    starts = [one.read(name)[:2] for one in found for name in one.namelist() if name.endswith("scripts/hostfit-hook")]

    assert starts == [b"\x7fE", b"#!"]
    assert wheel.name.endswith(f"linux_{os.uname().machine}.whl")
    assert without.name.endswith("-py3-none-any.whl")


def test_library_works_where_it_is_installed(room):
    code = (
        "import hostfit; print([name for name in hostfit.__all__ if getattr(hostfit, name) is None], hostfit.VERSION)"
    )

    done = room.run(["env", "-C", "/", PYTHON, "-I", "-c", code], check=True)

    assert done.out.startswith("[] 0.")


def test_installation_joins_the_hot_path(room):
    """What setup.py adds is there where a user installs, too."""
    from hostfit.runtime.preload import PASS, REST, START

    found = room.run(["find", "/opt/hostfit/lib", "-path", "*/hostfit/*"], check=True).out.split()

    assert {f"{PASS}.pyc", f"{START}.pyc", REST} <= {path.rpartition("/")[2] for path in found}
