"""The vocabulary of `request.*`: the container that is about to start, for rules of the administrator alone."""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, INSTANCE, TEXT, VOLATILE, ElementInfo, FeatureInfo

_LINK = "https://github.com/opencontainers/runtime-spec/blob/main/config.md"
FEATURES = (
    FeatureInfo(
        "request.env",
        meaning="environment of the container's process. For `when` of a runtime in hostfit.toml(5) alone",
        source="process.env of the bundle",
        link=_LINK,
        stability=VOLATILE,
        open_kinds=(ATTRIBUTE,),
    ),
    FeatureInfo(
        "request.annotation",
        meaning="annotations of the container, as the engine passes them on. For `when` of a runtime alone",
        source="annotations of the bundle",
        link=_LINK,
        stability=VOLATILE,
        open_kinds=(ATTRIBUTE,),
    ),
    FeatureInfo(
        "request.image",
        meaning="the image of the container, and who starts it. For `when` of a runtime alone",
        source="bundle and image store",
        link=_LINK,
        stability=VOLATILE,
        elements=(
            ElementInfo("name", ATTRIBUTE, TEXT, "name that the store or the engine gives"),
            ElementInfo("digest", ATTRIBUTE, TEXT, "digest of its manifest, else of its configuration"),
            ElementInfo("os", ATTRIBUTE, TEXT, "operating system of its platform"),
            ElementInfo("architecture", ATTRIBUTE, TEXT, "architecture of its platform"),
            ElementInfo("namespace", ATTRIBUTE, TEXT, "the pod's namespace, where a CRI engine says so"),
            ElementInfo("engine", ATTRIBUTE, TEXT, "podman, cri-o, containerd, docker, buildah"),
        ),
    ),
    FeatureInfo(
        "request.device",
        meaning="device nodes that the container is given, one instance each. For `when` of a runtime alone",
        source="linux.devices and mounts of the bundle",
        link=_LINK,
        stability=VOLATILE,
        elements=(ElementInfo("path", INSTANCE, TEXT, "path of the node, such as /dev/nvidia0"),),
    ),
    FeatureInfo(
        "request.cdi",
        meaning="CDI devices that annotations ask for, one instance each. For `when` of a runtime alone",
        source="annotations cdi.k8s.io/* of the bundle",
        link="https://github.com/cncf-tags/container-device-interface",
        stability=VOLATILE,
        elements=(
            ElementInfo("name", INSTANCE, TEXT, "qualified name, such as nvidia.com/gpu=0"),
            ElementInfo("vendor", INSTANCE, TEXT, "the vendor, such as nvidia.com"),
            ElementInfo("class", INSTANCE, TEXT, "the class, such as gpu"),
            ElementInfo("device", INSTANCE, TEXT, "the device's own name, such as 0 or all"),
        ),
    ),
)
PROBES = {row.name: "request" for row in FEATURES}
