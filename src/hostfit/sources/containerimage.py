"""Which image a container of containerd runs: by CRI's image ID or by its layers, never by a tag alone.

A tag may have moved since the container was made. CRI keeps the image ID (the config's digest) in the container's
metadata; for all others the parent of the container's snapshot is the chain ID of the layers it was unpacked from.
"""

from __future__ import annotations

from hostfit.core import fastjson, limits
from hostfit.core.errors import SourceError
from hostfit.core.image import Resolution
from hostfit.core.text import escape, quoted
from hostfit.oci import digest as digests
from hostfit.oci import reference as references
from hostfit.oci.descriptor import Descriptor
from hostfit.sources import manifest as manifests
from hostfit.sources.containerd import Client
from hostfit.sources.grpc import Channel, TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hostfit.core.image import Image
    from hostfit.sources.containerd import Container, Named
    from hostfit.sources.manifest import Found

TIMEOUT = 1.5
"""Seconds for all calls of one container together; the whole hook has two."""
_CRI_METADATA = "io.cri-containerd.container.metadata"
_MOST_NAMES = 5000


def resolve(sockets: tuple[str, ...], namespace: str, container_id: str) -> Resolution:
    """Find the image of a container. Never raises: what cannot be reached, found or understood is a `reason`."""
    try:
        channel = connect(sockets)
    except SourceError as error:
        return Resolution("containerd", None, error.message)
    with channel:
        try:
            client = Client(channel, namespace)
            container = client.container(container_id)
            if container is None:
                return Resolution("containerd", None, f"{client.label}: container {escape(container_id)} is not listed")
            return _resolved(client, container)
        except SourceError as error:
            return Resolution("containerd", None, error.message, broken=not isinstance(error, TransportError))


def connect(sockets: tuple[str, ...], *, timeout: float = TIMEOUT) -> Channel:
    """Connect to the first socket that answers; raises TransportError with what is wrong with each."""
    reasons = []
    for path in sockets:
        try:
            return Channel(path, timeout=timeout)
        except SourceError as error:
            reasons.append(error.message)
    raise TransportError("; ".join(reasons) or "no containerd socket is known")


def _resolved(client: Client, container: Container) -> Resolution:
    if not container.image and not container.snapshot_key:
        return Resolution("")  # a root filesystem of the caller's own: there is no image
    image_id = _cri_image_id(container)
    chain = "" if image_id else _chain(client, container)
    if not image_id and chain is None:
        key = quoted(container.snapshot_key)
        return Resolution(
            "containerd", None, f"{client.label}: snapshot {key} is not listed, so nothing proves the image"
        )

    def wanted(found: Found) -> bool:
        return found.config_digest == image_id if image_id else digests.chain(found.config.diff_ids) == chain

    name = container.image
    for candidate in (name, image_id):
        named = client.image(candidate) if candidate else None
        found = read(client, named, wanted) if named is not None else None
        if named is not None and found is not None:
            return Resolution("containerd", make(client, found, name=name if named.name == name else ""))
    if not image_id and not chain:
        return Resolution(
            "containerd", None, f"{client.label}: {quoted(name)} moved on, and no layers tell what it was"
        )
    return _searched(client, container, wanted)


def _searched(client: Client, container: Container, wanted: Callable[[Found], bool]) -> Resolution:
    """Look through the whole image store; several images with the same layers are told apart by nothing."""
    matching: dict[str, Found] = {}
    for target in unique([one.target for one in client.images()[:_MOST_NAMES]]):
        try:
            found = manifests.read(target, client.content, wanted)
        except TransportError:
            raise
        except (ValueError, SourceError):
            continue  # a broken image that is not ours
        if found is not None:
            matching[found.digest] = found
    if len(matching) == 1:
        return Resolution("containerd", make(client, matching.popitem()[1]))
    name = quoted(container.image)
    if matching:
        return Resolution("containerd", None, f"{client.label}: {len(matching)} images have the layers of {name}")
    return Resolution("containerd", None, f"{client.label}: no image has the layers that container of {name} runs on")


def read(client: Client, named: Named, wanted: Callable[[Found], bool]) -> Found | None:
    """Read what a name points to; raises SourceError where that is broken."""
    try:
        return manifests.read(named.target, client.content, wanted)
    except ValueError as error:
        raise SourceError(f"{client.label}: image {quoted(named.name)}: {error}") from None


def make(client: Client, found: Found, *, name: str = "") -> Image:
    """Make the value, with every name that the store has for this image."""

    def names(one: Found) -> tuple[str, ...]:
        known = [*client.images(one.digest), *(client.images(one.index_digest) if one.index_digest else [])]
        return tuple(dict.fromkeys([each.name for each in known if not digests.valid(each.name)]))

    def base(digest: str) -> tuple[Found, tuple[str, ...]] | None:
        size = client.size(digest)
        if size is None or size > limits.MANIFEST:
            return None
        try:
            below = manifests.read(Descriptor("", digest, size), client.content, lambda _: True)
        except ValueError:
            return None  # not an image: the author named some other content
        return None if below is None else (below, names(below))

    return found.image(
        names(found), name=name, store=client.label, bases=manifests.base_images(found, base, client.label)
    )


def by_manifest(client: Client, target: Descriptor, name: str) -> Image | None:
    """Give the image of a manifest that is known by its descriptor, as Docker keeps it, together with the index that
    `name` points to where that lists the manifest. Raises SourceError.
    """
    for known in references.readings(name):
        named = client.image(known)
        found = read(client, named, lambda one: one.digest == target.digest) if named is not None else None
        if found is not None:
            return make(client, found, name=known)
    try:
        found = manifests.read(target, client.content, lambda _: True)
    except ValueError as error:
        raise SourceError(f"{client.label}: {error}") from None
    return None if found is None else make(client, found)


def unique(targets: Iterable[Descriptor]) -> list[Descriptor]:
    """Give each target once."""
    return list({target.digest: target for target in targets}.values())


def _chain(client: Client, container: Container) -> str | None:
    """The chain ID below a container's own snapshot, None where the snapshot is not known.

    With remapped user IDs a copy `CHAIN-UID-GID` lies between (containerd, WithRemappedSnapshot).
    """
    parent = client.snapshot_parent(container.snapshotter, container.snapshot_key)
    if parent and not digests.valid(parent):
        parent = client.snapshot_parent(container.snapshotter, parent)
    return parent


def _cri_image_id(container: Container) -> str:
    """The image ID that the CRI plugin keeps; the name "ImageRef" is as old as the plugin."""
    raw = container.extensions.get(_CRI_METADATA)
    if not raw:
        return ""
    try:
        tree = fastjson.loads(raw, what=_CRI_METADATA, cap=limits.MANIFEST)
        reference = tree["Metadata"]["ImageRef"]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"container {escape(container.id)}: {_CRI_METADATA}: {escape(str(error))}") from None
    if not digests.valid(reference):
        raise SourceError(
            f"container {escape(container.id)}: ImageRef must be a digest, found {quoted(str(reference))}"
        )
    return str(reference)
