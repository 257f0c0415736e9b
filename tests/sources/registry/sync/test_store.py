"""The spec store stays good whatever happens to a run of `hostfit sync`, or beside it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading

import pytest

from hostfit.core.image import Image
from hostfit.sources import inventory
from hostfit.sources.lookups import Entry, Lookups, Source

from .conftest import SOURCE, TIMES, spec

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


@pytest.fixture
def small(site):
    """The store on a disk of sixty-four pages; `leave` fills it until so many are free, and 64 frees it."""
    path = site.prefix / "var/lib/hostfit"
    path.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", path], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")

    def leave(pages):
        filler = path / "filler"
        filler.unlink(missing_ok=True)
        page = os.statvfs(path).f_bsize
        filler.write_bytes(b"x" * max(0, os.statvfs(path).f_bavail - pages) * page)

    yield leave
    subprocess.run(["umount", path], check=True)


def test_a_full_disk_leaves_what_was_known(site, image, plain_registry, small):
    """Whatever could still be written: what is recorded can be read, and nothing half-written is left."""
    one = image(plain_registry, "sync/full-disk", spec("first"))
    assert site.sync(one.name).code == 0
    for pages in range(6):
        one.add(spec(f"with {pages} pages"), TIMES[pages + 1])
        before = site.found(one.digest)
        small(pages)
        done = site.sync(one.name)
        assert done.code == 4 if pages == 0 else done.code in (0, 4)
        assert (done.code == 4) == ("cannot be written: ENOSPC" in done.err)
        assert site.found(one.digest) in (before, [(f"with {pages} pages", "")])
        assert [path for path in site.prefix.rglob(".*") if path.is_file()] == []
    small(64)
    assert site.sync(one.name).code == 0
    assert site.found(one.digest) == [("with 5 pages", "")]


def _lost(key):
    return lambda text: text.replace(f'"{key}"', '"lost"', 1)


DAMAGES = [
    (lambda _: "{", "not valid JSON"),
    (lambda _: "", "not valid JSON"),
    (_lost("version"), "a look-up of version 1"),
    (_lost("sources"), "must add up"),
    (_lost("mark"), "must add up"),
    (_lost("seen"), "must add up"),
    (lambda text: text.replace('"created":"', '"created":1,"x":"'), "must add up"),
    (lambda text: text.replace('"artifact":"sha256:', '"artifact":"'), "must add up"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_damaged_record_lifts_nothing_and_is_told(site, image, plain_registry, monkeypatch, damage, said):
    """R16: nobody can say what another repository's signers asked for, so no repository replaces it."""
    one = image(plain_registry, "sync/damaged", spec("of one"))
    other = image(plain_registry, "sync/others", spec("of another"))
    local_image = Image(name=one.name, names=(one.name,), digest=one.digest)
    monkeypatch.setattr(inventory, "images", lambda problem: iter([local_image]))
    site.sync()
    path = site.prefix / "var/lib/hostfit/looked-up" / one.digest.replace(":", "/")
    damaged = damage(path.read_text())
    path.write_text(damaged)
    images = [local_image, Image(name=other.name, names=(other.name,), digest=other.digest)]
    monkeypatch.setattr(inventory, "images", lambda problem: iter(images))

    for words in ([], ["--missing"]):
        done = site.sync(*words)
        assert done.code == 3
        assert said in done.err
        assert "with --accept-older it is looked up anew" in done.err
        assert path.read_text() == damaged
        assert site.found(other.digest) == [("of another", "")]
    assert site.sync("--accept-older").code == 0
    assert site.found(one.digest) == [("of one", "")]
    assert site.sync().code == 0


def test_damaged_records_do_not_keep_a_registry_from_being_asked(site, image, plain_registry, monkeypatch):
    """The fault is not the registry's."""
    several = [image(plain_registry, "sync/many-damaged", spec(f"{number}")) for number in range(4)]
    images = [Image(name=one.name, names=(one.name,), digest=one.digest) for one in several]
    folder = site.prefix / "var/lib/hostfit/looked-up/sha256"
    folder.mkdir(parents=True)
    for one in several[:3]:
        (folder / one.digest.partition(":")[2]).write_text("{")
    monkeypatch.setattr(inventory, "images", lambda problem: iter(images))

    assert site.sync().code == 3
    assert site.found(several[3].digest) == [("3", "")]


def test_a_damaged_record_of_an_image_that_no_registry_has_is_told(site, monkeypatch):
    digest = "sha256:" + "c" * 64
    path = site.prefix / "var/lib/hostfit/looked-up" / digest.replace(":", "/")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    built = Image(name="localhost/built:1", names=("localhost/built:1",), config_digest=digest)
    monkeypatch.setattr(inventory, "images", lambda problem: iter([built]))
    done = site.sync()

    assert (done.code, path.read_text()) == (3, "{")
    assert "with --accept-older it is looked up anew" in done.err
    assert site.sync("--accept-older").code == 0
    assert site.found(digest) == []


def test_a_record_is_replaced_by_one_run_at_a_time(site):
    """Two that read the same record would each lose what the other one found."""
    subject, document = "sha256:" + "d" * 64, "sha256:" + "e" * 64
    lookups = Lookups(site.store, str(site.prefix / "var/lib/hostfit"))
    lookups.replace(subject, "r.example/a", Source({"": Entry(document, document)}), time="")
    late = Source({"": Entry(subject, subject)})
    with (site.prefix / "var/lib/hostfit/sync.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        writer = threading.Thread(target=lookups.replace, args=(subject, "r.example/b", late), kwargs={"time": ""})
        writer.start()
        writer.join(1)
        assert site.store.looked_up(subject).specs == ((document, ""),)
    writer.join(60)

    assert site.store.looked_up(subject).specs == ((document, ""), (subject, ""))


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
