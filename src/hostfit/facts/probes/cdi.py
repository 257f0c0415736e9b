"""cdi.device: what the Container Device Interface's spec files of this host offer (CDI SPEC.md, 1.0)."""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.facts import Feature, Unknown
from hostfit.core.text import escape
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.facts.root import Root

_DIRECTORIES = ("/etc/cdi", "/var/run/cdi")
"""In rising order of precedence."""
_MOST_FILES = 256
_KEYS = frozenset(["cdiVersion", "kind", "annotations", "devices", "containerEdits"])
_DEVICE_KEYS = frozenset(["name", "annotations", "containerEdits"])
_ALNUM = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_INNER = {"vendor": _ALNUM | set("_-."), "class": _ALNUM | set("_-"), "device": _ALNUM | set("_-.:")}
"""Characters of each part of a qualified name; vendor and class begin with a letter, all end alphanumeric."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give all devices; a spec file that is not valid makes further devices unknown and takes away none."""
    del feature
    offered: dict[str, dict[str, str]] = {}
    why: Unknown | None = None
    for directory in _DIRECTORIES:
        here: dict[str, dict[str, str]] = {}
        twice: set[str] = set()
        try:
            files = _spec_files(root, directory)
        except OSError as error:
            why = why or Unknown(reason(error))
            continue
        for path in files[:_MOST_FILES]:
            try:
                devices = _devices(_load(root, path))
            except OSError as error:
                why = why or Unknown(reason(error))
                continue
            except ValueError as error:
                why = why or Unknown(f"{path}: not a valid CDI spec: {escape(str(error))}")
                continue
            for device in devices:
                if device["name"] in here:
                    twice.add(device["name"])
                here[device["name"]] = device
        if len(files) > _MOST_FILES:
            why = why or Unknown(f"{directory}: more than {_MOST_FILES} files")
        # Two specs of one directory that name the same device are in conflict: neither is used.
        offered |= here
        offered = {name: device for name, device in offered.items() if name not in twice}
    found = [
        {key: text for key, text in offered[name].items() if names is None or key in names} for name in sorted(offered)
    ]
    return Feature(instances=found, unknown=why)


def _spec_files(root: Root, directory: str) -> list[str]:
    """Give the spec files in a directory; none if it is not there, which is the common case."""
    if not root.exists(directory):
        return []
    return [f"{directory}/{name}" for name in root.names(directory) if name.endswith((".json", ".yaml"))]


def _load(root: Root, path: str) -> Any:
    """Parse one file. Raises ValueError."""
    data = root.read(path, limits.DOCUMENT)
    if path.endswith(".json"):
        # Cold: most hosts have no such file.
        from hostfit.core import fastjson  # see the line above

        return fastjson.loads(data, what="the file")
    from hostfit.core import yamltree  # cold: imports PyYAML
    from hostfit.oci import site  # puts PyYAML on the path

    site.enable()
    return yamltree.load(data.decode("utf-8"))[0]


def _devices(spec: Any) -> list[dict[str, str]]:
    """Check a spec as far as it names devices, and give these. Raises ValueError."""
    _check_keys(spec, _KEYS, "the spec")
    version = spec.get("cdiVersion")
    if not isinstance(version, str) or not all([part.isdecimal() for part in version.split(".")]):
        raise ValueError("cdiVersion: must be a version")
    kind = spec.get("kind")
    vendor, slash, class_ = kind.partition("/") if isinstance(kind, str) else ("", "", "")
    if not (slash and _is_name(vendor, "vendor") and _is_name(class_, "class")):
        raise ValueError("kind: must be VENDOR/CLASS")
    devices = spec.get("devices")
    if not isinstance(devices, list) or not devices:
        raise ValueError("devices: must be a list that is not empty")
    found = []
    for device in devices:
        _check_keys(device, _DEVICE_KEYS, "a device")
        name = device.get("name")
        if not isinstance(name, str) or not _is_name(name, "device"):
            raise ValueError("a device's name: must be letters, digits, or one of _-.: within")
        found.append({"name": f"{kind}={name}", "kind": str(kind), "vendor": vendor, "class": class_, "device": name})
    if len({device["device"] for device in found}) < len(found):
        raise ValueError("devices: must have names of their own")
    return found


def _check_keys(tree: Any, known: frozenset[str], what: str) -> None:
    if not isinstance(tree, dict):
        raise ValueError(f"{what}: must be a mapping")  # noqa: TRY004 - one kind of error for all that is not valid
    strange = sorted(set(tree) - known)
    if strange:
        raise ValueError(f"{what}: has no key {strange[0]}")


def _is_name(text: str, part: str) -> bool:
    inner = _INNER[part]
    if not text or len(text) > limits.DIAGNOSTIC_VALUE or not all([char in inner for char in text]):
        return False
    return text[-1] in _ALNUM and (text[0] in _ALNUM if part == "device" else text[0].isalpha())
