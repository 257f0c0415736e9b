"""Lets tests import the tree they lie in, without an installation, and skips fail where everything must run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

collect_ignore = ["bed", "examples", "hosts"]
"""No tests lie there; the recorded hosts have links in circles, as /sys does, which a search for tests would walk."""

SOURCE = str(Path(__file__).resolve().parent.parent / "src")
if SOURCE not in sys.path:
    sys.path.insert(0, SOURCE)


def _required(report, *, excused):
    """Turn a skip into a failure where HOSTFIT_REQUIRE_ALL is set: a tool that is missing hides nothing there."""
    if report.skipped and not excused and not hasattr(report, "wasxfail") and os.environ.get("HOSTFIT_REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"HOSTFIT_REQUIRE_ALL: skipped: {report.longrepr[2] if report.longrepr else ''}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    _required(outcome.get_result(), excused=item.get_closest_marker("gpu") is not None)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report():
    outcome = yield
    _required(outcome.get_result(), excused=False)
