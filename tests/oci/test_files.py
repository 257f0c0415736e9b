"""R3, R9 and R11: files are read with an end in sight, trusted by owner and mode, and replaced as a whole."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from hostfit.core.errors import PolicyError
from hostfit.oci import files

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="trust is about root's files: run as root")


def test_a_file_of_exactly_the_cap_is_read_and_one_byte_more_is_not(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"x" * 100_000)

    assert files.read_capped(str(path), 100_000) == b"x" * 100_000
    with pytest.raises(OSError, match="more than 99999 bytes") as caught:
        files.read_capped(str(path), 99_999)
    assert files.symbol(caught.value) == "EFBIG"


def test_a_sparse_file_of_a_terabyte_costs_no_memory(tmp_path):
    path = tmp_path / "f"
    with path.open("wb") as out:
        out.truncate(1 << 40)
    with pytest.raises(OSError, match="more than"):
        files.read_capped(str(path), 1 << 16)


def test_a_file_of_procfs_has_size_0_and_is_read_to_its_end():
    assert files.read_capped("/proc/self/status", 1 << 16).startswith(b"Name:")


@pytest.mark.parametrize(("kind", "symbol"), [("fifo", "EINVAL"), ("device", "EINVAL"), ("directory", "EISDIR"),
                                              ("missing", "ENOENT")])  # fmt: skip
def test_what_is_no_file_is_refused_without_waiting(kind, symbol, tmp_path):
    path = tmp_path / "f"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        os.mknod(path, 0o020644, os.makedev(1, 5))
    elif kind == "directory":
        path.mkdir()
    for read in (files.read_capped, files.read_trusted):
        with pytest.raises((OSError, PolicyError)) as caught:
            read(str(path), 100)
        found = caught.value if isinstance(caught.value, OSError) else caught.value.__cause__
        # Below a mount without devices the kernel refuses to open one before it can be looked at.
        nodev = kind == "device" and os.statvfs(tmp_path).f_flag & os.ST_NODEV
        assert files.symbol(found) in ((symbol, "EACCES") if nodev else (symbol,))


def test_a_file_of_root_below_a_sticky_directory_is_trusted(tmp_path):
    (tmp_path / "f").write_bytes(b"content")

    assert files.read_trusted(str(tmp_path / "f"), 100) == b"content"


WAYS = [(what, fault) for what in ("file", "parent", "link", "target", "above target")
        for fault in ("owner", "group", "world") if what != "link" or fault == "owner"]  # fmt: skip
"""The mode of a link means nothing."""


@pytest.mark.parametrize(("what", "fault"), WAYS)
def test_nothing_on_the_way_may_be_anybody_elses(what, fault, tmp_path):
    folder, elsewhere = tmp_path / "a", tmp_path / "b"
    for one in (folder, elsewhere):
        one.mkdir(mode=0o755)
    target = elsewhere / "target"
    target.write_text("x")
    target.chmod(0o644)
    link = folder / "link"
    link.symlink_to("../b/target")
    plain = folder / "plain"
    plain.write_text("x")
    plain.chmod(0o644)
    path, spoilt = {
        "file": (plain, plain), "parent": (plain, folder), "link": (link, link), "target": (link, target),
        "above target": (link, elsewhere),
    }[what]  # fmt: skip
    assert files.read_trusted(str(path), 10) == b"x"
    if fault == "owner":
        os.chown(spoilt, 1000, 1000, follow_symlinks=False)
    else:
        spoilt.chmod(spoilt.stat().st_mode & 0o7777 | (0o020 if fault == "group" else 0o002))

    with pytest.raises(PolicyError, match=f"{spoilt.name}: (owner must be root|must not be writable)"):
        files.read_trusted(str(path), 10)


def test_a_missing_file_is_told_apart_from_one_that_cannot_be_trusted(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read_trusted(str(tmp_path / "missing"), 10)
    with pytest.raises(FileNotFoundError):
        files.read_trusted(str(tmp_path / "missing/below"), 10)


def test_a_relative_path_and_a_circle_of_links_are_refused(tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(PolicyError, match="ELOOP"):
        files.read_trusted(str(tmp_path / "circle"), 10)
    with pytest.raises(PolicyError, match="absolute"):
        files.read_trusted("etc/passwd", 10)


def test_the_host_roots_files_are_trusted_where_a_user_namespace_does_not_map_them():
    """There they belong to the overflow uid; what we could write would be somebody else's."""
    program = (
        "import ctypes, os, sys; sys.path.append(sys.argv[1])\n"
        "from hostfit.core.errors import PolicyError\n"
        "from hostfit.oci import files\n"
        "os.setgroups([]); os.setresgid(1234, 1234, 1234); os.setresuid(1234, 1234, 1234)\n"
        "if ctypes.CDLL(None).unshare(0x10000000): sys.exit('no namespace')\n"
        "print(files.maps_host_root(), len(files.read_trusted('/etc/passwd', 1 << 20)) > 0)\n"
        "try: files.read_trusted('/tmp/any', 1)\n"
        "except PolicyError as error: print(error)\n"
    )
    source = str(Path(__file__).resolve().parents[2] / "src")
    done = subprocess.run(
        ["/usr/bin/python3", "-IS", "-c", program, source], capture_output=True, text=True, check=False
    )
    if "no namespace" in done.stderr:
        pytest.skip("user namespaces are switched off")

    assert done.stdout == "False True\n/tmp: owner must be root, found uid 65534\n", done.stderr


def test_readers_see_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "f"
    path.write_text("old")
    with path.open() as before:
        files.write_atomic(str(path), b"new", 0o640)
        assert before.read() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert os.listdir(tmp_path) == ["f"]


def test_the_mode_is_the_one_that_was_asked_for_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        files.write_atomic(str(tmp_path / "f"), b"", 0o644, durable=False)
        files.ensure_directory(str(tmp_path / "a/b/c"), 0o700)
    finally:
        os.umask(before)
    assert [(tmp_path / one).stat().st_mode & 0o7777 for one in ("f", "a", "a/b", "a/b/c")] == [
        0o644,
        0o755,
        0o755,
        0o700,
    ]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f/inside").write_text("")
    with pytest.raises(OSError, match="directory"):
        files.write_atomic(str(tmp_path / "f"), b"new", 0o644)

    assert os.listdir(tmp_path) == ["f"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "small"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", path], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        (path / "f").write_text("old")
        with pytest.raises(OSError, match="space") as caught:
            files.write_atomic(str(path / "f"), b"x" * 100_000, 0o644)
        assert caught.value.errno == errno.ENOSPC
        assert ((path / "f").read_text(), os.listdir(path)) == ("old", ["f"])
    finally:
        subprocess.run(["umount", path], check=True)


def test_no_descriptor_is_left_open(tmp_path):
    (tmp_path / "f").write_text("x")
    (tmp_path / "circle").symlink_to("circle")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        files.read_trusted(str(tmp_path / "f"), 10)
        for bad in ("circle", "missing", "f/below", ""):
            with pytest.raises((PolicyError, OSError)):
                files.read_trusted(str(tmp_path / bad), 10)
        with pytest.raises(OSError, match="more than"):
            files.read_capped(str(tmp_path / "f"), 0)

    assert len(os.listdir("/proc/self/fd")) == before


def test_an_error_is_named_by_its_symbol():
    assert files.symbol(OSError(errno.EACCES, "Permission denied")) == "EACCES"
    assert files.symbol(OSError("no number")) == "errno None"


def test_a_file_that_everybody_may_write_is_not_trusted_for_its_sticky_bit(tmp_path):
    """Only on a directory does that bit keep others from replacing what is in it."""
    (tmp_path / "f").touch()
    (tmp_path / "f").chmod(0o1666)

    with pytest.raises(PolicyError, match="must not be writable by group or others, found mode 1666"):
        files.read_trusted(str(tmp_path / "f"), 100)


def test_a_directory_that_is_there_stays_as_it_is_and_anything_else_is_in_the_way(tmp_path):
    (tmp_path / "d").mkdir(mode=0o750)
    (tmp_path / "f").touch()

    files.ensure_directory(str(tmp_path / "d"), 0o700)
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o750
    with pytest.raises(FileExistsError):
        files.ensure_directory(str(tmp_path / "f"), 0o700)
