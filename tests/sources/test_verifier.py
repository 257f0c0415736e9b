"""The program that checks signatures: what it is given, and that nothing of it is left (R3, R4)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hostfit.sources import verifier
from hostfit.sources.verifier import VerifierError

SOURCE = Path(__file__).resolve().parents[2] / "src"
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def program(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a verifier is trusted only if root owns it")

    def program(text):
        path = tmp_path / "verify"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    return program


def ask(path, repository="registry.example/upf", digest=DIGEST, *, environment=(), timeout=60):
    return verifier.signed(
        [path, "--of", "{}", "{} x"], "{}", repository, digest, environment=environment, timeout=timeout
    )


def test_reference_is_one_argument_and_the_others_stay_as_they_are(program, tmp_path):
    path = program(f'printf "%s|" "$@" > {tmp_path}/given')

    assert ask(path)
    assert (tmp_path / "given").read_text() == f"--of|registry.example/upf@{DIGEST}|{{}} x|"


@pytest.mark.parametrize(
    ("repository", "digest"),
    [
        ("-x.example/upf", DIGEST),
        ("registry.example/upf --insecure", DIGEST),
        ("registry.example/../upf", DIGEST),
        ("upf", DIGEST),
        ("registry.example/upf", "sha256:b"),
        ("registry.example/upf", ""),
    ],
)
def test_what_is_no_reference_by_digest_is_given_to_nobody(program, tmp_path, repository, digest):
    path = program(f"touch {tmp_path}/ran")

    with pytest.raises(VerifierError, match="a reference by digest is required"):
        ask(path, repository, digest)
    assert not (tmp_path / "ran").exists()


def test_environment_is_its_own(program, tmp_path, monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    path = program(f"env > {tmp_path}/given")
    ask(path, environment=["KEY=a=b"])
    given = dict(line.split("=", 1) for line in (tmp_path / "given").read_text().splitlines())

    assert {name for name in given if name not in ("PWD", "SHLVL", "_")} == {"PATH", "LANG", "HOME", "KEY"}
    assert given["KEY"] == "a=b"


def test_whatever_it_started_ends_with_it(program, tmp_path):
    """A program that answered and left another one running, too."""
    path = program(f"sleep 1000 & echo $! > {tmp_path}/left")
    assert ask(path)
    left = int((tmp_path / "left").read_text())
    end = time.monotonic() + 60
    while _alive(left) and time.monotonic() < end:
        time.sleep(0.05)

    assert not _alive(left)


def test_it_reads_nothing_from_whoever_calls(program):
    words = (
        "import sys; from hostfit.sources import verifier;"
        "print(verifier.signed(sys.argv[1:2], '', 'r.example/upf', sys.argv[2], environment=(), timeout=60))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", words, program("exec cat"), DIGEST], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=os.environ | {"PYTHONPATH": str(SOURCE)},
    ) as caller:  # fmt: skip
        assert caller.stdout.read() == "True\n"


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
