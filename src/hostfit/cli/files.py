"""Files that a person names on the command line: specs and recorded hosts, read with caps and clear errors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hostfit.core import limits
from hostfit.core.errors import UsageError
from hostfit.core.text import escape
from hostfit.oci.files import read_capped

if TYPE_CHECKING:
    from hostfit.core.spec import Spec
    from hostfit.core.vocabulary import Lookup


_INPUT = "standard input"


def label(path: str) -> str:
    """Give the name by which messages call a file."""
    return _INPUT if path == "-" else path


def read_named(path: str, cap: int) -> bytes:
    """Read a file, or standard input for `-`. Raises UsageError that names the file and the errno."""
    if path == "-":
        data = sys.stdin.buffer.read(cap + 1)
        if len(data) > cap:
            raise UsageError(f"{_INPUT}: at most {cap} bytes expected, found more")
        return data
    try:
        return read_capped(path, cap)
    except OSError as error:
        import errno  # needed for the message only

        name = errno.errorcode.get(error.errno or 0, "EIO")
        raise UsageError(f"file {escape(path)}: cannot be read: {name}") from error


def read_spec_file(path: str, lookup: Lookup | None) -> Spec:
    """Read and check a spec in YAML or JSON. Raises SpecError with every problem, UsageError if unreadable."""
    from hostfit.core.read import read_spec  # may import YAML

    return read_spec(read_named(path, limits.DOCUMENT), place=label(path), lookup=lookup)
