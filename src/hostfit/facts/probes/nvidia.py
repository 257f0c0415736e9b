"""nvidia.driver and nvidia.gpu: from the driver's files and PCI; no library of NVIDIA is loaded, nothing executed."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import nvidiatables, pci
from hostfit.facts.probes.devtree import present, value
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_VERSION = "/proc/driver/nvidia/version"
_MODULE = "/sys/module/nvidia"
_GPUS = "/proc/driver/nvidia/gpus"
_ELSEWHERE = {
    "/dev/dxg": "Windows lends its GPUs through it",
    "/sys/module/nvgpu": "the driver of GPUs that are no PCI devices",
}
"""What shows that there may be GPUs where neither PCI nor the driver of PCI cards has any: WSL 2 and Tegra."""
_VENDOR = "10de"
_DISPLAY = "03"
"""PCI class of display controllers: 0300 with a monitor, 0302 without. NVSwitches and sound are others."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Give the driver, or the GPUs."""
    return _driver(root, names) if feature == "nvidia.driver" else _gpus(root)


def _driver(root: Root, names: set[str] | None) -> Feature:
    line = value(root, _VERSION)
    version: str | Unknown | None = _driver_version(line) if isinstance(line, str) else line
    if version is None:
        version = value(root, _MODULE + "/version")
    if line is None and version is None and not root.exists(_MODULE):
        # Raises where the tree has neither file nor directory of modules: then nothing is known.
        root.names("/sys/module")
        why = _elsewhere(root)
        return Feature(attributes={} if why else {"loaded": "false"}, unknown=why)
    flavour: str | Unknown = Unknown(f"{_VERSION}: ENOENT")
    if isinstance(line, str):
        flavour = "open" if "Open Kernel Module" in line else "proprietary"
    elif isinstance(line, Unknown):
        flavour = line
    version = version or Unknown(f"{_VERSION}: no version in it")
    branch = version.partition(".")[0] if isinstance(version, str) else version
    found = {"loaded": "true", "version": version, "branch": branch, "cuda": _cuda(branch), "flavour": flavour}
    return Feature(attributes={key: text for key, text in found.items() if names is None or key in names})


def _elsewhere(root: Root) -> Unknown | None:
    """Say why no GPU among the PCI devices does not mean that there is none; None if it does."""
    return next((Unknown(f"{path}: {what}") for path, what in _ELSEWHERE.items() if root.exists(path)), None)


def _driver_version(text: str) -> str | None:
    """Give the version in `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 ...`."""
    for word in text.partition("\n")[0].partition("Module")[2].split():
        parts = word.split(".")
        if len(parts) > 1 and all([part.isdecimal() for part in parts]):
            return word
    return None


def _cuda(branch: str | Unknown) -> str | Unknown:
    if isinstance(branch, Unknown):
        return branch
    known = nvidiatables.CUDA_OF_BRANCH.get(branch)
    return known or Unknown(f"driver branch {branch[:20]}: not in hostfit's table of CUDA versions")


def _gpus(root: Root) -> Feature:
    """Give all GPUs: few enough to read whole."""
    found = []
    for address in pci.addresses(root):
        device = pci.device(root, address, {"vendor", "class", "device"})
        if device is None or device["vendor"] != _VENDOR:
            continue
        kind = device["class"]
        if isinstance(kind, str) and kind.startswith(_DISPLAY):
            found.append(_gpu(root, address, device["device"]))
    why = None if found else _elsewhere(root)
    if why is not None:
        return Feature(attributes={}, instances=(), unknown=why)
    attributes: dict[str, str | Unknown] = {"count": str(len(found))}
    if found:
        arches = [gpu["arch"] for gpu in found]
        attributes["arch_min"] = _extreme(arches, lowest=True)
        attributes["arch_max"] = _extreme(arches, lowest=False)
        attributes["brand"] = _brand([gpu["model"] for gpu in found])
    return Feature(attributes=attributes, instances=found)


def _gpu(root: Root, address: str, device: str | Unknown) -> dict[str, str | Unknown]:
    path = f"{_GPUS}/{address}/information"
    try:
        pairs = [line.partition(":") for line in root.text(path).splitlines()]
        said = {key.strip(): text.strip() for key, _, text in pairs}
        missing = Unknown(f"{path}: does not say")
    except OSError as error:
        said = {}
        missing = Unknown(reason(error))
    uuid = said.get("GPU UUID")
    architecture, arch = _architecture(device)
    return present(
        {
            "address": address,
            "device": device,
            "model": said.get("Model") or missing,
            # The driver prints question marks until the GPU is first used.
            "uuid": uuid if uuid and "?" not in uuid else missing,
            "architecture": architecture,
            "arch": arch,
        }
    )


def _architecture(device: str | Unknown) -> tuple[str | Unknown, str | Unknown]:
    """Give the architecture's name and compute capability of a PCI device id."""
    if isinstance(device, Unknown):
        return device, device
    try:
        number = int(device, 16)
    except ValueError:
        number = -1
    for first, last, name, capability in nvidiatables.CHIPS:
        if first <= number <= last:
            return name, capability
    why = Unknown(f"PCI device {device[:8]}: not in hostfit's table of NVIDIA GPUs")
    return why, why


def _extreme(arches: list[str | Unknown], *, lowest: bool) -> str | Unknown:
    known: list[tuple[tuple[int, ...], str]] = []
    for arch in arches:
        if isinstance(arch, Unknown):
            return arch
        known.append((tuple([int(part) for part in arch.split(".")]), arch))
    return (min(known) if lowest else max(known))[1]


def _brand(models: list[str | Unknown]) -> str | Unknown:
    brands = set()
    for model in models:
        if isinstance(model, Unknown):
            return model
        brands.add(nvidiatables.brand(model))
    return brands.pop() if len(brands) == 1 else "mixed"
