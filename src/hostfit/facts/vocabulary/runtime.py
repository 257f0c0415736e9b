"""The vocabulary of `runtime.*`: OCI runtimes and containerd shims of the host, and what the one in question runs."""

from __future__ import annotations

from hostfit.core.vocabulary import FLAG, INSTANCE, TEXT, VERSION, VOLATILE, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "runtime.available",
        meaning="runtimes that are installed, one instance each; nothing is executed to find out about them",
        source="programs in /usr/bin, /usr/sbin, /usr/local, /opt/kata; Debian's package database; /opt/kata/VERSION",
        link="https://github.com/opencontainers/runtime-spec/blob/main/implementations.md",
        stability=VOLATILE,
        elements=(
            ElementInfo(
                "name", INSTANCE, TEXT, "runc, crun, crun-wasm, youki, nvidia, runsc, kata, wasmtime, wasmedge, ..."
            ),
            ElementInfo("path", INSTANCE, TEXT, "path of the program"),
            ElementInfo("type", INSTANCE, TEXT, "oci for an OCI runtime, shim for a containerd shim"),
            ElementInfo("version", INSTANCE, VERSION, "its release, where a file of the host tells"),
            ElementInfo("features", INSTANCE, TEXT, "with commas between: oci, shim, wasm, cdi, vm, own-kernel"),
        ),
    ),
    FeatureInfo(
        "runtime.platform",
        meaning="platforms that the runtime in question runs besides those of the host; known in a decision only",
        source="`platforms` of the runtime in hostfit.toml(5)",
        link="https://github.com/opencontainers/image-spec/blob/main/image-index.md",
        open_kinds=(FLAG,),
    ),
)
PROBES = {"runtime.available": "runtimes", "runtime.platform": "runtimes"}
