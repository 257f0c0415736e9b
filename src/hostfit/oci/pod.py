"""A container's place in a pod, from the annotations that CRI engines write (and Podman for its pods)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES = ("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")
_SANDBOXES = ("io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID")
SANDBOX, CONTAINER = "sandbox", "container"
_ID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")
_LONGEST = 255
"""Bytes of a container's id: it is the name of a directory."""


def sandbox_of(annotations: Mapping[str, str], container: str) -> str:
    """Give the id of the pod's sandbox; empty outside of a pod and for the sandbox itself.

    Whoever writes these annotations by hand can make a container more bound by it, never less: a sandbox only takes
    choices away. So where one engine's key says container, another's, which the pod may have written, counts no more.
    """
    types = [annotations.get(key) for key in _TYPES]
    if SANDBOX in types and CONTAINER not in types:
        return ""
    found = next((annotations[key] for key in _SANDBOXES if annotations.get(key)), "")
    return "" if found == container else found


def is_id(text: str) -> bool:
    """Whether a text can be a container's id, and so one part of a path (security rule R4)."""
    return 0 < len(text) <= _LONGEST and text[0].isalnum() and _ID.issuperset(text)
