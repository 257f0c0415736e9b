"""What a bundle claims about its pod and image, and how far that may be believed (design: where a spec comes from)."""

from __future__ import annotations

from hostfit.core.image import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.image import Resolution
    from hostfit.oci.request import Request

_NAMES = ("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", "io.kubernetes.cri-o.Image")
_CONTAINERD = "io.kubernetes.cri.sandbox-namespace"
"""Written after the pod's own annotations (containerd internal/cri/annotations), so no pod can forge it."""
_CRI_O = "io.kubernetes.cri-o.Labels"
"""The kubelet's labels as JSON, written by CRI-O after the pod's own annotations."""
_LABEL = "io.kubernetes.pod.namespace"
_CRI_NAMESPACE = "k8s.io"
"""containerd's own namespace for whatever CRI starts; `ctr` and others use different ones."""


def image_of(request: Request, resolution: Resolution) -> Image | None:
    """Give the image that scopes and images.d are asked about.

    Where the store did not answer, the name that the bundle claims still counts for what tightens: a store that is
    broken must not take a container out of a strict scope.
    """
    if resolution.image is not None:
        return resolution.image
    for key in _NAMES:
        name = request.bundle.annotations.get(key, "")
        if name:
            return Image(name=name)
    return None


def namespace_of(request: Request, resolution: Resolution) -> str:
    """Give the pod's namespace, or empty text outside a CRI engine's bundle.

    A bundle of Podman, Docker or `ctr` may carry the same annotations, for there the user writes them.
    """
    annotations = request.bundle.annotations
    if resolution.engine == "cri-o":
        return _label(annotations.get(_CRI_O, ""))
    if resolution.engine != "containerd":
        return ""
    # containerd 1.6 passes no NAMESPACE; its bundles lie in a directory of that name.
    above = request.bundle.path.rstrip("/").rpartition("/")[0].rpartition("/")[2]
    if request.environ.get("NAMESPACE", above) != _CRI_NAMESPACE:
        return ""
    return annotations.get(_CONTAINERD, "")


def _label(text: str) -> str:
    if not text:
        return ""
    from hostfit.core import fastjson  # bundles of CRI-O only

    try:
        labels = fastjson.loads(text.encode("utf-8", "surrogatepass"), what=_CRI_O)
    except ValueError:
        return ""
    value = labels.get(_LABEL, "") if isinstance(labels, dict) else ""
    return value if isinstance(value, str) else ""
