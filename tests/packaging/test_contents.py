"""Both packages hold what design and manual promise at its place, and nothing that is active by itself."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from hostfit_bed.packages import VERSION
from hostfit_bed.room import TREE

from hostfit.cli.main import COMMANDS
from hostfit.core.decision import Knobs
from hostfit.core.paths import Paths
from hostfit.policy import load

pytestmark = pytest.mark.system

PROGRAMS = (
    "/usr/bin/hostfit",
    "/usr/bin/hostfit-runtime",
    "/usr/bin/containerd-shim-hostfit-v2",
    "/usr/libexec/oci/hooks.d/hostfit-hook",
    "/usr/libexec/hostfit/hostfitd",
)
FILES = (
    "/etc/hostfit/hostfit.toml",
    "/usr/share/hostfit/hooks/50-hostfit.json",
    "/usr/share/hostfit/hostfit/py.typed",
    "/usr/share/hostfit/hostfit/core/schema/spec-v1alpha1.schema.json",
    "/usr/lib/systemd/catalog/hostfit.catalog",
    "/usr/lib/tmpfiles.d/hostfit.conf",
    "/usr/lib/sysusers.d/hostfit.conf",
    "/usr/lib/systemd/system-preset/50-hostfit.preset",
    "/usr/share/bash-completion/completions/hostfit",
    "/usr/share/fish/vendor_completions.d/hostfit.fish",
)
DIRECTORIES = tuple([f"/etc/hostfit/{name}" for name in ("conf.d", "facts.d", "images.d", "vocabulary.d")])
PAGES = (
    "hostfit.1", "hostfit.7", "hostfit.toml.5", "hostfit-spec.7", "hostfit-facts.7", "hostfit-runtime.8",
    "containerd-shim-hostfit-v2.8", "hostfit-hook.8", "hostfitd.8", *[f"hostfit-{name}.1" for name in COMMANDS],
)  # fmt: skip


def below(root, path):
    """A path of the package, links followed inside it."""
    place = root / path.lstrip("/")
    return place.resolve() if place.is_symlink() else place


@pytest.mark.parametrize("path", PROGRAMS)
def test_program_is_there_for_everybody_and_only_root_can_change_it(unpacked, path):
    program = below(unpacked, path)

    assert program.is_relative_to(unpacked)
    assert program.stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("path", FILES)
def test_file_is_there(unpacked, path):
    assert below(unpacked, path).stat().st_mode & 0o7777 == 0o644


def test_units_are_there(unpacked):
    """Debian 12 has them below /lib, which is /usr/lib on the host."""
    found = {path.name for top in ("lib", "usr/lib") for path in unpacked.glob(f"{top}/systemd/system/*")}

    assert found == {path.name for kind in ("service", "timer", "path") for path in TREE.glob(f"systemd/*.{kind}")}


@pytest.mark.parametrize("path", DIRECTORIES)
def test_directory_of_the_administrator_is_there_and_empty(unpacked, path):
    assert list(below(unpacked, path).iterdir()) == []


@pytest.mark.parametrize("page", PAGES)
def test_man_page_is_there(unpacked, page):
    assert (unpacked / f"usr/share/man/man{page[-1]}/{page}.gz").is_file()


@pytest.mark.parametrize("name", ["CHANGELOG.md", "README.md", "SECURITY.md"])
def test_document_is_there(unpacked, name):
    """Changelogs of both packages say no more than where to read on."""
    assert len(list(unpacked.glob(f"usr/share/doc/**/{name}*"))) == 1


def test_zsh_finds_the_completion_where_the_distribution_looks(unpacked, package):
    directory = "vendor-completions" if package.suffix == ".deb" else "site-functions"

    assert (unpacked / "usr/share/zsh" / directory / "_hostfit").is_file()


def test_nobody_but_root_may_write_to_anything(unpacked):
    loose = [
        path for path in [*unpacked.rglob("*")]
        if not path.is_symlink() and path.stat().st_mode & 0o7022
    ]  # fmt: skip

    assert loose == []


def test_no_engine_is_changed(unpacked):
    """Podman runs whatever lies in its directories of hooks, and every engine reads its own directory of /etc."""
    outside = {str(path.relative_to(unpacked)) for path in unpacked.glob("etc/*")}

    assert outside == {"etc/hostfit"}
    assert not (unpacked / "usr/share/containers").exists()


def test_hook_definition_names_the_program_of_the_package(unpacked):
    definition = json.loads((unpacked / "usr/share/hostfit/hooks/50-hostfit.json").read_text())

    assert below(unpacked, definition["hook"]["path"]).is_file()


def test_no_compiled_code_is_shipped(unpacked):
    """It is made on the host, for the Python that is there."""
    assert [path for path in unpacked.rglob("*") if path.suffix == ".pyc" or path.name == "__pycache__"] == []


def test_configuration_changes_nothing_and_shows_what_holds_without_it(unpacked, tmp_path):
    shipped = (unpacked / "etc/hostfit/hostfit.toml").read_text()
    paths = Paths(etc=str(tmp_path), run=str(tmp_path / "run"), var=str(tmp_path / "var"))

    for text in (shipped, re.sub(r"^#(?=[\[\w])", "", shipped, flags=re.MULTILINE)):
        (tmp_path / "hostfit.toml").write_text(text)
        assert load.load(paths).base == Knobs()
    assert [knob for knob in Knobs.__slots__ if f"#{knob} = " not in shipped] == []


def test_command_line_says_the_version_of_the_package(unpacked, package):
    done = subprocess.run(
        ["/usr/bin/python3", "-B", "-m", "hostfit.cli.main", "--version"],
        env={"PYTHONPATH": str(unpacked / "usr/share/hostfit")}, cwd="/", capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == f"hostfit {VERSION}\n"
    assert VERSION in package.name


def test_every_package_that_the_code_needs_is_named_in_both():
    import tomllib

    names = {"PyYAML": ("python3-yaml", "python3-pyyaml")}
    control = (TREE / "packaging/debian/control").read_text()
    spec = (TREE / "packaging/rpm/hostfit.spec").read_text()
    for wanted in tomllib.loads((TREE / "pyproject.toml").read_text())["project"]["dependencies"]:
        name, _, version = wanted.partition(">=")
        debian, fedora = names.get(name, (f"python3-{name}",) * 2)
        assert f"\n {debian} (>= {version}),\n" in control
        assert re.search(rf"^Requires: +{fedora} >= {re.escape(version)}$", spec, re.MULTILINE)
