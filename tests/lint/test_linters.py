"""The whole tree passes the linters and the type checker; all their settings are in pyproject.toml."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tool(name):
    """Find a linter beside the interpreter that runs the tests, or on PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: pip install '.[test]'")
    return found


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--check", "."),
        ("mypy", "--no-incremental", "--cache-dir=/dev/null"),
        ("lint-imports", "--no-cache"),
    ],
    ids=["ruff check", "ruff format", "mypy --strict", "rooms"],
)
def test_linter_finds_nothing(command):
    program, *arguments = command
    done = subprocess.run(
        [tool(program), *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src"), "HOME": "/nonexistent"},
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_ignored_finding_has_a_reason():
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("hooks/*")])
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        for mark in ("# noqa", "# type: ignore")
        if mark in line and path != Path(__file__) and not _reason(line.split(mark, 1)[1])
    ]

    assert bare == []


def _reason(rest):
    """What stands behind the codes of an ignore comment, without its separator."""
    words = [word for word in rest.replace("]", "] ").split() if not word.strip(":,[]-").isupper()]
    return [word for word in words if word.strip("-#:") and not word.startswith(("[", ":"))]


def test_files_stay_small():
    """Median about 150 lines; past 400 there are two things in a file."""
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in ROOT.glob("src/hostfit/**/*.py")
    }
    ordered = sorted(sizes.values())

    assert {name: size for name, size in sizes.items() if size > 400} == {}
    assert ordered[len(ordered) // 2] <= 160


def test_every_file_says_in_its_first_line_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py")])
        if not path.read_text().startswith(('"""', 'r"""', "#!"))
    ]

    assert silent == []
