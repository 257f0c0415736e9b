"""The small facts of the kernel: version, security modules, lockdown, filesystems, KVM."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_KEPT = frozenset("-_.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the features. Raises OSError."""
    del names
    if feature == "kernel.version":
        return Feature(attributes=version(root.line("/proc/sys/kernel/osrelease")))
    if feature == "kernel.selinux":
        # selinuxfs is there whenever SELinux is on; without it nothing enforces.
        root.stat("/sys/fs")
        enforcing = root.optional("/sys/fs/selinux/enforce") == "1"
        return Feature(attributes={"enabled": "true" if enforcing else "false"})
    if feature == "kernel.kvm":
        root.stat("/sys/devices")
        return Feature(attributes={"enabled": "true" if root.exists("/sys/devices/virtual/misc/kvm") else "false"})
    if feature == "kernel.lsm":
        return Feature(flags=[name for name in root.line("/sys/kernel/security/lsm").split(",") if name])
    if feature == "kernel.lockdown":
        return Feature(attributes={"mode": lockdown(_lockdown(root))})
    lines = root.text("/proc/filesystems").split("\n")
    return Feature(flags=[line.split()[-1] for line in lines if line.split()])


def release(root: Root) -> str:
    """Give the release of the running kernel as it stands, for paths below /lib/modules. Raises OSError."""
    text = root.line("/proc/sys/kernel/osrelease")
    # The name becomes part of a path; a tree may say anything here.
    return "".join([char for char in text if char in _KEPT or char in "+~"]).lstrip(".")


def version(text: str) -> dict[str, str | Unknown]:
    """Give the elements of `kernel.version` for a release such as `6.1.0-18-amd64` or `5.15.167.4-WSL2`."""
    full = "".join([char if char in _KEPT else "_" for char in text]).strip("-_.")
    numbers: list[str] = []
    for part in text.split("."):
        digits = ""
        for char in part:
            if char not in "0123456789":
                break
            digits += char
        if digits:
            numbers.append(digits)
        if digits != part or len(numbers) == 3:
            break
    if not numbers:
        why = Unknown(f"/proc/sys/kernel/osrelease: no number in {full[:64]}")
        return {"full": full, "major": why, "minor": why, "revision": why}
    numbers += ["0"] * (3 - len(numbers))
    return {"full": full, "major": numbers[0], "minor": numbers[1], "revision": numbers[2]}


def _lockdown(root: Root) -> str:
    try:
        return root.line("/sys/kernel/security/lockdown")
    except FileNotFoundError:
        # Where securityfs is mounted, which its list of modules shows, this kernel was built without lockdown.
        if root.exists("/sys/kernel/security/lsm"):
            return "[none]"
        raise


def lockdown(text: str) -> str | Unknown:
    """Give the mode in brackets of `[none] integrity confidentiality`."""
    for word in text.split():
        if word.startswith("[") and word.endswith("]"):
            return word[1:-1]
    return Unknown("/sys/kernel/security/lockdown: no mode in brackets")
