"""The spec store stays good whatever happens to a run of `hostfit sync`, or beside it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .conftest import SOURCE, spec

DRIVER = """
import os, random, signal, sys, time
from hostfit.cli.main import main
from hostfit.core.image import Image
from hostfit.sources import inventory
from hostfit.sources.store import SpecStore
import hostfit.cli.sync, hostfit.gate.sync, hostfit.sources.registry.transport, shutil

prefix, name, digest, runs = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
words = ["--prefix", prefix, "sync"]
inventory.images = lambda problem: iter([Image(name=name, names=(name,), digest=digest)])
var = prefix + "/var/lib/hostfit"

def child():
    out = os.open(os.devnull, os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os._exit(main(words))

def good():
    store = SpecStore(var)
    record = store.looked_up(digest)
    for document, signer in record.specs if record is not None else ():
        assert store.spec(document) is not None
    return record

start = time.monotonic()
first = os.fork() or child()
assert os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) == 0
span = time.monotonic() - start
chance = random.Random(7)
died = 0
for number in range(runs):
    if chance.random() < 0.5:
        shutil.rmtree(var, ignore_errors=True)
    pid = os.fork() or child()
    time.sleep(chance.random() * span * 1.1)
    os.kill(pid, signal.SIGKILL)
    killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    died += killed
    span *= 1.1 if killed else 0.8  # however fast the machine is now, some die and some do not
    good()
last = os.fork() or child()
assert os.waitstatus_to_exitcode(os.waitpid(last, 0)[1]) == 0
assert len(good().specs) == 1
print(died)
"""


@pytest.mark.system
def test_killed_at_any_moment_the_store_is_good(site, image, plain_registry):
    """kill -9 at a hundred moments of chance; after each, what is recorded can be read."""
    one = image(plain_registry, "sync/killed", spec("only"))
    words = [sys.executable, "-c", DRIVER, site.prefix, one.name, one.digest, 100]
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


@pytest.mark.system
def test_runs_beside_each_other_leave_a_good_store(site, image, plain_registry):
    one = image(plain_registry, "sync/beside", spec("only"))
    driver = DRIVER.partition("start = ")[0] + "sys.exit(main(words))\n"
    words = [sys.executable, "-c", driver, site.prefix, one.name, one.digest, 0]
    running = [
        subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         env=os.environ | {"PYTHONPATH": str(SOURCE)})
        for _ in range(4)
    ]  # fmt: skip
    told = [(one.communicate(timeout=120)[1], one.returncode) for one in running]

    assert told == [(b"", 0)] * 4
    assert site.found(one.digest) == [("only", "")]


def test_what_a_dead_run_was_writing_is_removed(site, image, plain_registry):
    one = image(plain_registry, "sync/tidy", spec("only"))
    site.sync(one.name)
    folder = site.prefix / "var/lib/hostfit/specs/sha256"
    dead = (1 << 22) + 1  # above the highest number that the kernel gives a process
    old, fresh, living = [folder / f".x.{writer}.{number}" for number, writer in enumerate([dead, dead, os.getpid()])]
    for spare in (old, fresh, living):
        spare.write_text("half")
    for spare in (old, living):
        os.utime(spare, (0, 0))
    site.sync(one.name)

    assert [spare.exists() for spare in (old, fresh, living)] == [False, True, True]
