"""Runs commands for the bed: one result value, one clean environment, one word for a missing tool."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest

PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8"}
"""What engines and commands get: nothing of the test runner's own environment, so that no venv leaks into them."""


class Done:
    """What a command left behind: exit code, stdout and stderr as text."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    def __eq__(self, other):
        return isinstance(other, Done) and (self.code, self.out, self.err) == (other.code, other.out, other.err)

    __hash__ = None

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run(command, *, check=False, timeout=120, env=None, stdin=None, **options):
    """Run a command and wait for it; with `check` a failure ends the test with everything it printed."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, errors="replace", check=False,
        timeout=timeout, env=ENVIRONMENT if env is None else env, input=stdin if stdin is not None else "", **options,
    )  # fmt: skip
    result = Done(done.returncode, done.stdout, done.stderr)
    assert not check or result.code == 0, f"{' '.join(str(word) for word in command)}: {result!r}"
    return result


def need(*tools):
    """Skip where a tool is missing; a run that requires everything turns the skip into a failure."""
    missing = [tool for tool in tools if shutil.which(tool, path=PATH) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (make test installs them)")


def need_root():
    """Skip where the tests do not run as root."""
    if os.geteuid() != 0:
        pytest.skip("needs root")


def wait_for(condition, what, seconds=20.0):
    """Wait until `condition()` is true and give its value, or fail and say what did not come."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.02)
    return value
