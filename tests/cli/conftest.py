"""Runs commands as a shell would, against an installation of the test's own."""

from __future__ import annotations

import pytest

from hostfit.cli.main import main


class Outcome:
    """What a command left: exit code, standard output and standard error."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err


@pytest.fixture
def prefix(tmp_path):
    """An installation with no configuration."""
    for place in ("etc/hostfit", "run/hostfit", "var/lib/hostfit"):
        (tmp_path / place).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def hostfit(prefix, capsys):
    """Call `hostfit ARGUMENTS` there."""

    def call(*arguments):
        try:
            code = main(["--prefix", str(prefix), *map(str, arguments)])
        except SystemExit as leaving:  # argparse leaves so
            code = leaving.code
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call
