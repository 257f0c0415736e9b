"""From an engine's content to an image value: manifest, index and config are read, verified and put together.

Every store gives content in its own way; a `Content` is what this needs of it. Identity is the content: whatever does
not have the digest it is named by is refused (security rule R18).
"""

from __future__ import annotations

import os

from hostfit.core import limits
from hostfit.core.image import Image, Platform
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostfit.oci.descriptor import Descriptor, ImageConfig, Index, Manifest

    Content = Callable[[Descriptor], bytes | None]
    """Gives the bytes of a descriptor, None where the store does not have them; raises SourceError."""

BASE_DIGEST = "org.opencontainers.image.base.digest"
BASE_NAME = "org.opencontainers.image.base.name"
"""Image-spec, annotations.md: the digest of the image that this one was built on, and where that lies."""
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


class Found:
    """One image of a store, before it becomes a value: its parts and their descriptors."""

    __slots__ = ("config", "config_digest", "digest", "index", "index_digest", "manifest")

    def __init__(self, digest: str, manifest: Manifest, config: ImageConfig) -> None:
        self.digest = digest
        self.manifest = manifest
        self.config = config
        self.config_digest = manifest.config.digest
        self.index: Index | None = None
        self.index_digest = ""

    def image(self, names: tuple[str, ...], *, name: str = "", store: str = "", bases: tuple[Image, ...] = ()) -> Image:
        """Make the value; `names` are all that the store records, `name` the one to show."""
        return Image(
            name=name or (names[0] if names else self.digest),
            names=names,
            digest=self.digest,
            index_digest=self.index_digest,
            config_digest=self.config_digest,
            manifest_annotations=self.manifest.annotations,
            index_annotations=self.index.annotations if self.index is not None else None,
            labels=self.config.labels,
            env=self.config.env,
            platform=self.platform(),
            store=store,
            bases=bases,
        )

    def platform(self) -> Platform:
        """The platform that the config names, completed by what the index says of this manifest.

        Build tools often write the variant (amd64 v3) into the index only.
        """
        own = self.config.platform
        for member in self.index.manifests if self.index is not None else ():
            listed = member.platform
            same = listed is not None and (listed.os, listed.architecture) == (own.os, own.architecture)
            if member.digest == self.digest and listed is not None and same and not own.variant:
                features = own.os_features or listed.os_features
                version = own.os_version or listed.os_version
                return Platform(own.os, own.architecture, listed.variant, version, features)
        return own

    def base(self) -> str:
        """The digest of the base image that the author names, empty for none or a malformed one."""
        return base_digest(
            self.manifest.annotations, {} if self.index is None else self.index.annotations, self.config.labels
        )


def base_digest(*notes: Mapping[str, str]) -> str:
    """The digest of the base image that one of these annotations or labels names, empty for none that is valid."""
    for one in notes:
        named = one.get(BASE_DIGEST, "")
        if digests.valid(named):
            return named
    return ""


def read(target: Descriptor, content: Content, wanted: Callable[[Found], bool]) -> Found | None:
    """Find the image behind `target`, a manifest or an index, for which `wanted` is true.

    Members of an index that the store does not have are passed over; this host's platform comes first. Raises
    ValueError where content is not what its descriptor says, or an index lies in an index.
    """
    document = fetch(target, content)
    if document is None:
        return None
    if isinstance(document, oci.Manifest):
        found = _manifest(target.digest, document, content)
        return found if found is not None and wanted(found) else None
    for member in here_first(document.manifests):
        below = fetch(member, content)
        if below is None:
            continue
        if not isinstance(below, oci.Manifest):
            raise ValueError(f"index {target.digest}: an index inside an index is not allowed, found {member.digest}")  # noqa: TRY004 - bad input, one error
        found = _manifest(member.digest, below, content)
        if found is None:
            continue
        found.index, found.index_digest = document, target.digest
        if wanted(found):
            return found
    return None


def fetch(target: Descriptor, content: Content) -> Manifest | Index | None:
    """Read one manifest or index, None where the store does not have it. Raises ValueError."""
    if target.media_type and target.media_type not in (*oci.MANIFESTS, *oci.INDEXES):
        return None
    if target.size > limits.MANIFEST:
        raise ValueError(f"{target.digest}: must be at most {limits.MANIFEST} bytes, found {target.size}")
    data = content(target)
    if data is None:
        return None
    target.verify(data)
    return oci.parse(data, what=target.digest, media_type=target.media_type)


def _manifest(digest: str, manifest: Manifest, content: Content) -> Found | None:
    config = manifest.config
    if config.size > limits.MANIFEST:
        raise ValueError(f"{config.digest}: must be at most {limits.MANIFEST} bytes, found {config.size}")
    data = content(config)
    if data is None:
        return None
    config.verify(data)
    return Found(digest, manifest, oci.parse_config(data, what=f"config {config.digest}"))


def here_first(members: tuple[Descriptor, ...]) -> list[Descriptor]:
    """Order the members of an index: this host's architecture, then others; attestations (unknown) are left out."""
    here: list[Descriptor] = []
    others: list[Descriptor] = []
    for member in members:
        platform = member.platform
        if platform is not None and platform.architecture == "unknown":
            continue
        (here if platform is not None and runs_here(platform) else others).append(member)
    return here + others


def runs_here(platform: Platform) -> bool:
    """Whether a platform names this host's system and architecture, whatever its variant."""
    machine = os.uname().machine
    return platform.os == "linux" and platform.architecture == _MACHINES.get(machine, machine)


def base_images(
    found: Found, lookup: Callable[[str], tuple[Found, tuple[str, ...]] | None], store: str
) -> tuple[Image, ...]:
    """Follow the bases of an image as far as `lookup` finds them by digest, nearest first.

    One more than limits.INCLUDE_DEPTH are given, so that the reader can say that there are too many.
    """
    bases: list[Image] = []
    seen = {found.digest, found.index_digest}
    digest = found.base()
    while digest and digest not in seen and len(bases) <= limits.INCLUDE_DEPTH:
        seen.add(digest)
        there = lookup(digest)
        if there is None:
            break
        found, names = there
        bases.append(found.image(names, store=store))
        digest = found.base()
    return tuple(bases)
