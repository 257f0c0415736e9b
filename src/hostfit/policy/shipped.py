"""The runtimes that hostfit knows besides runc and crun, as a configuration would define them (hostfit.toml(5)).

They count as far as their binaries or shims are there. Sources: kata-runtime check (src/runtime/cmd/kata-runtime of
Kata Containers), nvidia-container-toolkit, gVisor's containerd integration, crun's handlers, runwasi.
"""

from __future__ import annotations

from hostfit.core.spec import Expression, Matcher, Rule, Term
from hostfit.policy.model import HOST_SHIMS, OWN, PLACES, RuntimeDefinition

NVIDIA, RUNSC, KATA, CRUN_WASM = "nvidia", "runsc", "kata", "crun-wasm"
RUNWASI = ("wasmtime", "wasmedge", "wasmer", "wamr")
WASM = ("wasi/wasm", "wasip1/wasm", "wasip2/wasm", "wasi/wasm32", "wasi/wasm64")
"""Platforms of WebAssembly images, as buildx, Podman and runwasi name them."""
_EXISTS, _TRUE = Expression("Exists"), Expression("IsTrue")


def shipped() -> dict[str, RuntimeDefinition]:
    """Give the definitions by name. Their isolation: 1 the host's kernel, 2 a kernel in user space, 3 a machine."""
    found = [
        RuntimeDefinition(
            NVIDIA, binaries=_places("nvidia-container-runtime"), shims=HOST_SHIMS, grants=True, shipped=True,
            requires=_nvidia_requires(), when=(_given_gpu(),),
        ),
        RuntimeDefinition(
            CRUN_WASM, binaries=_places("crun-wasm"), shims=HOST_SHIMS, platforms=WASM, shipped=True,
            requires=(_with_wasm("crun-wasm"),),
        ),
        RuntimeDefinition(
            RUNSC, binaries=_places("runsc"), shims=_places("containerd-shim-runsc-v1"), isolation=2, kernel=OWN,
            shipped=True,
        ),
        RuntimeDefinition(
            KATA, shims=(*_places("containerd-shim-kata-v2"), "/opt/kata/bin/containerd-shim-kata-v2"), isolation=3,
            kernel=OWN, requires=_kata_requires(), shipped=True,
        ),
        # These run programs of Linux as a plain container (runwasi, executor), so their pods may have both.
        *[
            RuntimeDefinition(
                name, shims=_places(f"containerd-shim-{name}-v1"), platforms=(*WASM, "linux"), shipped=True
            )
            for name in RUNWASI
        ],
    ]  # fmt: skip
    return {one.name: one for one in found}


def _places(program: str) -> tuple[str, ...]:
    return tuple([place + program for place in PLACES])


def _all(name: str, *terms: Term, when: Matcher | None = None) -> Rule:
    return _rule(name, Matcher(terms), when)


def _any(name: str, *branches: tuple[Term, ...], when: Matcher | None = None) -> Rule:
    return _rule(name, Matcher(None, branches), when)


def _rule(name: str, matcher: Matcher, when: Matcher | None) -> Rule:
    for term in (*matcher.terms(), *(when.terms() if when is not None else ())):
        term.path = name
    return Rule(name, matcher, when=when, path=name)


def _in(*values: str) -> Expression:
    return Expression("In", values)


def _module(name: str, *states: str) -> Term:
    return Term("kernel.module", {"name": _in(name), "state": _in(*states)})


def _given_gpu() -> Rule:
    """A GPU by device node, by CDI, or by NVIDIA's variable, whose `void` and `none` mean no GPU."""
    visible = Expression("NotIn", ("", "void", "none"))
    return _any(
        "GPU",
        (Term("request.device", {"path": Expression("InRegexp", ("^/dev/nvidia",))}),),
        (Term("request.cdi", {"vendor": _in("nvidia.com")}),),
        (Term("request.env", {"NVIDIA_VISIBLE_DEVICES": visible}),),
    )


def _nvidia_requires() -> tuple[Rule, ...]:
    cdi = Matcher((Term("request.cdi", {"vendor": _in("nvidia.com")}),))
    return (
        _all("driver", Term("nvidia.driver", {"loaded": _TRUE})),
        _all("device nodes", Term("device.node", {"path": _in("/dev/nvidiactl")})),
        _all("CDI spec", Term("cdi.device", {"vendor": _in("nvidia.com")}), when=cdi),
    )


def _with_wasm(program: str) -> Rule:
    features = Expression("InRegexp", ("(^|,)wasm(,|$)",))
    return _all("built with wasm", Term("runtime.available", {"name": _in(program), "features": features}))


def _kata_requires() -> tuple[Rule, ...]:
    """What `kata-runtime check` looks at, but for its ioctl on /dev/kvm, and without modprobe.

    A vhost module that can be loaded counts: the kernel loads it when its device node is first opened.
    """
    amd64 = Matcher((Term("system.platform", {"architecture": _in("amd64")}),))
    here, ready = ("loaded", "builtin"), ("loaded", "builtin", "loadable")
    metal_intel = Matcher((
        Term("system.platform", {"architecture": _in("amd64")}),
        Term("cpu.model", {"vendor_id": _in("Intel")}),
        Term("cpu.cpuid", {"HYPERVISOR": Expression("DoesNotExist")}),
    ))  # fmt: skip
    unrestricted = {"name": _in("kvm_intel"), "parameter.unrestricted_guest": _in("Y")}
    return (
        _all("architecture", Term("system.platform", {"architecture": _in("amd64", "arm64", "ppc64le", "s390x")})),
        _any(
            "virtualization",
            (Term("cpu.model", {"vendor_id": _in("Intel")}), Term("cpu.cpuid", {"VMX": _EXISTS})),
            (Term("cpu.model", {"vendor_id": _in("AMD")}), Term("cpu.cpuid", {"SVM": _EXISTS})),
            when=amd64,
        ),
        _all("SSE4.1", Term("cpu.cpuid", {"SSE4": _EXISTS}), when=amd64),
        _all("kvm", _module("kvm", *here)),
        _any("kvm of the CPU", (_module("kvm_intel", *here),), (_module("kvm_amd", *here),), when=amd64),
        _all("vhost", _module("vhost", *ready)),
        _all("vhost_net", _module("vhost_net", *ready)),
        _all("unrestricted guests", Term("kernel.module", unrestricted), when=metal_intel),
        _all("/dev/kvm", Term("device.node", {"path": _in("/dev/kvm")})),
    )
