"""Trees of files that stand for hosts."""

from __future__ import annotations

import pytest

from hostfit.core.facts import Wanted
from hostfit.facts.host import Host


@pytest.fixture
def tree(tmp_path):
    """Give a function that writes files (bytes or text by path, None for a directory) and returns the root."""

    def build(files, links=()):
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for path, content in files.items():
            place = root / path.lstrip("/")
            if content is None:
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        for path, target in dict(links).items():
            place = root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target)
        return str(root)

    return build


@pytest.fixture
def feature(tree):
    """Give a function that reads one feature of a tree."""

    def read(name, files, names=None, links=()):
        return Host(tree(files, links)).read(Wanted({name: None if names is None else set(names)}))[name]

    return read


def make_elf(sections):
    """Make a little ELF64 file with these sections."""
    names = b"\0"
    body = b""
    headers = [bytes(64)]
    for name, content in [*sections.items(), (".shstrtab", None)]:
        at = len(names)
        names += name.encode() + b"\0"
        data = names if content is None else content
        head = at.to_bytes(4, "little") + bytes(20) + (64 + len(body)).to_bytes(8, "little")
        headers.append((head + len(data).to_bytes(8, "little")).ljust(64, b"\0"))
        body += data
    table = 64 + len(body)
    head = b"\x7fELF\x02\x01\x01".ljust(40, b"\0") + table.to_bytes(8, "little") + bytes(10)
    head += (64).to_bytes(2, "little") + len(headers).to_bytes(2, "little") + (len(headers) - 1).to_bytes(2, "little")
    return head + body + b"".join(headers)


@pytest.fixture
def elf():
    """Give a function that makes an ELF file of some sections."""
    return make_elf
