"""`kernel.binfmt`: the handlers of binfmt_misc and which architecture's programs they run."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_BASE = "/proc/sys/fs/binfmt_misc"
_MACHINES = {
    (3, 1, 1): "386",
    (6, 1, 1): "386",
    (8, 1, 1): "mipsle",
    (8, 1, 2): "mips",
    (8, 2, 1): "mips64le",
    (8, 2, 2): "mips64",
    (20, 1, 2): "ppc",
    (21, 2, 1): "ppc64le",
    (21, 2, 2): "ppc64",
    (22, 2, 2): "s390x",
    (40, 1, 1): "arm",
    (40, 1, 2): "armbe",
    (62, 2, 1): "amd64",
    (183, 2, 1): "arm64",
    (183, 2, 2): "arm64be",
    (243, 1, 1): "riscv",
    (243, 2, 1): "riscv64",
    (258, 2, 1): "loong64",
}
"""ELF e_machine, class and byte order to Go's name of the architecture (elf(5))."""


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `kernel.binfmt`. Raises OSError."""
    del feature, names
    if not root.exists(_BASE):
        # Neither built in nor loaded, as long as the sysctls beside it can be seen.
        root.stat("/proc/sys/fs")
        return Feature(instances=())
    # Nothing is mounted there until a handler is registered; an empty directory has no handlers.
    status = root.optional(f"{_BASE}/status")
    found: list[dict[str, str | Unknown]] = []
    for name in root.names(_BASE):
        if name in ("register", "status"):
            continue
        one: dict[str, str | Unknown] = {"name": name}
        try:
            one.update(handler(root.text(f"{_BASE}/{name}", 1 << 16)))
        except OSError as error:
            why = Unknown(reason(error))
            one.update(dict.fromkeys(("enabled", "interpreter", "architecture", "fixed"), why))
        if status == "disabled":
            one["enabled"] = "false"
        found.append(one)
    return Feature(instances=found)


def handler(text: str) -> dict[str, str]:
    """Parse what the kernel shows of one handler (admin-guide/binfmt-misc)."""
    lines = text.split("\n")
    values = {line.partition(" ")[0]: line.partition(" ")[2].strip() for line in lines}
    found = {
        "enabled": "true" if lines[0] == "enabled" else "false",
        "fixed": "true" if "F" in values.get("flags:", "") else "false",
    }
    if values.get("interpreter"):
        found["interpreter"] = values["interpreter"]
    offset = values.get("offset", "0")
    machine = architecture(values.get("magic", ""), values.get("mask", "")) if offset == "0" else ""
    if machine:
        found["architecture"] = machine
    return found


def architecture(magic: str, mask: str) -> str:
    """Give Go's name of the architecture whose ELF header the magic bytes select, "" if they select none."""
    try:
        head = bytes.fromhex(magic)
        kept = bytes.fromhex(mask) if mask else b"\xff" * len(head)
    except ValueError:
        return ""
    if len(head) < 20 or len(kept) != len(head) or head[:4] != b"\x7fELF" or kept[18:20] == b"\0\0":
        return ""
    order = head[5]
    machine = int.from_bytes(head[18:20], "big" if order == 2 else "little")
    return _MACHINES.get((machine, head[4], order), "")
