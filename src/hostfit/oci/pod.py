"""A container's place in a pod, from the annotations that CRI engines write (and Podman for its pods)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.oci.request import Bundle

_CONTAINERD = "io.kubernetes.cri.sandbox-id"
_STORAGE = "io.kubernetes.cri-o.SandboxID"
"""CRI-O's key and Podman's."""
_ID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")
_LONGEST = 255
"""Bytes of a container's id: it is the name of a directory."""


def sandbox_of(bundle: Bundle, container: str) -> str:
    """Give the id of the pod's sandbox; empty outside of a pod and for the sandbox itself.

    An engine writes its own key over whatever pod or image say there, and passes other engines' keys on, so only its
    own counts. Which engine it is the bundle's place tells, which nobody else chooses: CRI-O and Podman have bundles in
    containers-storage, under the name `userdata`. Outside of a pod whoever writes the key only binds the container.
    """
    stored = bundle.path.rstrip("/").endswith("/userdata")
    found = bundle.annotations.get(_STORAGE if stored else _CONTAINERD, "")
    return "" if found == container else found


def is_id(text: str) -> bool:
    """Whether a text can be a container's id, and so one part of a path (security rule R4)."""
    return 0 < len(text) <= _LONGEST and text[0].isalnum() and _ID.issuperset(text)
