"""`hostfit`: help, version, unknown commands, a reader that goes away, and what one command imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hostfit.cli.main import COMMANDS
from hostfit.version import VERSION

SOURCE = str(Path(__file__).parents[2] / "src")
HOSTFIT = [sys.executable, "-m", "hostfit.cli.main"]
ENVIRONMENT = {"PYTHONPATH": SOURCE, "PATH": os.environ["PATH"]}


def test_help_lists_every_command(hostfit):
    out = hostfit("--help").out

    assert [name for name in COMMANDS if name not in out] == []


def test_each_command_has_its_own_help(hostfit):
    for name in COMMANDS:
        done = hostfit(name, "--help")
        assert (done.code, done.out.startswith(f"usage: hostfit {name}")) == (0, True)


def test_version(hostfit):
    assert hostfit("--version").out == f"hostfit {VERSION}\n"


def test_no_command_is_a_usage_error(hostfit):
    assert hostfit().code == 2


def test_an_unknown_command_is_a_usage_error(hostfit):
    done = hostfit("chekc")

    assert done.code == 2
    assert "invalid choice" in done.err


def test_a_reader_that_goes_away_is_no_error():
    done = subprocess.run(
        ["sh", "-c", '"$@" facts cpu | head -n 1', "sh", *HOSTFIT],
        capture_output=True, text=True, check=False, env=ENVIRONMENT,
    )  # fmt: skip

    assert (done.stdout.split(), done.stderr) == (["FEATURE", "ELEMENT", "VALUE"], "")


def test_verbose_logs_on_standard_error_only():
    done = subprocess.run(
        [*HOSTFIT, "-v", "check", "--require", "kernel.version.major >=1"],
        capture_output=True, text=True, check=False, env=ENVIRONMENT,
    )  # fmt: skip

    assert done.returncode == 0
    assert "level='debug'" in done.stderr
    assert "level=" not in done.stdout


def test_a_quiet_command_does_not_import_what_it_does_not_use():
    code = (
        "import sys; from hostfit.cli.main import main; main(['facts', 'kernel.version']); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)

    loaded = done.stdout.splitlines()[-1]
    assert [
        name for name in ("structlog", "pyroute2", "pyudev", "jsonschema", "requests", "yaml") if f"'{name}'" in loaded
    ] == []
