"""README.md says what is so: its commands run, its files are valid, its refusal is what hostfit prints.

What needs engines is in tests/system/test_readme.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from hostfit_bed.readme import Readme

MARKS = {
    "", "attach", "capture", "make", "package", "install", "podman", "ctr", "clauses", "run", "why", "python",
    "refusal", "flow", "setup",
}  # fmt: skip


@pytest.fixture(scope="module")
def readme():
    return Readme()


@pytest.fixture
def place(readme, tmp_path, monkeypatch):
    """A directory with the README's files in it, in which `hostfit` and `python3` are this tree's."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "hostfit").write_text(f'#!/bin/sh\nexec {sys.executable} -m hostfit.cli.main "$@"\n')
    (commands / "hostfit").chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    return readme.write(tmp_path)


def run(command, directory, tree):
    environment = os.environ | {"PYTHONPATH": str(tree / "src")}
    return subprocess.run(
        command,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        shell=isinstance(command, str),
    )


def test_every_block_is_known_to_a_test(readme):
    assert {mark for mark, _, _ in readme.blocks if not mark.startswith("file: ")} == MARKS - {""}


def test_the_commands_run_in_their_order(readme, place, tree):
    commands = readme.commands("run")
    done = {command: run(command, place, tree) for command in commands}

    assert commands[0] == "hostfit lint upf.yaml"
    for command in commands[:-1]:
        assert (done[command].returncode, done[command].stderr) == (0, ""), command
    assert done["hostfit lint upf.yaml"].stdout == "upf.yaml: valid\n"
    assert json.loads((place / "host.json").read_text())["version"] == "hostfit.facts/v1"
    # Whether this machine has gtp5g is not the README's to say; it fits, or does not, or nobody can tell.
    assert done[commands[-1]].returncode in (0, 1, 3)
    assert done[commands[-1]].stdout.startswith("hostfit: ")


def test_the_spec_is_attached(readme, place, tree, tmp_path):
    """To a layout instead of a registry that only the README has."""
    from hostfit_bed.layout import LayoutMaker

    layout = LayoutMaker(tmp_path / "layout")
    layout.tag("v4", layout.manifest())
    command, _ = readme.commands("attach")
    name = "registry.example/free5gc/upf:v4"
    done = run(command.replace(name, f"v4 --layout {layout.directory}"), place, tree)

    assert (done.returncode, ": attached sha256:" in done.stdout) == (0, True), done.stderr


def test_the_program_runs(readme, place, tree):
    done = run([sys.executable, "-c", readme.block("python")], place, tree)

    assert done.stdout.strip() in ("fit", "misfit", "unknown"), done.stderr
    assert (tree / "tests" / "library").is_dir()


def test_the_refusal_is_what_hostfit_prints(readme, place, tree):
    """The README's own images.d on a host of the fixtures that has no gtp5g."""
    from hostfit.core.image import Image, Resolution
    from hostfit.core.paths import Paths
    from hostfit.facts.host import Host
    from hostfit.gate import gate
    from hostfit.oci.request import Bundle, Request

    shown = readme.block("refusal").strip()
    name, container = re.fullmatch(r"hostfit: (\S+) does not .* \(hostfit why ([0-9a-f]{12})\)", shown).groups()
    (place / "etc").mkdir()
    shutil.copytree(place / "images.d", place / "etc" / "images.d")
    paths = Paths(etc=str(place / "etc"), run=str(place / "run"), var=str(place / "var"))
    host = Host(str(tree / "tests" / "hosts" / "ubuntu-20.04-5.4-without-gtp5g" / "root"), etc=paths.etc)
    request = Request(entry="hook", verb="create", id=container.ljust(64, "0"), bundle=Bundle("/b"), runtime="")
    image = Image(name=name, names=(name,), store="a store")

    report = gate.decide(request, paths, host=host, resolution=Resolution("", image))

    assert (report.line, report.starts) == (shown, False)


def test_the_clauses_are_valid(readme):
    from hostfit.core import flat
    from hostfit.facts import vocabulary

    key, _, clauses = readme.block("clauses").strip().partition(" = ")

    assert key == "io.hostfit.require"
    flat.parse(clauses, level="required", lookup=vocabulary.lookup, place="README", strict=True)


def test_the_configuration_is_valid_and_shows_the_defaults(readme, place, tree):
    from hostfit.core.decision import Knobs
    from hostfit.core.paths import Paths
    from hostfit.policy import load

    etc = place / "etc" / "hostfit"
    readme.write(etc, "hostfit.toml", "images.d/upf.yaml")
    done = run(["hostfit", "--prefix", place, "lint"], place, tree)
    policy = load.load(Paths(etc=str(etc), run=str(place), var=str(place)))

    assert (done.returncode, done.stderr) == (0, "")
    assert policy.default == "crun"
    assert policy.base == Knobs()
    assert "refuses what does not fit and what is invalid, and warns about what it cannot\ndetermine" in readme.text
    assert (Knobs().on_misfit, Knobs().on_error, Knobs().on_unknown) == ("deny", "deny", "warn")


def test_the_runtimes_are_valid_and_the_pod_names_what_is_there(readme, place):
    import yaml

    from hostfit.core.paths import Paths
    from hostfit.policy import load
    from hostfit.sources import annotations

    etc = place / "etc" / "hostfit"
    (etc / "conf.d").mkdir(parents=True)
    (etc / "conf.d" / "runtimes.toml").write_text(readme.files()["runtimes.toml"])
    policy = load.load(Paths(etc=str(etc), run=str(place), var=str(place)))
    pod, runtime_class = yaml.safe_load_all(readme.files()["pod.yaml"])

    assert [rule.name for rule in policy.runtimes["runsc"].when] == ["tenants"]
    assert pod["metadata"]["annotations"][annotations.RUNTIME] in policy.allowed
    assert pod["spec"]["runtimeClassName"] == runtime_class["metadata"]["name"] == runtime_class["handler"]


def test_exit_codes_are_those_of_the_code(readme):
    from hostfit.core import errors

    text = " ".join(readme.text.split())

    assert "0 (fits), 1 (does not), 2 (usage or policy), 3 (unknown), 4 (internal error) or 5 (invalid spec)" in text
    assert (errors.UsageError.exit_code, errors.PolicyError.exit_code) == (2, 2)
    assert (errors.HostfitError.exit_code, errors.SpecError.exit_code) == (4, 5)


def test_every_engine_that_can_be_set_up_is_named(readme):
    from hostfit.cli.engines.engine import NAMES

    said = " ".join(readme.text.partition("An engine is told by one command")[2].partition("<!-- setup -->")[0].split())

    assert [name for name in NAMES if name not in said.lower()] == []
    assert readme.commands("setup")[0] == "hostfit setup podman --default --dry-run"


@pytest.mark.parametrize("target", ["demo", "test", "man", "deb", "rpm"])
def test_make_knows_the_targets(readme, tree, target):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    dry = subprocess.run(["make", "-n", target], cwd=tree, capture_output=True, text=True, check=True).stdout
    help_ = subprocess.run(["make", "help"], cwd=tree, capture_output=True, text=True, check=True).stdout

    assert f"make {target}" in readme.text
    assert f"make {target} " in help_
    runs = {
        "demo": "packaging/demo/demo", "test": "-m pytest tests", "man": "packaging/man/build.py",
        "deb": "packaging/build-deb dist", "rpm": "packaging/build-rpm dist",
    }  # fmt: skip
    assert runs[target] in dry


def test_what_it_points_to_is_there(readme, tree):
    for path in ("SECURITY.md", "CHANGELOG.md", "LICENSE", "tests/library"):
        assert (tree / path).exists()
        assert path in readme.text or path == "LICENSE"
    for name, section in re.findall(r"\b(hostfit[a-z.-]*)\((\d)\)", readme.text):
        assert (tree / "packaging" / "man" / f"{name}.{section}.md").exists(), name
    assert "Apache License" in (tree / "LICENSE").read_text()


def test_it_needs_the_python_that_the_package_asks_for(readme, tree):
    project = tomllib.loads((tree / "pyproject.toml").read_text())["project"]

    assert project["requires-python"] == ">=3.11"
    assert "Python 3.11 or newer" in readme.text
