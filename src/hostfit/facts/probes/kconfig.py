"""`kernel.config`: the options of the running kernel, from the first file that holds them."""

from __future__ import annotations

from hostfit.core import limits, versions
from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.kernel import release
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_PLACES = (
    "/usr/src/linux-{}/.config",
    "/usr/src/linux-rt-{}/.config",
    "/usr/lib/modules/{}/config",
    "/usr/lib/ostree-boot/config-{}",
    "/usr/lib/kernel/config-{}",
    "/usr/src/linux-headers-{}/.config",
    "/lib/modules/{}/build/.config",
    "/usr/src/linux-rt-headers-{}/.config",
    "/boot/config-{}",
)
"""NFD's places after /proc/config.gz that name the release."""
_SOURCE = "/usr/src/linux/.config"
"""The last place: it counts only if its first lines name the running release, for it may be another kernel's."""
_TITLE = " Kernel Configuration"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `kernel.config`."""
    del feature
    why = ""
    for path in places(root):
        try:
            data = root.read(path)
        except OSError as error:
            why = why or reason(error)
            continue
        if path.endswith(".gz"):
            found = inflate(data)
            if found is None:
                why = f"{path}: not gzip data, or more than {limits.PROC_FILE} bytes of it"
                continue
            data = found
        text = data.decode("utf-8", "replace")
        if "\nCONFIG_" in "\n" + text and (path != _SOURCE or titled(text) == versions.parse_host(release(root))):
            return Feature(attributes=options(text, names))
        why = why or f"{path}: no configuration of the running kernel"
    return Feature(attributes={}, unknown=Unknown(f"{why}, nor any other place of the kernel's configuration"))


def places(root: Root) -> list[str]:
    """Give the paths to try, in order; without a release only /proc/config.gz."""
    try:
        running = release(root)
    except OSError:
        return ["/proc/config.gz"]
    return ["/proc/config.gz", *[place.format(running) for place in _PLACES], _SOURCE]


def titled(text: str) -> tuple[int, int, int] | None:
    """Give the version in the title of a configuration: `# Linux/x86 6.1.76 Kernel Configuration`."""
    for line in text[:512].split("\n"):
        if line.endswith(_TITLE):
            return versions.parse_host(line.removesuffix(_TITLE).rpartition(" ")[2])
    return None


def inflate(data: bytes) -> bytes | None:
    """Decompress gzip data up to the cap of one file of procfs; None if it is broken or longer."""
    import zlib  # needed where the kernel has /proc/config.gz and somebody asks for an option

    # 31: a gzip header, and the largest window.
    stream = zlib.decompressobj(31)
    try:
        text = stream.decompress(data, limits.PROC_FILE)
    except zlib.error:
        return None
    return text if stream.eof else None


def options(text: str, names: set[str] | None) -> dict[str, str]:
    """Give the options that are set, without CONFIG_ and without quotes around the value."""
    found = {}
    for line in text.split("\n"):
        if not line.startswith("CONFIG_"):
            continue
        name, equals, value = line[7:].partition("=")
        if equals and (names is None or name in names):
            found[name] = value.strip().strip('"')
    return found
