"""An OCI image layout, a directory with index.json and blobs, as umoci and `skopeo copy oci:` make it (cold).

Source: image-spec, image-layout.md. The directory can be anybody's, so every path resolves inside it.
"""

from __future__ import annotations

import os

from hostfit.core import fastjson, limits
from hostfit.core.errors import NoSuchImageError, SourceError
from hostfit.core.text import escape, quoted
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests
from hostfit.oci.descriptor import Descriptor
from hostfit.oci.files import symbol
from hostfit.oci.inroot import read_in_root
from hostfit.sources import manifest as manifests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hostfit.core.image import Image
    from hostfit.sources.manifest import Found

REF_NAME = "org.opencontainers.image.ref.name"


def open_layout(name: str) -> tuple[Layout, str, str]:
    """Give the layout that `DIRECTORY`, `DIRECTORY:TAG` or `DIRECTORY@DIGEST` names, the directory as written, and the
    tag or digest, empty where there is none. Raises NoSuchImageError where that is no directory.
    """
    directory, tag = name, ""
    if not os.path.isdir(directory):
        mark = "@" if "@" in name else ":"
        directory, _, tag = name.partition(mark) if mark == "@" else name.rpartition(mark)
    if not directory or not os.path.isdir(directory):
        raise NoSuchImageError(f"{quoted(name)}: a directory with an OCI layout is required, found none")
    return Layout(directory), directory, tag


class Layout:
    """One layout directory."""

    def __init__(self, directory: str) -> None:
        self.directory = os.path.abspath(directory)
        self.label = f"OCI layout {self.directory}"

    def image(self, name: str, wanted: Callable[[Found], bool]) -> Image | None:
        """Give the image with this tag or digest (any, if there is only one and `name` is empty).

        Of an index, the first member for which `wanted` is true. Raises SourceError where the layout is broken.
        """
        try:
            entries = self.entries()
            chosen = self._chosen(entries, name)
            found = manifests.read(chosen, self.content, wanted) if chosen is not None else None
        except ValueError as error:
            raise SourceError(f"{escape(self.label)}: {error}") from None
        if found is None or chosen is None:
            return None
        tag = chosen.annotations.get(REF_NAME, "")
        names = tuple(
            [
                one.annotations[REF_NAME]
                for one in entries
                if one.digest == chosen.digest and REF_NAME in one.annotations
            ]
        )
        bases = manifests.base_images(found, self._base, self.label)
        return found.image(names, name=tag or os.path.basename(self.directory), store=self.label, bases=bases)

    def target(self, name: str) -> Descriptor | None:
        """Give what this tag or digest (the only one there is, if `name` is empty) points to; raises SourceError."""
        try:
            return self._chosen(self.entries(), name)
        except ValueError as error:
            raise SourceError(f"{escape(self.label)}: {error}") from None

    def index(self) -> bytes | None:
        """Give index.json itself where each of its entries names a platform, as some tools write an index."""
        try:
            entries = self.entries()
        except ValueError as error:
            raise SourceError(f"{escape(self.label)}: {error}") from None
        if not entries or any([one.platform is None for one in entries]):
            return None
        return self._read("index.json")

    def subject(self, name: str) -> Descriptor:
        """Give what `target` gives, with its media type; raises NoSuchImageError where there is none."""
        chosen = self.target(name)
        if chosen is None:
            raise NoSuchImageError(f"{escape(self.label)}: no tag or digest {quoted(name)}")
        if not chosen.media_type:
            document = self.document(chosen)
            chosen.media_type = oci.OCI_MANIFEST if isinstance(document, oci.Manifest) else oci.OCI_INDEX
        return chosen

    def document(self, target: Descriptor) -> oci.Manifest | oci.Index:
        """Give the manifest or index behind a descriptor. Raises SourceError, also where it is not there."""
        try:
            found = manifests.fetch(target, self.content)
        except ValueError as error:
            raise SourceError(f"{escape(self.label)}: {error}") from None
        if found is None:
            raise SourceError(f"{escape(self.label)}: {target.digest}: a manifest is required, found none")
        return found

    def content(self, target: Descriptor) -> bytes | None:
        """Give a blob, None where it is not there; raises SourceError."""
        return self._read(f"blobs/{target.digest.replace(':', '/')}")

    def entries(self) -> list[Descriptor]:
        """What index.json lists. Raises ValueError where it is broken, SourceError where it cannot be read."""
        data = self._read("index.json")
        if data is None:
            raise ValueError("index.json is required, found none")
        tree = fastjson.loads(data, what="index.json", cap=limits.MANIFEST)
        listed = tree.get("manifests") if isinstance(tree, dict) else None
        if not isinstance(listed, list):
            raise ValueError("index.json: a list of manifests is required")  # noqa: TRY004 - bad input, one error
        if len(listed) > limits.DESCRIPTORS:
            raise ValueError(f"index.json: at most {limits.DESCRIPTORS} manifests are allowed, found {len(listed)}")
        return [oci.descriptor(one, f"index.json: manifests[{number}]") for number, one in enumerate(listed)]

    def _chosen(self, entries: list[Descriptor], name: str) -> Descriptor | None:
        if not name:
            # What is attached to an image lies beside it.
            images = [one for one in entries if not one.artifact_type]
            if len({one.digest for one in images}) != 1:
                tags = ", ".join([quoted(one.annotations.get(REF_NAME, one.digest)) for one in images[:20]])
                raise NoSuchImageError(f"{escape(self.label)}: a tag or digest must be given, one of {tags or 'none'}")
            return images[0]
        for one in entries:
            if name in (one.annotations.get(REF_NAME), one.digest):
                return one
        if digests.valid(name):
            data = self._read(f"blobs/{name.replace(':', '/')}")
            return None if data is None else Descriptor("", name, len(data))
        return None

    def _base(self, digest: str) -> tuple[Found, tuple[str, ...]] | None:
        data = self._read(f"blobs/{digest.replace(':', '/')}")
        if data is None:
            return None
        try:
            found = manifests.read(Descriptor("", digest, len(data)), self.content, lambda _: True)
        except ValueError:
            return None  # not an image: the author named some other content
        return None if found is None else (found, ())

    def _read(self, path: str) -> bytes | None:
        try:
            return read_in_root(self.directory, path, limits.MANIFEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            found = symbol(error) if isinstance(error, OSError) else "a path that no file can have"
            raise SourceError(f"{escape(self.label)}: {escape(path)}: {found}") from None
