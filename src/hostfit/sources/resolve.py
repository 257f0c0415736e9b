"""Which engine a container belongs to and which image it runs, from the bundle's place and the engine's own store.

The bundle's path comes first: the engine chose it, while most annotations can be written by others. A plain bundle has
no engine and no image.
"""

from __future__ import annotations

import os

from hostfit.core.image import Resolution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.oci.request import Request

_CRI_O_ID = "io.kubernetes.cri-o.ContainerID"
"""Written by CRI-O after the pod's annotations. `io.container.manager` proves nothing: Podman 4.3 lets an image's
annotation of that name win. No image or pod can know the ID of a container to come.
"""
_TASKS = ("io.containerd.runtime.v2.task", "io.containerd.runtime.v1.linux")
"""Directories of containerd's state in which bundles lie, as `<namespace>/<id>`."""
_DOCKER = "moby"


def resolve(request: Request) -> Resolution:
    """Find engine and image of a request. Never raises: what cannot be found or understood is a `reason`."""
    bundle = request.bundle
    path = os.path.normpath(bundle.path)
    if path.endswith("/userdata"):
        from hostfit.sources import storage  # hosts with Podman or CRI-O only

        place = storage.placed(path)
        if place is not None:
            engine = "cri-o" if bundle.annotations.get(_CRI_O_ID) == place.container else "podman"
            return storage.resolve(place, bundle, engine)
    if request.id == "buildah-" + os.path.basename(path):
        return Resolution("buildah")
    tasks, container = os.path.split(path)
    tasks, namespace = os.path.split(tasks)
    state, folder = os.path.split(tasks)
    is_task = folder in _TASKS
    if not is_task and not (request.environ.get("NAMESPACE") and request.environ.get("GRPC_ADDRESS")):
        return Resolution("")
    namespace = request.environ.get("NAMESPACE") or namespace
    container = container if is_task else request.id
    sockets = _sockets(request, state if is_task else "")
    if namespace == _DOCKER:
        from hostfit.sources import docker  # hosts with Docker only

        return docker.resolve(container, bundle, sockets)
    from hostfit.sources import containerimage  # hosts with containerd only

    return containerimage.resolve(sockets, namespace, container)


def _sockets(request: Request, state: str) -> tuple[str, ...]:
    """Where containerd listens, in the order of certainty (design: identity)."""
    known = []
    grpc, ttrpc = request.environ.get("GRPC_ADDRESS", ""), request.environ.get("TTRPC_ADDRESS", "")
    if grpc:
        known.append(grpc.removeprefix("unix://"))
    elif ttrpc.endswith(".ttrpc"):
        known.append(ttrpc.removeprefix("unix://").removesuffix(".ttrpc"))
    if state:
        known.append(f"{state}/containerd.sock")
    known.append("/run/containerd/containerd.sock")
    return tuple(dict.fromkeys(known))
