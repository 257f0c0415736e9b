"""IS 5: an abort reaches every caller in the channel and the form that it reads (engines: how an abort is reported)."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

LINE = "hostfit: registry.example/upf:1 does not fit this host: kernel.module gtp5g: required loaded, found absent"


def refused(place, *words, **options):
    launcher = place.launcher(starts=False, line=LINE)
    return subprocess.run([launcher, *words], capture_output=True, check=False, stdin=subprocess.DEVNULL, **options)


def test_the_line_is_on_standard_error_alone_and_the_status_is_1(place, bundle):
    done = refused(place, "create", "--bundle", bundle, "--pid-file", place.top / "pid", "c1")

    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", LINE + "\n")
    assert not (place.top / "pid").exists()
    assert place.records == []


def test_the_json_log_gets_one_more_object_with_level_message_and_rfc3339_time(place, bundle):
    log = place.top / "log.json"
    log.write_text('{"level":"warning","msg":"earlier","time":"2026-01-01T00:00:00Z"}\n')

    done = refused(place, "--log", log, "--log-format=json", "run", "-b", bundle, "c1")

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert done.stderr.decode() == LINE + "\n"
    assert len(lines) == 2
    assert set(lines[1]) == {"level", "msg", "time"}
    assert (lines[1]["level"], lines[1]["msg"]) == ("error", LINE)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lines[1]["time"])


def test_a_new_log_is_one_json_object_as_podman_reads_it(place, bundle):
    log = place.top / "oci-log"
    refused(place, f"--log={log}", "--log-format", "json", "create", "--bundle", bundle, "c1")

    assert json.loads(log.read_text())["msg"] == LINE
    assert log.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("prefix", ["", "file:"])
def test_the_text_log_has_the_level_and_the_quoted_message(prefix, place, bundle):
    log = place.top / "log"
    refused(place, "--log", f"{prefix}{log}", "create", "--bundle", bundle, "c1")

    assert re.fullmatch(rf'time="[^"]+" level=error msg="{re.escape(LINE)}"\n', log.read_text())


@pytest.mark.parametrize("log", ["/dev/stderr", "journald:abc", "/nonexistent/log", "/", "a\ud800b", "FIFO"])
def test_a_log_that_cannot_be_written_leaves_standard_error(log, place, bundle, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    if log == "FIFO":
        log = str(place.top / "fifo")
        os.mkfifo(log)

    done = refused(
        place, b"--log", log.encode("utf-8", "surrogatepass"), "create", "--bundle", bundle, "c1", timeout=20
    )

    assert (done.returncode, done.stderr.decode()) == (1, LINE + "\n")


def test_a_closed_standard_error_is_not_written_to(place, bundle):
    """Whatever was opened in its place must not get the message."""
    launcher = place.launcher(starts=False, line=LINE)
    log = place.top / "log"
    done = subprocess.run(
        ["sh", "-c", '"$@" 2>&- <&- ; exit $?', "sh", launcher, "--log", log, "create", "-b", bundle, "c"], check=False
    )

    assert done.returncode == 1
    assert log.read_text().count("hostfit:") == 1


def test_a_reader_that_has_gone_does_not_change_the_status(place, bundle):
    read, write = os.pipe()
    os.close(read)
    launcher = place.launcher(starts=False, line=LINE)
    done = subprocess.run([launcher, "create", "-b", bundle, "c1"], check=False, stderr=write)
    os.close(write)

    assert done.returncode == 1
