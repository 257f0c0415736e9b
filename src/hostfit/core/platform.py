"""What an image's platform asks of a host, as rules like any other.

Sources: OCI image-spec, image index (`platform`, table of variants); names as in Go's GOOS and GOARCH, normalised as
containerd's `platforms` package does.
"""

from __future__ import annotations

from hostfit.core.image import Platform
from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term

_SYSTEM, _MICROARCH, _BINFMT, _RUNTIME = "system.platform", "cpu.microarch", "kernel.binfmt", "runtime.platform"
_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "armhf": "arm",
    "armel": "arm",
}
_ARM_VARIANTS = {"armhf": "v7", "armel": "v6"}
_ALSO_RUNS_ON = {"386": ("amd64",), "arm": ("arm64",)}
"""Hosts of another architecture that run it by themselves. Some arm64 cores have no 32-bit mode; the kernel does not
say so in a file, and refusing arm images on all of them would be wrong more often."""
WASM = ("wasm", "wasm32", "wasm64")


def normalise(platform: Platform) -> Platform:
    """Give the platform with one name for each thing: x86_64 is amd64, arm64/v8 is arm64, arm is arm/v7."""
    system = platform.os.lower()
    system = "darwin" if system == "macos" else system
    written = platform.architecture.lower()
    architecture = _ARCHITECTURES.get(written, written)
    variant = _ARM_VARIANTS.get(written) or platform.variant.lower()
    if architecture == "386" or (architecture == "amd64" and variant == "v1"):
        variant = ""
    elif architecture in ("arm", "arm64"):
        if variant[:1].isdigit():
            variant = "v" + variant
        variant = variant.removesuffix(".0")
        if architecture == "arm64" and variant == "v8":
            variant = ""
        elif architecture == "arm" and not variant:
            variant = "v7"
    return Platform(system, architecture, variant, platform.os_version, platform.os_features)


def platform_spec(platform: Platform) -> Spec:
    """Give the rules that a host must satisfy to run a platform; of an empty platform there are none.

    A host runs its own architecture and those it emulates in hardware; a foreign one where an enabled binfmt_misc
    handler serves it; wasm where a runtime does. A variant needs the CPU level of that name, unless emulated. What
    the version of an operating system other than Linux asks for is in `osversion`.
    """
    wanted = normalise(platform)
    if wanted.architecture in WASM:
        name = f"{wanted.os or 'wasi'}/{wanted.architecture}"
        return _spec(platform, Matcher((Term(_RUNTIME, {name: Expression("Exists")}),)))
    system = (Term(_SYSTEM, {"os": _one_of(wanted.os)}),) if wanted.os else ()
    if not wanted.architecture:
        return _spec(platform, Matcher(system) if system else None)
    served = (wanted.architecture, *_ALSO_RUNS_ON.get(wanted.architecture, ()))
    native = (Term(_SYSTEM, {"architecture": _one_of(*served)}), *_level(wanted))
    if wanted.os != "linux":
        return _spec(platform, Matcher(system + native))
    handler = {"architecture": _one_of(wanted.architecture), "enabled": Expression("IsTrue")}
    return _spec(platform, Matcher(system, (native, (Term(_BINFMT, handler),))))


def _level(wanted: Platform) -> tuple[Term, ...]:
    """The CPU level of a variant; the flags of `cpu.microarch` are cumulative."""
    variant = wanted.variant
    if not variant or wanted.architecture == "arm":
        return ()
    if wanted.architecture == "amd64":
        flag = f"x86-64-{variant}"
    elif wanted.architecture == "arm64":
        major, _, minor = variant.partition(".")
        flag = f"arm{major}.{minor or '0'}-a"
    else:
        flag = variant
    return (Term(_MICROARCH, {flag: Expression("Exists")}),)


def _one_of(*values: str) -> Expression:
    return Expression("In", values)


def _spec(platform: Platform, matcher: Matcher | None) -> Spec:
    rules: tuple[Rule, ...] = ()
    if matcher is not None:
        rules = (Rule(f"platform {platform}", matcher, path="platform"),)
    if platform.os_version or platform.os_features:
        from hostfit.core import osversion  # images of Linux rarely have either

        rules += osversion.rules(normalise(platform))
    for rule in rules:
        for term in rule.matcher.terms():
            term.path = "platform"
    return Spec((CompatibilitySet(rules),))
