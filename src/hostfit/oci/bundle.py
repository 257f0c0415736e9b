"""A bundle's config.json (runtime-spec, config.md), read once through one descriptor and remembered by fingerprint."""

from __future__ import annotations

import os

from hostfit.core import fastjson, limits
from hostfit.core.errors import BundleError
from hostfit.core.text import escape, quoted
from hostfit.oci.files import read_fd, require_regular, sha256, symbol
from hostfit.oci.request import Bundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KEYS = {
    "": ("annotations", "process", "root", "mounts", "linux"),
    "process": ("args", "env"),
    "root": ("path",),
    "linux": ("devices",),
}
"""What is read of each object; Go's decoder would also take these in another case, which only a forgery has."""


def read_bundle(path: str, *, config: str = "config.json", fd: int = -1) -> Bundle:
    """Read the bundle in directory `path`, absolute; `config` is the file's name or absolute path. The file may be
    given open as `fd`, which stays open.

    Raises BundleError where the file cannot be read, is longer than limits.CONFIG_JSON, is not strict JSON, or one of
    the fields that hostfit reads has another type than runtime-spec gives it.
    """
    place = os.path.join(path, config)
    try:
        data, fingerprint = _read(place) if fd < 0 else _read_open(fd, place)
    except (OSError, ValueError) as error:
        found = symbol(error) if isinstance(error, OSError) else "a path that no file can have"
        raise BundleError(f"{escape(place)}: must be a readable bundle configuration, found {found}") from error
    try:
        tree = fastjson.loads(data, what=escape(place), cap=limits.CONFIG_JSON)
    except ValueError as error:
        raise BundleError(str(error)) from error
    if type(tree) is not dict:
        raise BundleError(f"{escape(place)}: must be an object")
    reader = _Reader(escape(place))
    reader.cases("", tree)
    process = reader.object(tree, "process")
    root = reader.object(tree, "root").get("path", "")
    if type(root) is not str:
        raise reader.wrong("root.path", "text")
    annotations = reader.object(tree, "annotations")
    for key, value in annotations.items():
        if type(value) is not str:
            raise reader.wrong("annotations." + escape(key), "text")
    devices = reader.objects(reader.object(tree, "linux"), "linux.devices")
    mounts = reader.objects(tree, "mounts")
    return Bundle(
        path,
        annotations=annotations,
        env=reader.texts(process, "process.env"),
        args=reader.texts(process, "process.args"),
        rootfs=os.path.join(path, root) if root else "",
        devices=tuple([one["path"] for one in devices if type(one.get("path")) is str]),
        mounts=tuple([(_text(one.get("source")), _text(one.get("destination"))) for one in mounts]),
        fingerprint=(place, *fingerprint),
    )


def unchanged(bundle: Bundle) -> bool:
    """Whether the configuration on disk is still what was read: same inode, size, time and content (rule R8)."""
    try:
        return bundle.fingerprint[1:] == _read(str(bundle.fingerprint[0]))[1]
    except (OSError, ValueError, IndexError):
        return False


def _read(place: str) -> tuple[bytes, tuple[object, ...]]:
    fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        return _read_open(fd, place)
    finally:
        os.close(fd)


def _read_open(fd: int, place: str) -> tuple[bytes, tuple[object, ...]]:
    status = require_regular(fd, place)
    data = read_fd(fd, limits.CONFIG_JSON, place)
    return data, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, sha256(data))


def _text(value: object) -> str:
    return value if type(value) is str else ""


class _Reader:
    """Takes fields out of the tree and names the file and the field where their type is wrong."""

    def __init__(self, place: str) -> None:
        self.place = place

    def wrong(self, field: str, required: str) -> BundleError:
        return BundleError(f"{self.place}: {field} must be {required}")

    def cases(self, name: str, tree: dict[str, Any]) -> None:
        known = _KEYS.get(name, ())
        for key in tree:
            if key not in known and key.lower() in known:
                raise BundleError(f"{self.place}: key {quoted(key)} must be written {key.lower()}")

    def object(self, tree: dict[str, Any], name: str) -> dict[str, Any]:
        value = tree.get(name)
        if value is None:
            return {}
        if type(value) is not dict:
            raise self.wrong(name, "an object")
        self.cases(name, value)
        return value

    def objects(self, tree: dict[str, Any], field: str) -> list[dict[str, Any]]:
        value = tree.get(field.rpartition(".")[2])
        if value is None:
            return []
        if type(value) is not list or not all([type(one) is dict for one in value]):
            raise self.wrong(field, "a list of objects")
        return value

    def texts(self, tree: dict[str, Any], field: str) -> tuple[str, ...]:
        value = tree.get(field.rpartition(".")[2])
        if value is None:
            return ()
        if type(value) is not list or not all([type(one) is str for one in value]):
            raise self.wrong(field, "a list of texts")
        return tuple(value)
