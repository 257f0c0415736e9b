"""`kernel.loadedmodule` and `kernel.enabledmodule`, and the lists that `kernel.module` is made of."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes.kernel import release
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the two features. Raises OSError."""
    enabled = loaded(root)
    unknown = None
    if feature == "kernel.enabledmodule":
        try:
            enabled = enabled | set(builtin(root))
        except OSError as error:
            # The kernel shows those built-in modules that have parameters or a version.
            enabled = enabled | shown(root)
            unknown = Unknown(reason(error))
    return Feature(flags=spelled(enabled, names), unknown=unknown)


def normal(name: str) -> str:
    """Give a module's name as the kernel knows it: file names may have - where it has _."""
    return name.replace("-", "_")


def spelled(known: set[str], names: set[str] | None) -> set[str]:
    """Give the modules that are known, and those asked for under another spelling of - and _."""
    return known | {name for name in names or () if normal(name) in known}


def loaded(root: Root) -> set[str]:
    """Give the names in /proc/modules. Raises OSError.

    A kernel without support for modules has none, and neither that file nor modules_disabled.
    """
    try:
        text = root.text("/proc/modules")
    except FileNotFoundError:
        if supported(root):
            raise
        return set()
    return {normal(line.split(" ", 1)[0]) for line in text.split("\n") if line}


def supported(root: Root) -> bool:
    """Whether the kernel can load modules at all, as far as /proc tells. Raises OSError where nothing can be told."""
    root.stat("/proc/sys/kernel/osrelease")
    return root.exists("/proc/modules") or root.exists("/proc/sys/kernel/modules_disabled")


def disabled(root: Root) -> bool:
    """Whether no module can be loaded any more, which lasts until the next boot. Raises OSError."""
    return root.optional("/proc/sys/kernel/modules_disabled") == "1"


def builtin(root: Root) -> dict[str, str]:
    """Give the built-in modules and their paths from modules.builtin of the running kernel. Raises OSError."""
    text = root.text(f"/lib/modules/{release(root)}/modules.builtin")
    return {module_name(path): path for path in text.split("\n") if path}


def loadable(root: Root) -> dict[str, str]:
    """Give the modules of modules.dep and their paths below /lib/modules/RELEASE. Raises OSError.

    There are none once loading is disabled.
    """
    if disabled(root):
        return {}
    text = root.text(f"/lib/modules/{release(root)}/modules.dep", 16 << 20)
    paths = [line.partition(":")[0] for line in text.split("\n")]
    return {module_name(path): path for path in paths if path}


def shown(root: Root) -> set[str]:
    """Give the names in /sys/module, which are loaded or built in; none where it cannot be read."""
    try:
        return {normal(name) for name in root.names("/sys/module")}
    except OSError:
        return set()


def module_name(path: str) -> str:
    """Give the module's name for `kernel/drivers/vfio/pci/vfio-pci.ko.xz`."""
    return normal(path.rpartition("/")[2].partition(".ko")[0])
