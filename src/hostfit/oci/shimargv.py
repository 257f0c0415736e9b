"""The command line of a containerd shim (runtime v2), read only as far as hostfit needs it and passed on as it came.

    SHIM -namespace NS -address ADDR -publish-binary BIN -id ID [-bundle B] [-debug] start | delete
    SHIM -info | -v

Flags are Go's: one dash or two, the value after `=` or as the next word; the first word that is none is the action.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_VALUES = ("namespace", "address", "publish-binary", "id", "bundle", "socket")
START, DELETE = "start", "delete"


class ShimCall:
    """What a call asks for. `action` is empty for `-info` and `-v`; of a flag that is given twice the last counts."""

    __slots__ = ("action", "address", "bundle", "id", "namespace")

    def __init__(self, action: str, flags: dict[str, str]) -> None:
        self.action = action
        self.id = flags.get("id", "")
        self.bundle = flags.get("bundle", "")
        self.namespace = flags.get("namespace", "")
        self.address = flags.get("address", "")


def parse(words: Iterable[bytes]) -> ShimCall:
    """Read the words after the shim's own name. Raises nothing: what is wrong with them the real shim says itself."""
    flags: dict[str, str] = {}
    rest = [os.fsdecode(word) for word in words]
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            return ShimCall(word, flags)
        if word == "--":
            return ShimCall(rest[0] if rest else "", flags)
        name, equals, value = word[2 if word.startswith("--") else 1 :].partition("=")
        if name in _VALUES:
            flags[name] = value if equals or not rest else rest.pop(0)
    return ShimCall("", flags)
