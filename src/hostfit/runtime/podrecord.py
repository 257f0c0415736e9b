"""hostfit.json in a bundle: which runtime and shim a pod was given, for whatever is called for it later.

containerd and CRI-O make a bundle's directory root's alone, and remove it with the container.
"""

from __future__ import annotations

import os

from hostfit.core import fastjson
from hostfit.oci.files import read_trusted, write_atomic
from hostfit.oci.pod import is_id

NAME = "hostfit.json"
_CAP = 64 << 10
_SHIM_PATH = "shim-binary-path"
"""containerd's own note of the shim that it called (since 1.6)."""


class PodRecord:
    """`runtime` is a name of the policy, `shim` the absolute path of what was executed."""

    __slots__ = ("runtime", "shim")

    def __init__(self, runtime: str, shim: str) -> None:
        self.runtime = runtime
        self.shim = shim


def load(bundle: str) -> PodRecord | None:
    """Give the record of a bundle, None where there is none that root wrote and that can be understood."""
    try:
        tree = fastjson.loads(read_trusted(f"{bundle}/{NAME}", _CAP), what=NAME)
        found = PodRecord(tree["runtime"], tree["shim"])
    except Exception:  # noqa: BLE001 - whatever is wrong with it, there is no record then
        return None
    texts = all([type(one) is str and one for one in (found.runtime, found.shim)])
    return found if texts and found.shim.startswith("/") else None


def save(bundle: str, record: PodRecord) -> None:
    """Write the record as a whole. Raises OSError."""
    text = fastjson.dumps({"runtime": record.runtime, "shim": record.shim})
    write_atomic(f"{bundle}/{NAME}", text.encode(), 0o600, durable=False)


def remove(bundle: str) -> None:
    """Take the record away again, if it is there."""
    try:
        os.unlink(f"{bundle}/{NAME}")
    except OSError:
        return


def beside(bundle: str, container: str, other: str) -> str:
    """Give the bundle of another container of the same engine, empty where that cannot be told.

    containerd has STATE/NAMESPACE/ID, CRI-O STORAGE/ID/userdata.
    """
    parts = bundle.split("/")
    if not is_id(other) or container not in parts[-2:]:
        return ""
    at = len(parts) - 1 if parts[-1] == container else len(parts) - 2
    return "/".join([*parts[:at], other, *parts[at + 1 :]])


def shim_called(bundle: str) -> str:
    """Give the path of the shim that containerd noted for a bundle, empty where it noted none."""
    try:
        return os.fsdecode(read_trusted(f"{bundle}/{_SHIM_PATH}", _CAP)).strip()
    except Exception:  # noqa: BLE001 - CRI-O and old versions of containerd have no such note
        return ""
