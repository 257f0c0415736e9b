"""Joined modules are the same modules, and an installation without them, or with another Python's, works as well."""

from __future__ import annotations

import json
import subprocess

import pytest

from hostfit.runtime.join import order
from hostfit.runtime.preload import PASS, REST, START

from . import modules
from .conftest import PYTHON

SHOW = (
    "import sys; sys.path.append(sys.argv[1])\n"
    "from hostfit.runtime import preload\n"
    "preload.preload('_pass'); preload.preload('_start')\n"
    "import hostfit.runtime.wrapper, hostfit.runtime.hook, hostfit.gate.gate, hostfit.gate.keep, hostfit.gate.journal\n"
    "import hostfit.facts.host, hostfit.sources.collect, json\n"
    "import hostfit.core.match, hostfit.core.regex, hostfit.facts.probes.kernel, hostfit.facts.site\n"
    "print(json.dumps({n: [m.__name__, m.__package__, m.__file__, sorted(vars(m)), list(getattr(m, '__path__', []))]"
    " for n, m in sys.modules.items() if n.startswith('hostfit') and n not in ('hostfit._pass', 'hostfit._start')}))\n"
)
LOADER = {"__builtins__", "__cached__", "__doc__", "__loader__", "__spec__", "__path__", "_pass", "_start"}


def modules_of(tree):
    done = subprocess.run([PYTHON, "-IS", "-c", SHOW, tree.lib], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    for one in shown.values():
        one[2] = one[2].removeprefix(str(tree.lib))
        one[3] = sorted(set(one[3]) - LOADER)
        one[4] = [place.removeprefix(str(tree.lib)) for place in one[4]]
    return shown


def test_joined_modules_have_the_names_and_contents_of_single_ones(tree, plain_tree):
    joined, single = modules_of(tree), modules_of(plain_tree)

    common = set(joined) & set(single)
    packages = {name for name in common if joined[name][4]}
    assert {name: joined[name] for name in common - packages} == {name: single[name] for name in common - packages}
    # A package's variables are also the modules below it, and more of them are loaded from a joined file.
    for name in packages:
        assert joined[name][:3] == single[name][:3]
        assert set(joined[name][3]) >= set(single[name][3])
    assert len(common) > 40


def test_what_is_joined_is_what_a_start_imports(plain_tree):
    groups = {group: {name for name, _ in found} for group, found in order(plain_tree.lib / "hostfit").items()}

    assert groups[PASS] | {"hostfit", "hostfit.runtime", "hostfit.runtime.preload"} == modules.PASS | {
        "hostfit", "hostfit.runtime", "hostfit.runtime.preload"}  # fmt: skip
    assert groups[START] <= modules.START | modules.HOOK | modules.POLICY


def test_what_is_not_executed_at_once_is_read_from_one_file_too(tree):
    """A decision about a spec opens no file of any module but those that come before the first joined one."""
    hook = "import sys; sys.addaudithook(lambda event, words: event == 'open' and opened.append(words[0]));"
    code = (
        f"opened = []\n{SHOW.replace('import sys;', hook)}\nprint([one for one in opened if '__pycache__' in str(one)])"
    )
    done = subprocess.run([PYTHON, "-IS", "-c", code, tree.lib], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown, opened = done.stdout.splitlines()

    assert "hostfit.core.regex" in shown
    ours = [one for one in opened.split("'") if "/hostfit/" in one]
    assert {one.split("/hostfit/")[1].partition(".")[0] for one in ours} == {
        "__pycache__/__init__", "runtime/__pycache__/__init__", "runtime/__pycache__/preload"}  # fmt: skip


@pytest.mark.parametrize("fault", ["none", "other Python", "cut", "empty", "text"])
def test_joined_files_that_cannot_be_used_are_passed_over(fault, tmp_path, tree, plain_tree):
    import shutil

    lib = tmp_path / "lib"
    shutil.copytree(tree.lib, lib)
    for name in (f"{PASS}.pyc", f"{START}.pyc", REST):
        path = lib / "hostfit" / name
        data = path.read_bytes()
        path.write_bytes(
            {"none": data, "other Python": b"\x00\x00\x0d\x0a" + data[4:], "cut": data[: len(data) // 2], "empty": b"",
             "text": b"hello"}[fault]
        )  # fmt: skip
    code = SHOW.replace("import hostfit.runtime.wrapper", "print(len(sys.modules)); import hostfit.runtime.wrapper")
    done = subprocess.run([PYTHON, "-IS", "-c", code, lib], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (int(done.stdout.split()[0]) > 60) == (fault == "none")


def test_an_error_in_joined_code_names_its_file_and_line(tree, tmp_path):
    launcher = tree.launcher(
        "hostfit-runtime",
        "from hostfit.runtime import abort, execve",
        "def broken(path): abort.abort(None, None)",
        "execve.require_usable = broken",
    )
    (tmp_path / "config.json").write_text("{}")

    done = subprocess.run([launcher, "create", "c1"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "internal error: AttributeError at wording.py line " in done.stderr
