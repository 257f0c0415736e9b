"""Nothing outside the root is read, whatever a tree holds (security rule R7)."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.facts.root import Root, reason


def code(call, *arguments):
    with pytest.raises(OSError, match="Errno") as caught:
        call(*arguments)
    return reason(caught.value)


def test_absolute_link_is_resolved_inside_the_root(tree):
    root = Root(tree({"/real/file": "inside\n"}, {"/etc/link": "/real/file"}))
    assert root.line("/etc/link") == "inside"
    assert root.resolve("/etc/link") == "/real/file"
    assert root.link("/etc/link") == "/real/file"


def test_relative_links_and_dots_never_leave_the_root(tree):
    root = Root(tree({"/etc/hostname": "tree\n"}, {"/a/up": "../../../../../../etc/hostname"}))
    assert root.line("/a/up") == "tree"
    assert root.line("/../../../etc/hostname") == "tree"


def test_links_in_a_circle_are_eloop(tree):
    root = Root(tree({}, {"/one": "two", "/two": "one"}))
    assert code(root.read, "/one") == "/one: ELOOP"


def test_missing_path_names_the_hosts_path_and_enoent(tree):
    root = Root(tree({"/proc/present": ""}))
    assert code(root.read, "/proc/absent") == "/proc/absent: ENOENT"
    assert code(root.names, "/sys") == "/sys: ENOENT"
    assert root.exists("/proc/present")
    assert not root.exists("/proc/present/below")
    assert root.optional("/nothing") is None


def test_fifo_and_directory_and_device_are_not_read_and_do_not_block(tree):
    path = tree({"/dir": None})
    os.mkfifo(f"{path}/fifo")
    for root, base in ((Root(path), ""), (Root("/"), path)):
        assert code(root.read, f"{base}/fifo") == f"{base}/fifo: EINVAL"
        assert code(root.read, f"{base}/dir").startswith(f"{base}/dir: E")
    assert code(Root("/").read, "/dev/null") == "/dev/null: EINVAL"


def test_file_over_the_cap_is_efbig(tree):
    root = Root(tree({"/big": "x" * 1001, "/fits": "x" * 1000}))
    assert code(root.read, "/big", 1000) == "/big: EFBIG"
    assert len(root.read("/fits", 1000)) == 1000


def test_live_root_reads_the_hosts_own_files():
    assert Root("/").line("/proc/sys/kernel/ostype") == "Linux"
    assert "self" in Root("/").names("/proc")


def test_no_descriptor_is_left_open(tree):
    root = Root(tree({"/a/b/c": "x"}, {"/l": "a/b"}))
    before = len(os.listdir("/proc/self/fd"))
    for path in ("/a/b/c", "/l/c", "/l/../b/c", "/l/nothing", "/a/b/c/d"):
        for call in (root.read, root.names, root.stat, root.link, root.resolve):
            with contextlib.suppress(OSError):
                call(path)
    assert len(os.listdir("/proc/self/fd")) == before


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["..", ".", "", "a", "b", "link", "top", "up"]), max_size=8))
def test_every_path_resolves_inside(tmp_path_factory, names):
    base = tmp_path_factory.mktemp("walk")
    (base / "secret").write_text("outside")
    inside = base / "root"
    (inside / "a/b").mkdir(parents=True)
    (inside / "a/link").symlink_to("../../secret")
    (inside / "top").symlink_to("/")
    (inside / "up").symlink_to("../..")
    try:
        found = Root(str(inside)).resolve("/" + "/".join(names))
    except OSError:
        return
    assert found.startswith("/")
    assert "secret" not in found
