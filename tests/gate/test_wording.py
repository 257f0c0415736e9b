"""No engine takes our line for another kind of error, and none cuts it (engines: words that are reclassified)."""

from __future__ import annotations

import pytest

from hostfit.gate.wording import wording


@pytest.mark.parametrize(
    "words",
    [
        "not found", "no such file or directory", "Permission Denied", "operation not permitted", "does not exist",
        "executable file not found in $PATH", "open executable", "is a directory", "not a directory",
        "no such process", "container not running", "invalid process", "os: process already finished",
        "executable path is empty", "system cannot find the file specified",
    ],
)  # fmt: skip
def test_no_engine_takes_the_message_for_another_kind_of_error(words):
    line = wording(f"a {words} b, {words.upper()}")

    assert words.lower() not in line.lower()
    assert line.startswith("hostfit: a ")
    assert " b, " in line


@pytest.mark.parametrize(
    "text", ["x" * 5000, "\u20ac" * 5000, "\x1b[31m\n\u202e" * 500, "a\ud800" * 900, "\U0001f600" * 900]
)
def test_the_message_is_one_line_below_1_kib_whatever_is_in_it(text):
    line = wording(text)

    assert len(line.encode()) <= 1000
    assert line.isprintable()


def test_a_message_that_cannot_be_shown_is_cut_between_characters():
    line = wording("\u20ac" * 900)

    assert line.endswith("\u20ac...")
