"""All images of the local stores, one after the other (cold: what is judged before anybody starts it)."""

from __future__ import annotations

import os

from hostfit.core.errors import SourceError
from hostfit.oci import digest as digests
from hostfit.sources import containerimage, docker, local
from hostfit.sources.containerd import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.core.image import Image

_TIMEOUT = 10.0


def images() -> Iterator[Image]:
    """Give every image of Podman and CRI-O, containerd and Docker that can be read; a broken one is left out."""
    yield from _of_storage()
    yield from _of_containerd()
    yield from _of_docker()


def changing() -> tuple[str, ...]:
    """Give the paths that change when a store gets or loses an image."""
    lists = [f"{store.folder}/images.json" for store in local.stores()]
    boltdb = "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
    return (*lists, boltdb, *[f"{root}/image" for root in docker.roots()])


def _of_storage() -> Iterator[Image]:
    for store in local.stores():
        try:
            records = store.records()
        except SourceError:
            continue
        for record in records:
            names = record.get("names")
            name = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
            try:
                yield store.image(record, name=name)
            except SourceError:
                continue


def _of_containerd() -> Iterator[Image]:
    for path in local.SOCKETS:
        if not os.path.exists(path):
            continue
        try:
            with containerimage.connect((path,), timeout=_TIMEOUT) as channel:
                for namespace in sorted(Client(channel, "default").namespaces()):
                    client = Client(channel, namespace)
                    for named in client.images():
                        found = containerimage.read(client, named, lambda _: True)
                        if found is not None and not digests.valid(named.name):
                            yield containerimage.make(client, found, name=named.name)
        except SourceError:
            continue


def _of_docker() -> Iterator[Image]:
    for root in docker.roots():
        if not os.path.isdir(f"{root}/image"):
            continue
        store = docker.Store(root)
        try:
            for name, image_id in store.references().items():
                image = store.image_by_id(image_id, name=name) if digests.valid(image_id) else None
                if image is not None:
                    yield image
        except SourceError:
            continue
