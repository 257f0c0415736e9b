"""The state that a runtime writes to a hook's standard input (runtime-spec, runtime.md), as each runtime writes it."""

from __future__ import annotations

from hostfit.core import fastjson, limits
from hostfit.core.errors import BundleError
from hostfit.oci.files import read_fd, symbol


class State:
    """The container a hook runs for: its id and the absolute path of its bundle."""

    __slots__ = ("bundle", "id")

    def __init__(self, id: str, bundle: str) -> None:  # noqa: A002 - the runtime-spec's word
        self.id = id
        self.bundle = bundle


def read_state(fd: int) -> State:
    """Read the state from a descriptor, up to limits.STATE_JSON bytes.

    Only `id` and `bundle` are looked at: runc, crun and Kata differ in the others (Kata leaves `status` and
    `ociVersion` empty, crun says "created" and adds `root`), and annotations come from the bundle. Raises BundleError.
    """
    try:
        data = read_fd(fd, limits.STATE_JSON)
    except OSError as error:
        raise BundleError(f"state on standard input: must be readable, found {symbol(error)}") from error
    return parse_state(data)


def parse_state(data: bytes) -> State:
    """Give the state of some bytes, as `read_state`. Raises BundleError."""
    try:
        tree = fastjson.loads(data, what="state on standard input", cap=limits.STATE_JSON)
    except ValueError as error:
        raise BundleError(str(error)) from error
    if type(tree) is not dict:
        raise BundleError("state on standard input: must be an object")
    name, bundle = tree.get("id"), tree.get("bundle")
    if type(name) is not str or not name:
        raise BundleError("state on standard input: id must be a text that is not empty")
    if type(bundle) is not str or not bundle.startswith("/") or "\0" in bundle:
        raise BundleError("state on standard input: bundle must be an absolute path")
    return State(name, bundle)
