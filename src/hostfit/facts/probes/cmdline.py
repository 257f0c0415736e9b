"""`kernel.cmdline`: the kernel's parameters, those that may hold secrets without their value."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.modules import normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_SECRET = ("pass", "secret", "token", "key", "cred", "auth", "cookie", "uuid", "iscsi", "url")
"""A parameter whose name holds one of these is there, with a value that is not shown."""
_NO_SECRET = ("passthrough", "bypass", "keyboard")
"""Words that hold one of these and mean something else: iommu.passthrough, spec_store_bypass_disable."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `kernel.cmdline`. Raises OSError."""
    del feature
    found = parameters(root.text("/proc/cmdline"))
    if names is None:
        return Feature(attributes={name: shown(name, value) for name, value in found.items()})
    # The kernel takes - and _ in parameter names as the same (kernel/params.c, parameq).
    by_name = {normal(name): value for name, value in found.items()}
    return Feature(attributes={name: shown(name, by_name[normal(name)]) for name in names if normal(name) in by_name})


def shown(name: str, value: str) -> str | Unknown:
    """Give the value, or why it is not shown."""
    lower = name.lower()
    for word in _NO_SECRET:
        lower = lower.replace(word, "")
    if any([part in lower for part in _SECRET]) or "://" in value:
        return Unknown(f"/proc/cmdline: the value of {name} is not shown, it may be a secret")
    return value


def parameters(text: str) -> dict[str, str]:
    """Give parameters by name, the last of each, which is the one that counts; what follows `--` is for init.

    Double quotes keep spaces in a value and are not part of it, as in lib/cmdline.c (next_arg).
    """
    found: dict[str, str] = {}
    word = ""
    inside = False
    for char in text.strip("\0\n") + " ":
        if char == '"':
            inside = not inside
        elif char in " \t\n" and not inside:
            if word == "--":
                break
            name, _, value = word.partition("=")
            if name:
                found[name] = value
            word = ""
            continue
        word += char
    return {name.strip('"'): value.strip('"') for name, value in found.items()}
