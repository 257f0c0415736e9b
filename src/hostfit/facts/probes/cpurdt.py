"""`cpu.rdt`: resource director technology, from the kernel's flags and resctrl."""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.probes import cpuinfo
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

_FLAGS = {
    "RDTMON": ("cqm",),
    "RDTCMT": ("cqm_occup_llc",),
    "RDTMBM": ("cqm_mbm_total", "cqm_mbm_local"),
    "RDTL3CA": ("cat_l3",),
    "RDTL2CA": ("cat_l2",),
    "RDTMBA": ("mba",),
}
_CLOSIDS = "/sys/fs/resctrl/info/L3/num_closids"


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `cpu.rdt`. Raises OSError."""
    del feature
    flags = cpuinfo.load(root).flags
    found: dict[str, str | Unknown] = {
        name: "true" if any([flag in flags for flag in any_of]) else "false" for name, any_of in _FLAGS.items()
    }
    if found["RDTL3CA"] == "true" and (names is None or "RDTL3CA_NUM_CLOSID" in names):
        try:
            count = cpuinfo.number(root.line(_CLOSIDS))
            found["RDTL3CA_NUM_CLOSID"] = str(count - 1) if count > 0 else Unknown(f"{_CLOSIDS}: no number")
        except OSError as error:
            # resctrl is not mounted unless somebody uses it.
            found["RDTL3CA_NUM_CLOSID"] = Unknown(reason(error))
    return Feature(attributes=found)
