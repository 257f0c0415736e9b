"""One image by its name, digest or ID, from whatever local store has it (cold: `hostfit check IMAGE`)."""

from __future__ import annotations

import os

from hostfit.core.errors import NoSuchImageError, SourceError
from hostfit.core.text import quoted
from hostfit.oci import digest as digests
from hostfit.oci import reference as references
from hostfit.sources import containerimage, docker, storage, storageconf
from hostfit.sources.containerd import Client
from hostfit.sources.layout import open_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostfit.core.image import Image, Platform

LAYOUT_PREFIX = "oci:"
SOCKETS = ("/run/containerd/containerd.sock", docker.SOCKET)
_SHORTEST_ID = 8
_TIMEOUT = 10.0
_HEX = frozenset("0123456789abcdef")


class _Searched:
    """Where the search went, for the message when it found nothing."""

    def __init__(self) -> None:
        self.places: list[str] = []
        self.problems: list[str] = []


def find(name: str, *, platform: str = "") -> Image:
    """Find an image in a local store.

    `name` is `oci:DIRECTORY[:TAG]` or a directory for an OCI layout, else a name, digest or ID (also its first
    digits) in containers-storage (the system's, and the user's own), containerd or Docker. Of several platforms that
    of this host is taken, or `platform` ("linux/arm64"). Raises NoSuchImageError that lists what was searched,
    SourceError where a store is broken.
    """
    wanted = _wanted(platform)
    if name.startswith(LAYOUT_PREFIX) or os.path.isdir(name):
        return _of_layout(name.removeprefix(LAYOUT_PREFIX), platform)
    searched = _Searched()
    stages = (_in_storage(name, searched), _in_containerd(name, wanted, searched), _in_docker(name, searched))
    for stage in stages:
        for image in stage:
            if image.platform is None or wanted(image.platform):
                return image
    places = (
        "searched " + "; ".join(searched.places) if searched.places else "found none of Podman, containerd or Docker"
    )
    problems = "".join([f"; {one}" for one in searched.problems])
    raise NoSuchImageError(
        f"image {quoted(name)} is in no local store: {places}{problems}",
        hint="pull or load it first, or name an OCI layout as oci:DIRECTORY:TAG",
    )


def _wanted(platform: str) -> Callable[[Platform], bool]:
    """Which member of an index to take; anything goes without a platform, for this host's comes first."""
    if not platform:
        return lambda _: True
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")

    def fits(has: Platform) -> bool:
        return (has.os, has.architecture) == (system, architecture) and (not variant or has.variant == variant)

    return fits


def _of_layout(name: str, platform: str) -> Image:
    wanted = _wanted(platform)
    layout, directory, tag = open_layout(name)
    image = layout.image(tag, lambda found: wanted(found.platform()))
    if image is None:
        other = layout.image(tag, lambda _: True)
        if other is not None:
            raise NoSuchImageError(
                f"image {quoted(name)} has no platform {quoted(platform)}, found {quoted(str(other.platform))}"
            )
        raise NoSuchImageError(f"OCI layout {quoted(directory)} has no tag or digest {quoted(tag)}")
    return image


def stores() -> Iterator[storage.Store]:
    """Give every containers-storage of this host, the user's own first where that is not root's."""
    configurations = [storageconf.read()]
    if os.geteuid() != 0:
        configurations.insert(0, storageconf.read(user=True))
    for conf in configurations:
        for root in conf.image_roots():
            for driver in _drivers(root):
                yield storage.Store(root, driver)


def _in_storage(name: str, searched: _Searched) -> Iterator[Image]:
    for store in stores():
        searched.places.append(store.label)
        try:
            for record in store.records():
                if named(record, name):
                    yield store.image(record, name=_shown(record, name))
        except SourceError as error:
            searched.problems.append(error.message)


def _drivers(root: str) -> list[str]:
    try:
        return sorted([one.removesuffix("-images") for one in os.listdir(root) if one.endswith("-images")])
    except OSError:
        return []


def named(record: dict[str, object], name: str) -> bool:
    """Whether an entry of images.json is what `name` means."""
    names = record.get("names")
    known = names if isinstance(names, list) else []
    digest = references.digest_of(name)
    if any([one in known for one in references.readings(name)]):
        return True
    if digest:
        listed = record.get("big-data-digests")
        keys = listed if isinstance(listed, dict) else {}
        return (
            record.get("digest") == digest or f"manifest-{digest}" in keys or _is_id(str(record.get("id")), digest[7:])
        )
    return _is_id(str(record.get("id")), name)


def _is_id(image_id: str, name: str) -> bool:
    return len(name) >= _SHORTEST_ID and _HEX.issuperset(name) and image_id.startswith(name)


def _shown(record: dict[str, object], name: str) -> str:
    """The store's own name that `name` stands for, empty if it was found by digest or ID."""
    names = record.get("names")
    known = names if isinstance(names, list) else []
    return next((one for one in references.readings(name) if one in known), "")


def _in_containerd(name: str, wanted: Callable[[Platform], bool], searched: _Searched) -> Iterator[Image]:
    for socket in SOCKETS:
        if not os.path.exists(socket):
            continue
        try:
            with containerimage.connect((socket,), timeout=_TIMEOUT) as channel:
                for namespace in sorted(Client(channel, "default").namespaces()):
                    client = Client(channel, namespace)
                    searched.places.append(client.label)
                    yield from find_in_containerd(client, name, wanted)
        except SourceError as error:
            searched.problems.append(error.message)


def find_in_containerd(client: Client, name: str, wanted: Callable[[Platform], bool]) -> Iterator[Image]:
    """Give the images of one namespace that `name` means, by name, digest or image ID. Raises SourceError."""
    for one in references.readings(name):
        named = client.image(one)
        found = containerimage.read(client, named, lambda one: wanted(one.platform())) if named is not None else None
        if found is not None:
            yield containerimage.make(client, found, name=one)
    digest = references.digest_of(name)
    for named in client.images(digest) if digest else ():
        found = containerimage.read(client, named, lambda one: wanted(one.platform()))
        if found is not None:
            yield containerimage.make(client, found)
    image_id = digest[7:] if digest else name
    if not digest and not (len(name) >= _SHORTEST_ID and _HEX.issuperset(name)):
        return
    for named in client.images():
        found = containerimage.read(client, named, lambda one: wanted(one.platform()))
        if found is not None and (_is_id(found.config_digest[7:], image_id) or found.digest == digest):
            yield containerimage.make(client, found)


def _in_docker(name: str, searched: _Searched) -> Iterator[Image]:
    for root in docker.roots():
        if not os.path.isdir(f"{root}/image"):
            continue
        store = docker.Store(root)
        searched.places.append(store.label)
        try:
            known = store.references()
            for one in (*_familiar(name), references.digest_of(name)):
                image_id = known.get(one, one)
                image = (
                    store.image_by_id(image_id, name=one if one in known else "") if digests.valid(image_id) else None
                )
                if image is not None:
                    yield image
            for image_id in dict.fromkeys(known.values()):
                if _is_id(image_id[7:], name):
                    image = store.image_by_id(image_id)
                    if image is not None:
                        yield image
        except SourceError as error:
            searched.problems.append(error.message)


def _familiar(name: str) -> tuple[str, ...]:
    """Docker's file has names in short form: without docker.io/ and library/."""
    full = [one.removeprefix("docker.io/") for one in references.readings(name)]
    return tuple(dict.fromkeys([*full, *[one.removeprefix("library/") for one in full]]))
