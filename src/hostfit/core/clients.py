"""Which image of an index clients take that know nothing of compatibility: Podman and its kin, containerd and Docker.

Sources: `WantedPlatforms` and `ChooseInstance` of containers/image (Podman, CRI-O, buildah, skopeo); `Only` of
containerd's `platforms` and `images.Manifest` (containerd, Docker). Neither looks at a CPU level of amd64, so an image
with such a variant is never taken by itself; what an index says beyond its platforms is not read at all.
"""

from __future__ import annotations

from hostfit.core.image import Platform
from hostfit.core.platform import normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Pick = Callable[[Sequence[Platform | None], Platform], int | None]

PODMAN, CONTAINERD = "Podman, CRI-O, skopeo", "containerd, Docker"
_VARIANTS = {"arm": ("v8", "v7", "v6", "v5"), "arm64": ("v8",)}


def by_podman(members: Sequence[Platform | None], host: Platform) -> int | None:
    """Give the position of the member that containers/image takes for a host, None for none.

    Names are compared as they are written; the variant must be the host's, a lower one or none at all.
    """
    known = _VARIANTS.get(host.architecture, ())
    variants: list[str] = []
    if host.variant:
        variants += known[known.index(host.variant) :] if host.variant in known else (host.variant,)
        variants.append("")
    else:
        variants += ("", *known)
    for variant in variants:
        for position, one in enumerate(members):
            if one is not None and (one.os, one.architecture, one.variant) == (host.os, host.architecture, variant):
                return position
    return next((position for position, one in enumerate(members) if one is None), None)


def by_containerd(members: Sequence[Platform | None], host: Platform) -> int | None:
    """Give the position of the member that containerd takes for a host, None for none.

    Of those that match the closest counts, then the first. One that names no platform comes last; containerd would then
    look at its config.
    """
    for wanted in _vector(normalise(host)):
        for position, one in enumerate(members):
            if one is None:
                continue
            has = normalise(one)
            if (has.os, has.architecture, has.variant) == wanted:
                return position
    return next((position for position, one in enumerate(members) if one is None), None)


CLIENTS: dict[str, Pick] = {PODMAN: by_podman, CONTAINERD: by_containerd}


def generic(architecture: str) -> Platform:
    """Give the platform that these clients see on a Linux host which has no more than its architecture's baseline."""
    return Platform("linux", architecture, {"arm64": "v8", "arm": "v7"}.get(architecture, ""))


def _vector(host: Platform) -> list[tuple[str, str, str]]:
    """The platforms that a host runs, the closest first."""
    found = [(host.os, host.architecture, host.variant)]
    if host.architecture == "amd64":
        found.append((host.os, "386", ""))
    elif host.architecture == "arm64":
        found += [(host.os, "arm", variant) for variant in _VARIANTS["arm"]]
    elif host.architecture == "arm" and host.variant in _VARIANTS["arm"]:
        order = _VARIANTS["arm"]
        found += [(host.os, "arm", variant) for variant in order[order.index(host.variant) + 1 :]]
    return found
