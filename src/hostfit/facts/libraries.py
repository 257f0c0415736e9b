"""Where the host's shared libraries lie, and what their file names say. Nothing is executed.

The directories are those of ld.so(8): the trusted ones, and those of /etc/ld.so.conf and what it includes.
"""

from __future__ import annotations

import errno

from hostfit.core.facts import Unknown
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

TRUSTED = (
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
)
_DIRECTORIES = 64
_CONF_FILES = 64
_CONF = 1 << 16
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


class Library:
    """One versioned file: name, numbers in the file name, and the path on the host."""

    __slots__ = ("name", "numbers", "path")

    def __init__(self, name: str, numbers: tuple[str, ...], path: str) -> None:
        self.name = name
        self.numbers = numbers
        self.path = path

    def attributes(self) -> dict[str, str]:
        """Give soname, abi and path as attributes of an instance."""
        found = {
            "soname": f"{self.name}.so.{self.numbers[0]}",
            "abi": ".".join(self.numbers),
            "abi.major": self.numbers[0],
            "path": self.path,
        }
        if len(self.numbers) > 1:
            found["abi.minor"] = self.numbers[1]
        return found


def directories(root: Root) -> list[str]:
    """Give the directories that exist, each once however many links lead to it. Raises OSError.

    One that cannot be looked at is among them.
    """
    # A tree that has neither is no host's filesystem.
    if not root.exists("/lib"):
        root.stat("/usr/lib")
    found: dict[str, str] = {}
    for path in (*TRUSTED, *configured(root)):
        try:
            real = root.resolve(path)
        except OSError as error:
            if error.errno in _ABSENT:
                continue
            real = path
        found.setdefault(real, path)
        if len(found) >= _DIRECTORIES:
            break
    return list(found.values())


def configured(root: Root) -> list[str]:
    """Give the directories that /etc/ld.so.conf names, with `include` patterns of one directory's *.conf."""
    found: list[str] = []
    left = ["/etc/ld.so.conf"]
    for _ in range(_CONF_FILES):
        if not left:
            break
        try:
            text = root.text(left.pop(0), _CONF)
        except OSError:
            continue
        for line in text.split("\n"):
            words = line.partition("#")[0].split()
            if len(words) == 2 and words[0] == "include":
                left += _matching(root, words[1])
            elif len(words) == 1 and words[0].startswith("/"):
                found.append(words[0])
    return found


def _matching(root: Root, pattern: str) -> list[str]:
    base, _, name = pattern.rpartition("/")
    base = base if base.startswith("/") else f"/etc/{base}".rstrip("/")
    before, star, after = name.partition("*")
    if not star:
        return [f"{base}/{name}"]
    try:
        names = root.names(base)
    except OSError:
        return []
    return [f"{base}/{one}" for one in names if one.startswith(before) and one.endswith(after)]


def versioned(root: Root, prefix: str = "lib") -> tuple[list[Library], Unknown | None]:
    """Give every `NAME.so.N...` whose name begins with `prefix`, the longest version of each link chain.

    Beside them stands why there may be more, where a directory cannot be read. Raises OSError.
    """
    found = []
    why = None
    for base in directories(root):
        try:
            names = root.names(base)
        except OSError as error:
            if error.errno not in _ABSENT:
                why = why or Unknown(reason(error))
            continue
        parsed = [one for one in [parse(name) for name in names if name.startswith(prefix)] if one is not None]
        # libmpi.so.40 is the link to libmpi.so.40.30.4 and says nothing more.
        longer = {(name, numbers[:count]) for name, numbers in parsed for count in range(1, len(numbers))}
        found += [
            Library(name, numbers, f"{base}/{name}.so.{'.'.join(numbers)}")
            for name, numbers in parsed
            if (name, numbers) not in longer
        ]
    return found, why


def parse(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Split `libmpi.so.40.30.4` into name and numbers; None for names of another form."""
    stem, found, version = name.partition(".so.")
    numbers = tuple(version.split("."))
    if not found or not stem or not all([part.isascii() and part.isdecimal() for part in numbers]):
        return None
    return stem, numbers
