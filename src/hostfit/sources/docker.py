"""Docker's own files: which image a container was made from, and what its store says about it.

Source: github.com/moby/moby (daemon/container/container.go, image/fs.go, reference/store.go). `<root>/containers/<id>/
config.v2.json` names the image. With the graphdriver store the image's config lies in `<root>/image/<driver>/imagedb/
content/sha256/<id>` and no manifest is kept, so there are only labels; with the containerd store the manifest's
descriptor stands in config.v2.json and its content in containerd's namespace `moby`.
"""

from __future__ import annotations

import os

from hostfit.core import fastjson, limits
from hostfit.core.errors import SourceError
from hostfit.core.image import Image, Resolution
from hostfit.core.text import escape, quoted
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests
from hostfit.oci.files import read_capped, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.oci.request import Bundle

DEFAULT_ROOT = "/var/lib/docker"
DAEMON_CONFIG = "/etc/docker/daemon.json"
NAMESPACE = "moby"
SOCKET = "/var/run/docker/containerd/containerd.sock"
"""Where dockerd keeps a containerd of its own, if it started one."""


def resolve(container: str, bundle: Bundle, sockets: tuple[str, ...]) -> Resolution:
    """Find the image of a container. Never raises: what cannot be found or understood is a `reason`."""
    try:
        for root in _roots(bundle.rootfs):
            path = f"{root}/containers/{container}/config.v2.json"
            tree = _read(path)
            if tree is not None:
                return _resolved(root, path, tree, sockets)
    except SourceError as error:
        return Resolution("docker", None, error.message, broken=True)
    shown = ", ".join([escape(root) for root in _roots(bundle.rootfs)])
    return Resolution("docker", None, f"container {escape(container)} is not kept below any of {shown}")


def _resolved(root: str, path: str, tree: dict[str, Any], sockets: tuple[str, ...]) -> Resolution:
    image_id = tree.get("Image")
    inner = tree.get("Config")
    name = inner.get("Image") if isinstance(inner, dict) else ""
    name = name if isinstance(name, str) else ""
    if tree.get("ImageManifest") is not None:
        return _from_containerd(path, tree["ImageManifest"], name, (*sockets, SOCKET))
    if not digests.valid(image_id):
        raise SourceError(f"{escape(path)}: Image must be a digest, found {quoted(str(image_id))}")
    image = Store(root, str(tree.get("Driver", ""))).image_by_id(str(image_id), name=name)
    if image is None:
        return Resolution("docker", None, f"image {image_id} is not kept below {escape(root)}/image")
    return Resolution("docker", image)


def _from_containerd(path: str, tree: object, name: str, sockets: tuple[str, ...]) -> Resolution:
    from hostfit.sources import containerimage  # the newer of Docker's two stores
    from hostfit.sources.containerd import Client  # the newer of Docker's two stores
    from hostfit.sources.grpc import TransportError  # the newer of Docker's two stores

    try:
        target = oci.descriptor(tree, f"{escape(path)}: ImageManifest")
        with containerimage.connect(sockets) as channel:
            image = containerimage.by_manifest(Client(channel, NAMESPACE), target, name)
    except ValueError as error:
        return Resolution("docker", None, str(error), broken=True)
    except SourceError as error:
        return Resolution("docker", None, error.message, broken=not isinstance(error, TransportError))
    if image is None:
        return Resolution("docker", None, f"containerd has no content for manifest {target.digest}")
    return Resolution("docker", image)


class Store:
    """The graphdriver image store below one root; `driver` may be empty where only one is used."""

    def __init__(self, root: str, driver: str = "") -> None:
        self.root = root
        self.driver = driver if driver and "/" not in driver else self._only_driver()
        self.folder = f"{root}/image/{self.driver}"
        self.label = f"Docker {root} ({self.driver})"

    def _only_driver(self) -> str:
        try:
            drivers = sorted(os.listdir(f"{self.root}/image"))
        except OSError:
            return ""
        return drivers[0] if drivers else ""

    def image_by_id(self, image_id: str, *, name: str = "") -> Image | None:
        """Give the image whose config has this digest; raises SourceError where it is broken."""
        if not self.driver or not digests.valid(image_id):
            return None
        algorithm, _, encoded = image_id.partition(":")
        path = f"{self.folder}/imagedb/content/{algorithm}/{encoded}"
        try:
            data = read_capped(path, limits.MANIFEST)
            config = oci.parse_config(digests.verified(data, image_id, escape(path)), what=escape(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"{escape(path)}: {symbol(error)}") from None
        except ValueError as error:
            raise SourceError(str(error)) from None
        names = tuple([known for known, target in self.references().items() if target == image_id])
        return Image(
            name=name or (names[0] if names else image_id),
            names=names,
            config_digest=image_id,
            labels=config.labels,
            env=config.env,
            platform=config.platform,
            store=self.label,
        )

    def references(self) -> dict[str, str]:
        """Every name of the store (tags and `repository@digest`) with the image ID that it stands for."""
        tree = _read(f"{self.folder}/repositories.json")
        repositories = tree.get("Repositories") if tree is not None else None
        found: dict[str, str] = {}
        for names in repositories.values() if isinstance(repositories, dict) else ():
            if isinstance(names, dict):
                found.update({name: target for name, target in names.items() if isinstance(target, str)})
        return found


def roots() -> tuple[str, ...]:
    """Where Docker keeps its data: the root that daemon.json sets, then the default."""
    try:
        tree = _read(DAEMON_CONFIG)
    except SourceError:
        tree = None
    set_root = tree.get("data-root") or tree.get("graph") if tree is not None else ""
    known = [set_root] if isinstance(set_root, str) and set_root.startswith("/") else []
    return tuple(dict.fromkeys([*known, DEFAULT_ROOT]))


def _roots(rootfs: str) -> tuple[str, ...]:
    """Every root that the container can belong to: its root filesystem lies a few levels below one."""
    found = []
    above = os.path.dirname(os.path.normpath(rootfs)) if rootfs.startswith("/") else "/"
    while above != "/":
        if os.path.isdir(f"{above}/containers"):
            found.append(above)
        above = os.path.dirname(above)
    return tuple(dict.fromkeys([*found, *roots()]))


def _read(path: str) -> dict[str, Any] | None:
    """Read a JSON object of Docker's, None where the file is not there. Raises SourceError."""
    try:
        tree = fastjson.loads(read_capped(path, limits.STORE_INDEX), what=escape(path), cap=limits.STORE_INDEX)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SourceError(f"{escape(path)}: {symbol(error)}") from None
    except ValueError as error:
        raise SourceError(str(error)) from None
    if not isinstance(tree, dict):
        raise SourceError(f"{escape(path)}: an object is required")
    return tree
