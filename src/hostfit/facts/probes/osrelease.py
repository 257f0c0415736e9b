"""`system.osrelease`: the keys of os-release(5)."""

from __future__ import annotations

from hostfit.core.facts import Feature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `system.osrelease`. Raises OSError."""
    del feature, names
    try:
        text = root.text("/etc/os-release", 1 << 16)
    except FileNotFoundError:
        text = root.text("/usr/lib/os-release", 1 << 16)
    return Feature(attributes=parse(text))


def parse(text: str) -> dict[str, str]:
    """Give every KEY=value, quotes around the value trimmed as NFD does, and the numbers of VERSION_ID."""
    found = {}
    for line in text.split("\n"):
        key, equals, value = line.strip().partition("=")
        if equals and key and not key.startswith("#"):
            found[key.strip()] = value.strip().strip("\"'")
    version = found.get("VERSION_ID", "").split(".")
    for name, number in zip(("VERSION_ID.major", "VERSION_ID.minor"), version, strict=False):
        if not (number.isascii() and number.isdecimal()):
            break
        found[name] = number
    return found
