"""udev.device: devices with their properties, through pyudev on a live host and from files in a tree.

Both ways give what libudev gives: the keys of the kernel's uevent file, DEVPATH, SUBSYSTEM and what udev's
rules have put into /run/udev/data (the format is private to systemd, in use unchanged since udev 174).
"""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.devtree import children, clean, linked, value, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.facts.root import Root

_DATABASE = "/run/udev/data"
_PREFIX = "property."
_LIBRARIES = {"udev": "libudev.so.1"}
"""The name by which the loader finds libudev, whose soname has been this since udev 183."""
MOST = 8192
"""Devices that are read at most; a large storage server has some thousands."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give all devices with the attributes and properties that are asked for."""
    del feature
    context = pyudev_context() if root.live else None
    if context is not None:
        found, complete = _through_pyudev(context, names)
    else:
        found, complete = _from_files(root, names)
    return Feature(instances=found, unknown=None if complete else too_many())


def too_many() -> Unknown:
    """Say that there are more devices than are read."""
    return Unknown(f"/sys: more than {MOST} devices")


def pyudev_context() -> Any | None:
    """Give pyudev's context, or None where the package or libudev is missing."""
    # Cold: only rules on udev.device come here.
    import ctypes.util  # see the line above

    from hostfit.oci import site  # as above

    site.enable()
    search = ctypes.util.find_library
    # pyudev takes this function at import; the real one runs ldconfig and a compiler to find a library.
    ctypes.util.find_library = _library
    try:
        import pyudev  # found only once site packages are on the path

        return pyudev.Context()
    except (ImportError, OSError):
        return None
    finally:
        ctypes.util.find_library = search


def _library(name: str) -> str | None:
    return _LIBRARIES.get(name)


def _through_pyudev(context: Any, names: set[str] | None) -> tuple[list[dict[str, str]], bool]:
    found: list[dict[str, str]] = []
    properties = names is None or any([name.startswith(_PREFIX) for name in names])
    for device in context.list_devices():
        if len(found) == MOST:
            return found, False
        found.append(chosen(attributes(device, properties=properties), names))
    return found, True


def attributes(device: Any, *, properties: bool = True) -> dict[str, str | None]:
    """Give what pyudev knows of a device, None where it has no such thing."""
    found = {
        "name": device.sys_name,
        "subsystem": device.subsystem,
        "devtype": device.device_type,
        "driver": device.driver,
        "devnode": device.device_node,
    }
    return found | {_PREFIX + key: text for key, text in device.properties.items()} if properties else found


def chosen(found: Mapping[str, str | None], names: set[str] | None) -> dict[str, str]:
    """Give the attributes that are there and asked for."""
    return {key: clean(text) for key, text in found.items() if text and wanted(names, key)}


def _from_files(root: Root, names: set[str] | None) -> tuple[list[dict[str, str]], bool]:
    found: list[dict[str, str]] = []
    for path in _paths(root):
        if len(found) == MOST:
            return found, False
        properties = _properties(root, path)
        node = properties.get("DEVNAME")
        driver = linked(root, path + "/driver")
        described = {
            "name": path.rpartition("/")[2].replace("!", "/"),
            "subsystem": properties.get("SUBSYSTEM"),
            "devtype": properties.get("DEVTYPE"),
            "driver": driver if isinstance(driver, str) else None,
            "devnode": node,
        }
        described |= {_PREFIX + key: text for key, text in properties.items()}
        found.append(chosen(described, names))
    return found, True


def _paths(root: Root) -> list[str]:
    """Give the paths of all devices: what lies on a bus or in a class and has a uevent file."""
    places = [f"/sys/bus/{bus}/devices" for bus in children(root, "/sys/bus", "/sys")]
    places += [f"/sys/class/{kind}" for kind in children(root, "/sys/class", "/sys")]
    paths: dict[str, None] = {}
    for place in places:
        for name in children(root, place, "/sys"):
            # A link that leads nowhere is of a device that is being unplugged.
            if root.exists(f"{place}/{name}/uevent"):
                paths[root.resolve(f"{place}/{name}")] = None
    return list(paths)


def _properties(root: Root, path: str) -> dict[str, str]:
    """Give the properties of one device as libudev does."""
    properties = {"DEVPATH": path.removeprefix("/sys")}
    subsystem = linked(root, path + "/subsystem")
    if isinstance(subsystem, str):
        properties["SUBSYSTEM"] = subsystem
    uevent = value(root, path + "/uevent")
    # The kernel answers EACCES or ENODEV for a few devices; libudev goes on without as well.
    properties |= parse_uevent(uevent) if isinstance(uevent, str) else {}
    if "DEVNAME" in properties:
        properties["DEVNAME"] = "/dev/" + properties["DEVNAME"].removeprefix("/dev/")
    key = _database_key(path, properties)
    try:
        database = root.text(f"{_DATABASE}/{key}")
    except OSError:
        # udev does not run, or its rules gave this device nothing.
        return properties
    return properties | parse_database(database, properties.get("DEVNAME", ""))


def parse_uevent(text: str) -> dict[str, str]:
    """Give the KEY=VALUE lines of a uevent file (Documentation/ABI/stable/sysfs-devices)."""
    pairs = [line.partition("=") for line in text.splitlines()]
    return {key: value for key, equals, value in pairs if key and equals}


def parse_database(text: str, node: str) -> dict[str, str]:
    """Give the properties in a file of udev's database, whose lines are TYPE:VALUE.

    E is a property, S a link below /dev, I the time of initialisation, G a tag and Q a current tag.
    """
    properties: dict[str, str] = {}
    lists: dict[str, list[str]] = {"S": [], "G": [], "Q": []}
    for line in text.splitlines():
        kind, _, rest = line.partition(":")
        if kind == "E":
            properties |= parse_uevent(rest)
        elif kind == "I":
            properties["USEC_INITIALIZED"] = rest
        elif kind in lists:
            lists[kind].append(rest)
    if lists["S"] and node:
        properties["DEVLINKS"] = " ".join(["/dev/" + link for link in lists["S"]])
    for kind, key in (("G", "TAGS"), ("Q", "CURRENT_TAGS")):
        if lists[kind]:
            properties[key] = ":" + ":".join(lists[kind]) + ":"
    return properties


def _database_key(path: str, properties: dict[str, str]) -> str:
    """Give the name of a device's file: by number of its node, by index of its link, else by name."""
    subsystem = properties.get("SUBSYSTEM", "")
    if "MAJOR" in properties and "MINOR" in properties:
        return f"{'b' if subsystem == 'block' else 'c'}{properties['MAJOR']}:{properties['MINOR']}"
    if "IFINDEX" in properties:
        return "n" + properties["IFINDEX"]
    return f"+{subsystem}:{path.rpartition('/')[2]}"
