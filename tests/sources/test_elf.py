"""What a program was built for: real programs, notes made byte by byte, and files that are traps."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from hostfit.oci.request import Bundle
from hostfit.sources import elf

V2, V3, V4 = 3, 7, 15


def note(kind, body, *, align=4, name=b"GNU\0", order="<"):
    data = struct.pack(order + "III", len(name), len(body), kind) + name + b"\0" * (-len(name) % 4) + body
    return data + b"\0" * (-len(data) % align)


def isa(bits, kind=0xC0008002):
    other = struct.pack("<III", 0xC0010001, 4, 1) + b"\0" * 4
    return note(5, other + struct.pack("<III", kind, 4, bits) + b"\0" * 4, align=8)


def abi(*version, system=0, order="<"):
    return note(1, struct.pack(order + "IIII", system, *version), order=order)


def program(*segments, machine=62, wide=True, order="<"):
    """Make an ELF file of note segments, given as pairs of program header type and content."""
    size = 56 if wide else 32
    head = 64 if wide else 52
    at = head + size * len(segments)
    table = body = b""
    for kind, content in segments:
        if wide:
            table += struct.pack(order + "IIQQQQQQ", kind, 4, at + len(body), 0, 0, len(content), len(content), 8)
        else:
            table += struct.pack(order + "IIIIIIII", kind, at + len(body), 0, 0, len(content), len(content), 4, 4)
        body += content
    ident = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + b"\0" * 9
    form = "HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"
    rest = struct.pack(order + form, 2, machine, 1, 0, head, 0, 0, head, size, len(segments), 0, 0, 0)
    return ident + rest + table + body


@pytest.fixture
def parse(tmp_path):
    def read(data):
        path = tmp_path / "program"
        path.write_bytes(data)
        fd = os.open(path, os.O_RDONLY)
        try:
            return elf.parse(fd, "/p")
        finally:
            os.close(fd)

    return read


@pytest.mark.parametrize(
    ("bits", "level"), [(1, ""), (V2, "v2"), (V3, "v3"), (4, "v3"), (V4, "v4"), (0, ""), (1 << 20, "")]
)
def test_the_level_is_the_highest_bit_of_isa_needed(parse, bits, level):
    """IA2c"""
    assert parse(program((0x6474E553, isa(bits)))).level == level
    assert parse(program((1, b""), (4, isa(bits)))).level == level


def test_what_was_merely_used_is_not_needed(parse):
    assert parse(program((4, isa(V4, kind=0xC0010002)))).level == ""


def test_the_oldest_kernel_stands_in_the_abi_tag(parse):
    read = parse(program((4, note(3, b"build-id-of-20-bytes") + abi(5, 4, 0)), (0x6474E553, isa(V3))))

    assert (read.kernel, read.level) == ("5.4.0", "v3")
    assert parse(program((4, abi(2, 6, 32)), wide=False, machine=3)).kernel == "2.6.32"
    assert parse(program((4, abi(3, 7, 0, order=">")), machine=22, order=">")).kernel == "3.7.0"


def test_an_abi_tag_of_another_system_says_nothing(parse):
    assert parse(program((4, abi(1, 2, 3, system=1)))).kernel == ""


def test_levels_of_x86_64_count_for_x86_64_only(parse):
    assert parse(program((4, isa(V3)), machine=183)).level == ""


def test_a_real_program_names_its_oldest_kernel():
    """Debian's glibc writes 3.2.0 on amd64 and newer ones elsewhere."""
    fd = os.open(os.path.realpath("/bin/ls"), os.O_RDONLY)
    try:
        assert elf.parse(fd, "/bin/ls").kernel.split(".")[0] in "3456"
    finally:
        os.close(fd)


@pytest.mark.skipif(shutil.which("gcc") is None or os.uname().machine != "x86_64", reason="needs gcc for x86-64")
def test_a_program_that_was_linked_for_v3_needs_v3(tmp_path):
    (tmp_path / "p.c").write_text("void _start(void) { for (;;) ; }")
    words = ["gcc", "-nostdlib", "-static", "-Wl,-z,x86-64-v3", "-o", tmp_path / "p", tmp_path / "p.c"]
    subprocess.run(words, check=True)
    bundle = Bundle("/b", rootfs=str(tmp_path), args=("/p",))

    assert elf.entrypoint(bundle).level == "v3"


@pytest.fixture
def rootfs(tmp_path):
    root = tmp_path / "rootfs"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/app").write_bytes(program((4, abi(5, 4, 0))))
    (root / "bin").symlink_to("/usr/bin")
    return root


def entry(rootfs, *args, env=()):
    return elf.entrypoint(Bundle("/b", rootfs=str(rootfs), args=args, env=env))


def test_the_program_is_searched_as_the_runtime_does(rootfs):
    assert entry(rootfs, "/usr/bin/app").kernel == "5.4.0"
    assert entry(rootfs, "/bin/app").kernel == "5.4.0"
    assert entry(rootfs, "app").path == "/usr/bin/app"
    assert entry(rootfs, "app", env=("PATH=relative:/none:/bin",)).path == "/bin/app"
    assert entry(rootfs, "app", env=("PATH=/sbin",)) is None
    assert entry(rootfs, "app", env=("PATH=/sbin", "PATH=/bin")).path == "/bin/app"


def test_what_cannot_be_looked_at_needs_nothing(rootfs):
    (rootfs / "usr/bin/script").write_text("#!/usr/bin/app\n")
    os.mkfifo(rootfs / "usr/bin/fifo")
    (rootfs / "usr/bin/loop").symlink_to("loop")
    (rootfs / "usr/bin/out").symlink_to("../../../../../../../../bin/ls")
    (rootfs / "usr/bin/dir").mkdir()
    (rootfs / "usr/bin/empty").write_bytes(b"")
    for name in ("fifo", "loop", "out", "none", "dir", "a\0b", "./app", "sub/app", "x\n\x1b[31m", "a" * 300):
        assert entry(rootfs, name) is None, name
        assert name.startswith(("./", "sub/")) or entry(rootfs, "/usr/bin/" + name) is None, name
    for name in ("script", "empty"):
        needs = entry(rootfs, name)
        assert (needs.kernel, needs.level) == ("", "")
    assert entry(rootfs) is None
    assert elf.entrypoint(Bundle("/b", args=("/usr/bin/app",))) is None


def test_links_lead_nowhere_outside_of_the_root_filesystem(tmp_path, rootfs):
    """Security rule R7"""
    (tmp_path / "secret").write_bytes(program((4, abi(9, 9, 9))))
    (rootfs / "usr/bin/link").symlink_to(tmp_path / "secret")
    (rootfs / "usr/bin/up").symlink_to("../../../secret")

    assert entry(rootfs, "link") is None
    assert entry(rootfs, "up") is None


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(parse, cut):
    data = program((4, abi(5, 4, 0)), (0x6474E553, isa(V3)))
    read = parse(data[:cut])

    assert read.kernel in ("", "5.4.0")
    assert read.level in ("", "v3")


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 260), st.integers(0, 255)), max_size=12))
def test_no_bytes_break_the_parser(tmp_path_factory, changes):
    data = bytearray(program((4, abi(5, 4, 0)), (0x6474E553, isa(V3))))
    for at, value in changes:
        data[at % len(data)] = value
    fd = os.memfd_create("elf")
    try:
        os.write(fd, data)
        elf.parse(fd, "/p")
    finally:
        os.close(fd)


def test_a_huge_segment_is_not_read(parse):
    data = bytearray(program((4, abi(5, 4, 0))))
    data[64 + 32 : 64 + 40] = struct.pack("<Q", 1 << 40)

    assert parse(bytes(data)).kernel == ""
