"""R7: a root filesystem is hostile; nothing outside it is ever opened, and nothing in it makes us wait."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from hostfit.oci import inroot


@pytest.fixture
def root(tmp_path):
    (tmp_path / "secret").write_text("outside")
    made = tmp_path / "root"
    (made / "etc/deep").mkdir(parents=True)
    (made / "etc/file").write_text("inside")
    (made / "secret").write_text("inside")
    return made


@pytest.mark.parametrize(
    "path",
    ["etc/file", "/etc/file", "//etc/./file", "etc/deep/../file", "/../../etc/file", "../secret", "../../../../secret",
     "absolute", "relative", "up", "far up", "through", "chain"],
)  # fmt: skip
def test_every_path_resolves_inside(path, root):
    (root / "absolute").symlink_to("/etc/file")
    (root / "relative").symlink_to("etc/file")
    (root / "up").symlink_to("../secret")
    (root / "far up").symlink_to("/../../../../../../secret")
    (root / "etc/deep/out").symlink_to("/etc")
    (root / "through").symlink_to("etc/deep/out/file")
    (root / "chain").symlink_to("absolute")

    assert inroot.read_in_root(str(root), path, 100) == b"inside"


@pytest.mark.parametrize(("target", "symbol"), [("/proc/self/root/../secret", "ENOENT"), ("loop", "ELOOP"),
                                                ("etc/file/below", "ENOTDIR"), ("nowhere", "ENOENT")])  # fmt: skip
def test_links_that_lead_nowhere_are_errors(target, symbol, root):
    import errno

    (root / "loop").symlink_to(target)
    with pytest.raises(OSError, match=r"\[Errno") as caught:
        inroot.read_in_root(str(root), "loop", 100)

    assert errno.errorcode[caught.value.errno] == symbol


@pytest.mark.parametrize("kind", ["fifo", "device", "socket"])
def test_traps_are_not_opened(kind, root):
    path = root / "etc/ld.so.cache"
    mode = {"fifo": 0o010644, "device": 0o020644, "socket": 0o140644}[kind]
    try:
        os.mknod(path, mode, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("needs root")
    with pytest.raises(OSError, match="not a regular file"):
        inroot.open_in_root(str(root), "etc/ld.so.cache")


def test_a_directory_can_be_opened_but_not_read_as_a_file(root):
    fd = inroot.open_in_root(str(root), "etc", os.O_DIRECTORY)
    try:
        assert sorted(os.listdir(fd)) == ["deep", "file"]
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)
    with pytest.raises(IsADirectoryError):
        inroot.read_in_root(str(root), "etc", 10)


def test_another_filesystem_is_entered_only_when_told(root):
    if subprocess.run(["mount", "-t", "tmpfs", "none", root / "etc/deep"], check=False, capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        (root / "etc/deep/file").write_text("other")
        with pytest.raises(OSError, match="another filesystem"):
            inroot.open_in_root(str(root), "etc/deep/file")
        os.close(inroot.open_in_root(str(root), "etc/deep/file", cross=True))
    finally:
        subprocess.run(["umount", root / "etc/deep"], check=True)


def test_a_directory_that_turns_into_a_link_during_the_walk_leads_nowhere_else(root):
    """CVE-2024-0132 and its kind: swap what was checked for what is used."""
    (root / "swap").mkdir()
    (root / "swap/secret").write_text("inside")
    (root / "evil").symlink_to("../..")
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            os.rename(root / "swap", root / "aside")
            os.rename(root / "evil", root / "swap")
            os.rename(root / "swap", root / "evil")
            os.rename(root / "aside", root / "swap")

    thread = threading.Thread(target=swap)
    thread.start()
    found = set()
    try:
        for _ in range(2000):
            try:
                found.add(inroot.read_in_root(str(root), "swap/secret", 100))
            except OSError:
                continue
    finally:
        stop.set()
        thread.join()

    assert found == {b"inside"}


def test_no_descriptor_is_left_open(root):
    before = len(os.listdir("/proc/self/fd"))
    for path in ("etc/file", "missing", "etc/file/x", "../secret", "etc/deep/../../secret"):
        try:
            inroot.read_in_root(str(root), path, 1)
        except OSError:
            continue

    assert len(os.listdir("/proc/self/fd")) == before
