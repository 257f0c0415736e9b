"""Completions follow the parser: bash, zsh and fish themselves offer each command, option, choice and feature."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys

import pytest
from hostfit_bed.room import TREE

from hostfit.cli.main import COMMANDS, parser
from hostfit.facts import vocabulary

SHELLS = ("bash", "zsh", "fish")
NAMES = {"bash": "hostfit.bash", "zsh": "_hostfit", "fish": "hostfit.fish"}
BASH = """\
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
compopt() { :; }
_hostfit
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = TREE / "tests/packaging/offered.zsh"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    target = tmp_path_factory.mktemp("completions")
    command = [sys.executable, "-B", TREE / "packaging/completions/build.py", target]
    subprocess.run(command, check=True)
    return target


def need_shell(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed (make test installs it)")


def offered(shell, built, *words):
    """What a shell offers for the last word."""
    need_shell(shell)
    if shell == "bash":
        command = ["bash", "--norc", "-c", BASH, "bash", built / NAMES[shell], "hostfit", *words]
    elif shell == "zsh":
        command = ["zsh", "-f", ZSH, built, " ".join(["hostfit", *words])]
    else:
        line = " ".join(["hostfit", *words])
        command = ["fish", "--no-config", "-c", f'source {built / NAMES[shell]}; complete -C "{line}"']
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=built, timeout=120)
    assert done.stderr == ""
    return {line.split("\t")[0] for line in done.stdout.splitlines() if line}


def actions():
    top = parser(every=True)
    known = next(one for one in top._actions if one.dest == "command").choices
    return [
        (name, action)
        for name, one in (("", top), *known.items())
        for action in one._actions
        if not isinstance(action, argparse._SubParsersAction)
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_finds_no_mistake_in_it(shell, built):
    need_shell(shell)

    done = subprocess.run([shell, "-n", built / NAMES[shell]], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_and_command_is_in_it(shell, built):
    text = (built / NAMES[shell]).read_text().replace("'\\''", "'").replace("\\'", "'")  # as the shell reads it

    for _, action in actions():
        for name in action.option_strings:
            assert (f"-{'l' if name[1] == '-' else 's'} {name.lstrip('-')} " if shell == "fish" else name) in text
    for name, summary in COMMANDS.items():
        assert name in text
        assert shell == "bash" or summary in text


@pytest.mark.parametrize("shell", SHELLS)
class TestOffered:
    def test_commands(self, shell, built):
        assert offered(shell, built, "") >= set(COMMANDS)

    @pytest.mark.parametrize("command", COMMANDS)
    def test_options_of_a_command(self, shell, built, command):
        wanted = {name for of, action in actions() if of == command for name in action.option_strings if name[1] == "-"}

        assert offered(shell, built, command, "--") == wanted

    def test_choices_of_an_option_or_argument(self, shell, built):
        for command, action in actions():
            if command and action.choices:
                words = [command, *action.option_strings[-1:], ""]
                assert offered(shell, built, *words) == set(action.choices), words

    def test_features(self, shell, built):
        wanted = {info.name for info in vocabulary.features() if info.name.startswith("kernel.m")}

        assert offered(shell, built, "explain", "kernel.m") == wanted

    def test_command_behind_an_option_with_a_value(self, shell, built):
        assert offered(shell, built, "--prefix", "/x", "check", "--format", "") == {"text", "json"}


@pytest.mark.parametrize("shell", ["bash", "fish"])  # zsh adds files in a way that offered.zsh cannot see
def test_files_are_offered_where_a_file_is_wanted(shell, built):
    assert "hostfit.fish" in offered(shell, built, "lint", "hostfit.f")
    assert "hostfit.fish" in offered(shell, built, "check", "--spec", "hostfit.f")
