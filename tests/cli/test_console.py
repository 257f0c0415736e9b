"""Colour and progress appear on a terminal only; errors have one shape."""

from __future__ import annotations

import io
import os

import pytest

from hostfit.cli.console import Console
from hostfit.core.errors import SpecError, UsageError


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_colour_only_on_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    assert Console(io.StringIO(), io.StringIO()).paint("fit", "green") == "fit"
    assert Console(Terminal(), io.StringIO()).paint("fit", "green") == "\033[32mfit\033[0m"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_can_refuse_colour(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    assert Console(Terminal(), io.StringIO()).paint("fit", "green") == "fit"


def test_progress_only_on_a_terminal():
    quiet, shown = io.StringIO(), Terminal()
    for stream in (quiet, shown):
        with Console(io.StringIO(), stream).progress(2) as progress:
            assert list(progress.over(["cpu.cpuid", "pci\x1bdevice"])) == ["cpu.cpuid", "pci\x1bdevice"]

    assert quiet.getvalue() == ""
    assert "[1/2] cpu.cpuid" in shown.getvalue()
    assert "pci\\x1bdevice" in shown.getvalue()
    assert shown.getvalue().endswith("\r\033[K")


def test_an_error_names_what_to_do_and_gives_its_exit_code():
    console = Console(io.StringIO(), io.StringIO())

    assert console.fail(UsageError("option --a: one expected, found two", hint="leave one out")) == 2
    assert console.err.getvalue() == "hostfit: option --a: one expected, found two\n  hint: leave one out\n"


def test_every_problem_of_a_spec_is_shown_escaped():
    console = Console(io.StringIO(), io.StringIO())

    assert console.fail(SpecError("spec: rules[0]: a\x1b[2J", ("rules[0]: a\x1b[2J", "rules[1]: \x1bb"))) == 5
    assert console.err.getvalue().splitlines() == ["hostfit: spec: rules[0]: a\\x1b[2J", "  rules[1]: \\x1bb"]


def test_width_follows_the_terminal(monkeypatch):
    monkeypatch.setattr("shutil.get_terminal_size", lambda fallback: os.terminal_size((63, 24)))

    assert Console(Terminal(), io.StringIO()).width == 63
    assert Console(io.StringIO(), io.StringIO()).width == 100
