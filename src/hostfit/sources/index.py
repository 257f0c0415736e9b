"""One image index by name, with what its members say of themselves, for whoever chooses among them (cold).

The index alone says enough as a rule (SA3). What the same place has of a member, its manifest and its config, is read
too, for that costs no call; of a member that names no platform it is what tells one.
"""

from __future__ import annotations

import os

from hostfit.core import limits
from hostfit.core.errors import NoSuchImageError, SourceError, UsageError
from hostfit.core.image import Image, Platform
from hostfit.core.text import escape, quoted
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests
from hostfit.oci import reference as references
from hostfit.oci.descriptor import Descriptor, Index
from hostfit.oci.files import read_capped, symbol
from hostfit.sources import containerimage, local, manifest, storage
from hostfit.sources.containerd import Client
from hostfit.sources.layout import open_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostfit.sources.manifest import Content, Found

STANDARD_INPUT = "-"
_TIMEOUT = 10.0


class Member:
    """One image of an index: its descriptor, position, and where the place has them, its manifest and config."""

    __slots__ = ("descriptor", "found", "platform", "position")

    def __init__(self, position: int, descriptor: Descriptor, found: Found | None) -> None:
        self.position = position
        self.descriptor = descriptor
        self.found = found
        own = found.config.platform if found is not None else None
        self.platform: Platform | None = descriptor.platform or own

    def image(self, listing: Listing, *, whole: bool) -> Image:
        """Give the member as an image; unless `whole`, without the index that it was chosen from and its names."""
        found = self.found
        return Image(
            name=listing.name if whole else "",
            names=listing.names if whole else (),
            digest=self.descriptor.digest,
            index_digest=listing.digest if whole else "",
            config_digest=found.config_digest if found is not None else "",
            manifest_annotations=found.manifest.annotations if found is not None else None,
            index_annotations=listing.index.annotations if whole else None,
            labels=found.config.labels if found is not None else None,
            env=found.config.env if found is not None else (),
            store=listing.place,
        )


class Listing:
    """An index as one place has it. `digest` is empty where one image stands alone, without an index.

    `name` is shown, `names` are those by which the policy may know the image, `place` says where it was found, `data`
    is what was read as the index.
    """

    __slots__ = ("data", "digest", "index", "members", "name", "names", "place", "skipped")

    def __init__(  # noqa: PLR0917 - one maker, with names like these
        self, name: str, names: tuple[str, ...], place: str, digest: str, data: bytes, index: Index
    ) -> None:
        self.name = name
        self.names = names
        self.place = place
        self.digest = digest
        self.data = data
        self.index = index
        self.members: tuple[Member, ...] = ()
        self.skipped: tuple[tuple[Descriptor, str], ...] = ()


def find(name: str, *, read_stdin: Callable[[], bytes]) -> Listing | None:
    """Find an index: `oci:DIRECTORY[:TAG]` or a directory, a file, `-`, or an image of containerd or Podman by name.

    None where no local store has the name; raises NoSuchImageError where a layout has no such image, SourceError where
    the place is broken.
    """
    if name.startswith(local.LAYOUT_PREFIX) or os.path.isdir(name):
        return _in_layout(name.removeprefix(local.LAYOUT_PREFIX))
    if name == STANDARD_INPUT:
        return parsed(read_stdin(), name="standard input", names=(), place="standard input", content=None)
    if os.path.isfile(name):
        try:
            data = read_capped(name, limits.MANIFEST)
        except OSError as error:
            raise UsageError(f"file {escape(name)}: cannot be read: {symbol(error)}") from error
        return parsed(data, name=os.path.basename(name), names=(), place=f"file {name}", content=None)
    return next(_in_stores(name), None)


def parsed(
    data: bytes,
    *,
    name: str,
    names: tuple[str, ...],
    place: str,
    content: Content | None,
    media_type: str = "",
    sparing: bool = False,
) -> Listing:
    """Make the listing of an index, or of the one image that a manifest is. Raises SourceError.

    `content` gives what the same place has of the members, None where it has nothing else; with `sparing` it is asked
    only for a member of which the index does not say what it runs on.
    """
    digest = digests.of(data)
    try:
        document = oci.parse(data, what=digest, media_type=media_type)
        if isinstance(document, Index):
            listing = Listing(name, names, place, digest, data, document)
        else:
            alone = Descriptor(media_type or oci.OCI_MANIFEST, digest, len(data))
            listing = Listing(name, names, place, "", b"", Index((alone,), {}))
            if content is None:
                raise SourceError(f"{escape(place)}: an index is required, found the manifest of one image")
        _add_members(listing, content, sparing=sparing)
    except ValueError as error:
        raise SourceError(f"{escape(place)}: {error}") from None
    return listing


def _add_members(listing: Listing, content: Content | None, *, sparing: bool) -> None:
    members, skipped = [], []
    for position, descriptor in enumerate(listing.index.manifests):
        platform = descriptor.platform
        if platform is not None and platform.architecture == "unknown":
            skipped.append((descriptor, "an attestation, no image"))
        elif descriptor.media_type in oci.INDEXES:
            skipped.append((descriptor, "an index inside the index, which no client looks into"))
        elif descriptor.artifact_type or (descriptor.media_type and descriptor.media_type not in oci.MANIFESTS):
            skipped.append((descriptor, "no image"))
        else:
            wanted = content if platform is None or not sparing else None
            found = manifest.read(descriptor, wanted, lambda _: True) if wanted is not None else None
            members.append(Member(position, descriptor, found))
    listing.members, listing.skipped = tuple(members), tuple(skipped)


def _in_layout(name: str) -> Listing:
    layout, directory, tag = open_layout(name)
    shown = os.path.basename(layout.directory)
    if not tag:
        data = layout.index()
        if data is not None:
            return parsed(data, name=shown, names=(), place=layout.label, content=layout.content)
    target = layout.target(tag)
    data = layout.content(target) if target is not None else None
    if target is None or data is None:
        raise NoSuchImageError(f"OCI layout {quoted(directory)} has no tag or digest {quoted(tag)}")
    return _verified(target, data, tag or shown, (), layout.label, layout.content)


def _in_stores(name: str) -> Iterator[Listing]:
    for socket in local.SOCKETS:
        if not os.path.exists(socket):
            continue
        with containerimage.connect((socket,), timeout=_TIMEOUT) as channel:
            for namespace in sorted(Client(channel, "default").namespaces()):
                client = Client(channel, namespace)
                yield from in_containerd(client, name)
    for store in local.stores():
        for record in store.records():
            data = store.index(record) if local.named(record, name) else None
            if data is not None:
                names = storage.names(record)
                yield parsed(data, name=names[0] if names else name, names=names, place=store.label, content=None)


def in_containerd(client: Client, name: str) -> Iterator[Listing]:
    """Give what `name` means in one namespace, by name or by digest. Raises SourceError."""
    found = [client.image(one) for one in references.readings(name)]
    digest = references.digest_of(name)
    for named in (*found, *(client.images(digest) if digest else ())):
        data = client.content(named.target) if named is not None else None
        if named is not None and data is not None:
            yield _verified(named.target, data, named.name, (named.name,), client.label, client.content)


def _verified(  # noqa: PLR0917 - two callers, with names like these
    target: Descriptor, data: bytes, name: str, names: tuple[str, ...], place: str, content: Content
) -> Listing:
    try:
        target.verify(data)
    except ValueError as error:
        raise SourceError(f"{escape(place)}: {error}") from None
    return parsed(data, name=name, names=names, place=place, content=content, media_type=target.media_type)
