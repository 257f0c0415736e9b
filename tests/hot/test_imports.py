"""IS start-up: the hot path imports nothing beyond an explicit list."""

from __future__ import annotations

import json
import subprocess

import pytest

from . import modules
from .conftest import PYTHON

DUMP = (
    "from hostfit.runtime import execve",
    "execve.Script.become = lambda self, path, words: (os.write(1, ' '.join(sys.modules).encode()), os._exit(0))",
)
"""Instead of becoming the runtime, say what is loaded at that moment."""

SPEC = "kernel.version.full >=4.1; kernel.sysctl.net.ipv4.ip_forward exists"


def bundle(place, annotations):
    place.mkdir()
    tree = {
        "ociVersion": "1.0.2",
        "process": {"args": ["/upf"]},
        "root": {"path": "rootfs"},
        "annotations": annotations,
    }
    (place / "config.json").write_text(json.dumps(tree))
    return place


def loaded(tree, *words, added=(), state=None):
    """Give what a launcher has imported when it becomes the runtime or ends, beside what an interpreter starts with."""
    name = "hostfit-runtime" if state is None else "hostfit-hook"
    if state is not None:
        last = "import atexit; atexit.register(lambda: os.write(1, ' '.join(sys.modules).encode()))"
        launcher = tree.launcher(name, *added, last)
    else:
        launcher = tree.launcher(name, *DUMP, *added)
    done = subprocess.run([launcher, *words], input=state or "", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    floor = subprocess.run(
        [PYTHON, "-IS", "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split()) - set(floor.stdout.split()) - {"atexit"}


def test_a_verb_that_starts_nothing_imports_almost_nothing(plain_tree, tmp_path):
    (tmp_path / "c1").mkdir()
    loaded(plain_tree, "create", "-b", bundle(tmp_path / "b", {}), "c1")
    from hostfit.core.paths import Paths
    from hostfit.runtime import record

    paths = Paths(f"{plain_tree.top}/etc", f"{plain_tree.top}/run", f"{plain_tree.top}/var")
    record.save(paths, "", "c1", record.Record("/usr/bin/true", "/b", 1, 1))

    assert loaded(plain_tree, "state", "c1") <= modules.STANDARD | modules.PASS


def test_a_start_without_a_spec_imports_only_the_gate(plain_tree, tmp_path):
    found = loaded(plain_tree, "create", "-b", bundle(tmp_path / "b", {}), "c1")

    assert found <= modules.STANDARD | modules.START


def test_a_start_with_a_spec_imports_only_what_compares_and_the_probes_it_names(plain_tree, tmp_path):
    found = loaded(plain_tree, "create", "-b", bundle(tmp_path / "b", {"io.hostfit.require": SPEC}), "c1")

    assert "hostfit.core.match" in found
    assert found <= modules.STANDARD | modules.START | modules.SPEC


def test_a_hook_imports_no_more_than_a_start(plain_tree, tmp_path):
    place = bundle(tmp_path / "b", {})
    found = loaded(plain_tree, state=json.dumps({"id": "c1", "bundle": str(place)}))

    assert found <= modules.STANDARD | modules.START | modules.HOOK


@pytest.mark.parametrize("creeping", ["re", "json", "socket", "hostfit.core.yamltree"])
def test_an_import_that_creeps_in_is_noticed(creeping, plain_tree, tmp_path):
    found = loaded(plain_tree, "create", "-b", bundle(tmp_path / "b", {}), "c1", added=[f"import {creeping}"])

    assert creeping in found - (modules.STANDARD | modules.START)


def test_no_forbidden_module_is_on_a_list():
    """What the start of Python itself costs is the budget of everything else."""
    forbidden = modules.words(
        "json re typing enum dataclasses collections functools contextlib pathlib logging argparse subprocess socket"
        " struct signal threading tempfile importlib hashlib tomllib datetime string base64 urllib abc yaml"
    )

    assert not forbidden & modules.STANDARD


@pytest.mark.parametrize("listed", sorted(modules.PASS | modules.START | modules.SPEC | modules.HOOK))
def test_every_listed_module_is_there(listed, plain_tree):
    path = plain_tree.lib / listed.replace(".", "/")

    assert path.with_suffix(".py").exists() or (path / "__init__.py").exists()
