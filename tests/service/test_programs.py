"""DA1, SA7 programs of facts.d: run by the service alone, with an end in time and output; nobody waits for them."""

from __future__ import annotations

import os
import time

import pytest

from hostfit.service.programs import Programs
from hostfit.service.wire import DENY, START

from .conftest import PATIENCE, until

VOCABULARY = """version: hostfit.vocabulary/v1
documentation: https://example.org/licences
features:
  - name: site.licence
    meaning: licences of this site
    file: licence
    elements:
      - {name: seats, comparison: number, meaning: seats that are left}
"""


@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o755)
    made = tmp_path / "facts.d"
    made.mkdir(mode=0o755)
    return made


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def value(programs, path):
    """What a program printed, or the reason why that is not known, as soon as it has ended."""

    def ended():
        programs.step()
        return not programs.busy

    programs.step()
    until(ended, "the program must end")
    try:
        return programs.value(path)
    except ValueError as error:
        return str(error).removeprefix(f"{path}: ")


def test_what_a_program_prints_is_its_value(folder):
    path = program(folder / "one", "echo seats=7")

    assert value(Programs(str(folder)), path) == b"seats=7\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("exit 3", "ended with status 3"),
        ("kill -9 $$", "ended with status -9"),
        ("sleep 3600", "took more than 0.3 s"),
        ("sleep 3600 & sleep 3600", "took more than 0.3 s"),
        ("yes", "printed more than 65536 bytes"),
    ],
)
def test_a_program_that_does_not_end_well_has_no_value(text, why, folder):
    path = program(folder / "one", text)

    assert value(Programs(str(folder), limit=0.3), path) == why


def test_what_a_program_leaves_behind_is_ended_with_it(folder):
    mark = folder.parent / "mark"
    path = program(folder / "one", f"(sleep 3600 & echo $! > {mark}); sleep 3600")
    value(Programs(str(folder), limit=0.5), path)
    left = int(until(lambda: mark.exists() and mark.read_text(), "the mark"))

    until(lambda: not os.path.exists(f"/proc/{left}") or dead(left), "it must be ended")


def dead(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_program_gets_no_environment_and_no_input(folder):
    path = program(folder / "one", "env | sort | cut -d= -f1 | tr '\\n' ' '; cat")

    assert value(Programs(str(folder)), path) == b"LANG PATH PWD "


def test_a_program_that_somebody_else_can_change_is_not_run(folder):
    path = program(folder / "one", f"touch {folder.parent}/ran")
    os.chmod(path, 0o777)

    assert "must not be writable by group or others" in value(Programs(str(folder)), path)
    assert not (folder.parent / "ran").exists()


def test_a_program_that_was_replaced_has_no_value_until_it_has_run(folder):
    programs = Programs(str(folder))
    path = program(folder / "one", "echo a=1")
    assert value(programs, path) == b"a=1\n"

    os.unlink(path)
    program(folder / "one", "echo a=2")
    with pytest.raises(ValueError, match="has not run yet"):
        programs.value(path)

    assert value(programs, path) == b"a=2\n"


def test_many_programs_run_a_few_at_a_time(folder):
    for number in range(12):
        program(folder / f"p{number:02}", "sleep 0.1; echo a=1")
    programs = Programs(str(folder))
    most = 0
    end = time.monotonic() + PATIENCE
    while any(one.output is None for one in programs._programs.values()) or not programs._programs:
        programs.step()
        most = max(most, sum(one.process is not None for one in programs._programs.values()))
        assert time.monotonic() < end

    assert 1 <= most <= 4


def test_a_feature_of_a_program_is_decided_on_by_the_service(make_service):
    service = make_service()
    for name in ("etc/facts.d", "etc/vocabulary.d"):
        (service.top / name).mkdir(parents=True)
    service.top.chmod(0o755)
    (service.top / "etc/vocabulary.d/site.yaml").write_text(VOCABULARY)
    program(service.top / "etc/facts.d/licence", "echo seats=7")
    service.start()

    until(lambda: service.require("site.licence.seats >=5").action == START, "the program's value")
    until(lambda: service.require("site.licence.seats >=9").action == DENY, "the program's value")
