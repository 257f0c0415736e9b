"""Every image that the local stores of this host have, for whoever looks for specs of all of them (cold)."""

from __future__ import annotations

import os
from functools import partial

from hostfit.core.errors import SourceError
from hostfit.oci import digest as digests
from hostfit.oci import reference as references
from hostfit.sources import containerimage, docker, local
from hostfit.sources.containerd import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from hostfit.core.image import Image
    from hostfit.oci.reference import Reference

    T = TypeVar("T")

_TIMEOUT = 10.0


def images(problem: Callable[[str], None]) -> Iterator[Image]:
    """Give every image once for each store; `problem` is told in one line of a store, or an image, that is broken."""
    for store in local.stores():
        records = _guarded(store.records, problem)
        for record in records or ():
            image = _guarded(partial(store.image, record), problem)
            if image is not None:
                yield image
    for socket in local.SOCKETS:
        if os.path.exists(socket):
            yield from _in_containerd(socket, problem)
    for root in docker.roots():
        if os.path.isdir(f"{root}/image"):
            yield from _in_docker(root, problem)


def repositories(image: Image) -> list[Reference]:
    """The repositories on registries that an image's names lead to, each once; `localhost/` is Podman's for none."""
    found: dict[str, Reference] = {}
    for name in (*image.names, image.name):
        try:
            reference = references.normalised(name)
        except ValueError:
            continue
        if name and reference.domain not in ("", "localhost") and not digests.valid(name):
            found.setdefault(reference.repository, references.Reference(reference.path, domain=reference.domain))
    return list(found.values())


def _in_containerd(socket: str, problem: Callable[[str], None]) -> Iterator[Image]:
    try:
        with containerimage.connect((socket,), timeout=_TIMEOUT) as channel:
            for namespace in sorted(Client(channel, "default").namespaces()):
                client = Client(channel, namespace)
                seen: set[str] = set()
                for named in client.images():
                    if named.target.digest in seen:
                        continue
                    seen.add(named.target.digest)
                    found = _guarded(partial(containerimage.read, client, named, lambda _: True), problem)
                    if found is not None:
                        yield containerimage.make(client, found)
    except SourceError as error:
        problem(error.message)


def _in_docker(root: str, problem: Callable[[str], None]) -> Iterator[Image]:
    store = docker.Store(root)
    known = _guarded(store.references, problem) or {}
    for image_id in dict.fromkeys(known.values()):
        image = _guarded(partial(store.image_by_id, image_id), problem)
        if image is not None:
            yield image


def _guarded(read: Callable[[], T], problem: Callable[[str], None]) -> T | None:
    """Give what `read` gives, None where it raises SourceError, which is told."""
    try:
        return read()
    except SourceError as error:
        problem(error.message)
        return None
