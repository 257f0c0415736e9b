"""The images that the system tests start: each is named after what is special about it."""

from __future__ import annotations

import json

from hostfit_bed import program

REQUIRE = "io.hostfit.require"
FITS = "kernel.version.full >=4.0"
MODULE = "kernel.loadedmodule.gtp5g exists"
SYSCTL = "kernel.sysctl.net.ipv4.ip_forward =1"
UNKNOWN = "kernel.nosuchfeature.element exists"


def build(images):
    """Build all of them; annotations are on the manifest, labels in the config, as authors write them."""
    images.add("plain")
    images.add("fits", annotations={REQUIRE: FITS})
    images.add("module", annotations={REQUIRE: MODULE})
    images.add("labelled-module", labels={REQUIRE: MODULE})
    images.add("labelled-fits", labels={REQUIRE: FITS})
    images.add("sysctl", annotations={REQUIRE: SYSCTL}, labels={REQUIRE: SYSCTL})
    images.add("both", annotations={REQUIRE: MODULE}, labels={REQUIRE: SYSCTL})
    images.add("two-misfits", annotations={REQUIRE: f"{MODULE}; {SYSCTL}"})
    images.add("newer", annotations={REQUIRE: UNKNOWN})
    images.add("labelled-newer", labels={REQUIRE: UNKNOWN})
    images.add("broken", annotations={REQUIRE: "kernel.version.full >=>= 5"})
    images.add("document", annotations={"io.hostfit.spec": json.dumps(_document())})
    images.add("forged", annotations={REQUIRE: MODULE, "io.hostfit.runtime": "crun", "io.hostfit.policy": "allow"})
    images.add("asks", annotations={REQUIRE: FITS, "io.hostfit.runtime": "crun"})
    images.add("named-digest", annotations={"io.hostfit.spec.digest": "sha256:" + "0" * 64})
    images.add("v3", variant="v3")
    images.add("v4", variant="v4")
    images.add("arm64", architecture="arm64", variant="v8")
    built = program.build(images.directory, "x86-64-v3")
    images.add("built-v3", command=["/bin/program"], files={"/bin/program": built})
    images.add_index("levels", {("amd64", "v3"): "plain"})


def _document():
    term = {"feature": "kernel.loadedmodule", "matchExpressions": {"gtp5g": {"op": "Exists"}}}
    rule = {"name": "gtp5g is loaded", "matchFeatures": [term], "documentation": "https://example.org/gtp5g"}
    return {"version": "v1alpha1", "compatibilities": [{"rules": [rule], "description": "the user plane"}]}
