"""What the probes of devices share: how sysfs says "none", "not here" and "cannot be read"."""

from __future__ import annotations

import errno

from hostfit.core.facts import Unknown
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostfit.facts.root import Root

_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_GONE = (*_ABSENT, errno.ENODEV)
"""ENODEV is what an attribute answers while its device is being taken away."""


def children(root: Root, path: str, top: str) -> list[str]:
    """Give the names in a directory that exists only where there is such a facility.

    No directory means none of it, if `top`, which every host has, is there; without `top` the tree holds
    nothing on the matter and the error is raised.
    """
    try:
        return root.names(path)
    except OSError as error:
        if error.errno in _ABSENT and root.exists(top):
            return []
        raise


def value(root: Root, path: str) -> str | Unknown | None:
    """Give an attribute's text, None if the device has no such attribute, Unknown if it cannot be read.

    Many attributes exist and still have no answer, `speed` of a link that is down (EINVAL) for one.
    """
    try:
        return root.line(path)
    except OSError as error:
        return None if error.errno in _GONE else Unknown(reason(error))


def linked(root: Root, path: str) -> str | Unknown | None:
    """Give the last name of a symbolic link's target (`driver`, `subsystem`), None if there is no link."""
    try:
        return root.link(path).rpartition("/")[2]
    except OSError as error:
        return None if error.errno in _GONE or error.errno == errno.EINVAL else Unknown(reason(error))


def hexadecimal(text: str | Unknown | None) -> str | Unknown | None:
    """Give a number as sysfs prints it (0x10DE) in the form of the vocabulary (10de)."""
    return text.lower().removeprefix("0x") if isinstance(text, str) else text


def wanted(names: set[str] | None, name: str) -> bool:
    """Whether somebody asks for an element."""
    return names is None or name in names


def present(found: Mapping[str, str | Unknown | None]) -> dict[str, str | Unknown]:
    """Give the attributes without those that the device does not have, all as text that can be written."""
    return {name: clean(text) if isinstance(text, str) else text for name, text in found.items() if text is not None}


def clean(text: str) -> str:
    """Give a name that may hold bytes which are no UTF-8 (as surrogates) with U+FFFD in their place.

    The kernel lets network links have any name without a slash, a colon or space.
    """
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
