"""containers-storage, where Podman, CRI-O and buildah keep images: read from its files, without a lock.

Source: github.com/containers/storage (images.go, containers.go, store.go) and containers/image's storage transport. A
store is `<graphroot>/<driver>-images/images.json` with one directory of "big data" per image, and
`<graphroot>/<driver>-containers/containers.json`; containers with the volatile flag (`podman run --rm`) are listed in
`<runroot>/<driver>-containers/volatile-containers.json` instead. Both lists are replaced by rename, so a reader sees
a whole one.
"""

from __future__ import annotations

import os
from binascii import b2a_base64

from hostfit.core import fastjson, limits
from hostfit.core.errors import SourceError
from hostfit.core.image import Resolution
from hostfit.core.text import escape
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests
from hostfit.oci.files import is_host_root, read_capped, symbol
from hostfit.sources import manifest as manifests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from hostfit.core.image import Image
    from hostfit.oci.request import Bundle

DEFAULT_GRAPHROOT = "/var/lib/containers/storage"
DEFAULT_RUNROOT = "/run/containers/storage"
_OF_HOME = "/.local/share/containers/storage"
"""Where a user's graphroot lies in the home directory."""
_SUFFIX = "-containers"


class Place:
    """Where a bundle lies in a store: `root` is graphroot (Podman) or runroot (CRI-O)."""

    __slots__ = ("container", "driver", "root")

    def __init__(self, root: str, driver: str, container: str) -> None:
        self.root = root
        self.driver = driver
        self.container = container


def placed(path: str) -> Place | None:
    """Take a bundle's path apart: `<root>/<driver>-containers/<id>/userdata`; None for any other path."""
    above, name = os.path.split(path)
    above, container = os.path.split(above)
    root, folder = os.path.split(above)
    if name != "userdata" or not folder.endswith(_SUFFIX) or not container:
        return None
    return Place(root, folder.removesuffix(_SUFFIX), container)


def resolve(place: Place, bundle: Bundle, engine: str) -> Resolution:
    """Find the image of the container whose bundle lies at `place`. Never raises for what the store holds."""
    roots = _roots(place, bundle)
    try:
        record = _container(place, roots)
        if record is None and engine == "cri-o":
            record = _cri_o_record(bundle)
        if record is None:
            if bundle.rootfs and not any([bundle.rootfs.startswith(root + "/") for root in roots]):
                return Resolution("")  # `podman run --rootfs`: there is no image
            return Resolution(engine, None, f"container {escape(place.container)} is in no list of {_shown(roots)}")
        image_id = record.get("image") or ""
        if not image_id:
            return Resolution("")
        for root in roots:
            image = Store(root, place.driver).image_by_id(image_id, name=_image_name(record))
            if image is not None:
                return Resolution(engine, image)
        for root in _more_roots(roots):
            image = Store(root, place.driver).image_by_id(image_id, name=_image_name(record))
            if image is not None:
                return Resolution(engine, image)
    except SourceError as error:
        return Resolution(engine, None, error.message, broken=True)
    return Resolution(engine, None, f"image {escape(str(image_id), 12)} is in no list of {_shown(roots)}")


class Store:
    """One graphroot with one driver."""

    def __init__(self, root: str, driver: str) -> None:
        self.root = root
        self.driver = driver
        self.folder = f"{root}/{driver}-images"
        self.label = f"containers-storage {root} ({driver})"
        self._records: list[dict[str, Any]] | None = None

    def records(self) -> list[dict[str, Any]]:
        """Every entry of images.json, none where there is no such file. Raises SourceError where it is broken."""
        if self._records is None:
            self._records = _list(f"{self.folder}/images.json")
        return self._records

    def image_by_id(self, image_id: str, *, name: str = "") -> Image | None:
        """Give the image with this ID; `name` is the one its container was made from. Raises SourceError."""
        for record in self.records():
            if record.get("id") == image_id:
                return self.image(record, name=name)
        return None

    def image(self, record: dict[str, Any], *, name: str = "") -> Image:
        """Give the image of one entry of images.json. Raises SourceError.

        A `name` that the entry does not list, for the tag may have moved on, is shown and is none of its names.
        """
        found = self._found(record)
        names = _texts(record.get("names"))
        bases = manifests.base_images(found, self._by_digest, self.label)
        return found.image(names, name=name, store=self.label, bases=bases)

    def index(self, record: dict[str, Any]) -> bytes | None:
        """Give the index that the image of one entry was pulled by, None where there is none. Raises SourceError."""
        found = self._found(record)
        if not found.index_digest:
            return None
        try:
            return _big_data(f"{self.folder}/{record['id']}", f"manifest-{found.index_digest}")
        except OSError as error:
            raise SourceError(f"{self.label}: {escape(error.filename or '')}: {symbol(error)}") from None

    def _by_digest(self, digest: str) -> tuple[manifests.Found, tuple[str, ...]] | None:
        """Find an image by the digest of its manifest or its index."""
        for record in self.records():
            known = record.get("big-data-digests")
            if record.get("digest") == digest or (isinstance(known, dict) and f"manifest-{digest}" in known):
                return self._found(record), _texts(record.get("names"))
        return None

    def _found(self, record: dict[str, Any]) -> manifests.Found:
        image_id = str(record.get("id", ""))
        if not image_id or "/" in image_id or image_id.startswith("."):
            raise SourceError(f"{self.folder}/images.json: an image ID is required, found {escape(image_id)}")
        known = record.get("big-data-digests")
        known = known if isinstance(known, dict) else {}
        folder = f"{self.folder}/{image_id}"
        try:
            data = _big_data(folder, "manifest")
            digest = digests.of(data)
            digests.verified(data, known.get("manifest", digest), f"{folder}/manifest")
            document = oci.parse_manifest(data, what=f"{folder}/manifest")
            config = _big_data(folder, document.config.digest)
            document.config.verify(config)
            found = manifests.Found(digest, document, oci.parse_config(config, what=f"config {document.config.digest}"))
            self._add_index(found, folder, [name for name in known if isinstance(name, str)])
        except ValueError as error:
            raise SourceError(f"{self.label}: {error}") from None
        except OSError as error:
            raise SourceError(
                f"{self.label}: image {escape(image_id, 12)}: {escape(error.filename or '')}: {symbol(error)}"
            ) from None
        return found

    def _add_index(self, found: manifests.Found, folder: str, names: Iterable[str]) -> None:
        """Find the index that the image was pulled by: big data `manifest-DIGEST` that lists the image's manifest."""
        for name in names:
            digest = name.removeprefix("manifest-")
            if digest in (name, found.digest) or not digests.valid(digest):
                continue
            data = _big_data(folder, name)
            if not digests.matches(data, digest):
                raise ValueError(f"{folder}: {name}: content has another digest, {digests.of(data)}")
            document = oci.parse(data, what=name)
            if isinstance(document, oci.Index) and any([one.digest == found.digest for one in document.manifests]):
                found.index, found.index_digest = document, digest
                return


def _container(place: Place, roots: list[str]) -> dict[str, Any] | None:
    for name in ("containers.json", "volatile-containers.json"):
        for root in roots:
            for record in _list(f"{root}/{place.driver}{_SUFFIX}/{name}"):
                if record.get("id") == place.container:
                    return record
    return None


def _cri_o_record(bundle: Bundle) -> dict[str, Any] | None:
    """Give what CRI-O itself wrote into the bundle after all annotations of others (internal/factory/container)."""
    image_id = bundle.annotations.get("io.kubernetes.cri-o.ImageRef", "").removeprefix("sha256:")
    name = bundle.annotations.get("io.kubernetes.cri-o.ImageName", "")
    return {"image": image_id, "metadata": fastjson.dumps({"image-name": name})} if image_id else None


def _roots(place: Place, bundle: Bundle) -> list[str]:
    """Every graphroot and runroot that this container can belong to, the likeliest first.

    The bundle gives one of the two. The engine mounts files of `<runroot>/<driver>-containers/<id>/userdata`, and the
    root filesystem lies in `<graphroot>/<driver>/`.
    """
    roots = [place.root]
    above, slash, _ = bundle.rootfs.rpartition(f"/{place.driver}/")
    if slash:
        roots.append(above)
    for source, _ in bundle.mounts:
        there = placed(os.path.dirname(source))
        if there is not None and (there.driver, there.container) == (place.driver, place.container):
            roots.append(there.root)
    if is_host_root():
        roots += [DEFAULT_GRAPHROOT, DEFAULT_RUNROOT]
    return list(dict.fromkeys(roots))


def _more_roots(roots: list[str]) -> list[str]:
    from hostfit.sources import storageconf  # TOML, and only for images kept in an additional store

    more = storageconf.read().image_roots()
    if not is_host_root():
        homes = [root.removesuffix(_OF_HOME) for root in roots if root.endswith(_OF_HOME)]
        more = (*[one for home in homes for one in storageconf.read(user=True, home=home).image_roots()], *more)
    # What is root's alone to read is none of a user's stores.
    return [root for root in more if root not in roots and (is_host_root() or os.access(root, os.X_OK))]


def _list(path: str) -> list[dict[str, Any]]:
    """Read one of the lists, empty where it is not there."""
    try:
        data = read_capped(path, limits.STORE_INDEX)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SourceError(f"{escape(path)}: {symbol(error)}") from None
    if not data.strip():
        return []
    try:
        tree = fastjson.loads(data, what=escape(path), cap=limits.STORE_INDEX)
    except ValueError as error:
        raise SourceError(str(error)) from None
    if tree is None:
        return []
    if not isinstance(tree, list) or not all([isinstance(one, dict) for one in tree]):
        raise SourceError(f"{escape(path)}: a list of mappings is required")
    return tree


def _big_data(folder: str, name: str) -> bytes:
    """Read one item; names with more than digits, dots and lower-case letters are stored as `=BASE64`."""
    plain = not set(name) - set(".0123456789abcdefghijklmnopqrstuvwxyz")
    stored = name if plain else "=" + b2a_base64(name.encode(), newline=False).decode()
    return read_capped(f"{folder}/{stored}", limits.MANIFEST)


def _image_name(record: dict[str, Any]) -> str:
    """The name in a container's own metadata, which libpod and CRI-O write as JSON inside the JSON."""
    text = record.get("metadata")
    if not isinstance(text, str) or not text:
        return ""
    try:
        tree = fastjson.loads(text.encode(), what="metadata")
    except ValueError:
        return ""
    name = tree.get("image-name") if isinstance(tree, dict) else ""
    return name if isinstance(name, str) else ""


def names(record: dict[str, Any]) -> tuple[str, ...]:
    """Give the names of one entry of images.json."""
    return _texts(record.get("names"))


def _texts(tree: object) -> tuple[str, ...]:
    return tuple([one for one in tree if isinstance(one, str)]) if isinstance(tree, list) else ()


def _shown(roots: list[str]) -> str:
    return ", ".join([escape(root) for root in roots])
