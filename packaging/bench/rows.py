"""All figures, one after the other; each is a row of the table: work, against, value, bound where there is one.

A row with a bound says whether it is `met`: by its value, and by what else the figure asks for. `fell_back` is how many
of its starts Python decided.
"""

import calls
import commands
import lifecycle
import resident
from paired import Missing

SPEC = (
    "kernel.version.full >=4.0 <99; kernel.version.major >=4; kernel.version.minor >=0;"
    " kernel.loadedmodule.hostfit_a !exists; kernel.loadedmodule.hostfit_b !exists;"
    " kernel.loadedmodule.hostfit_c !exists;"
    " kernel.sysctl.kernel.ostype =Linux; kernel.sysctl.kernel.pid_max >1000; kernel.sysctl.net.ipv4.ip_forward exists;"
    " kernel.filesystem.proc exists; kernel.filesystem.sysfs exists; kernel.filesystem.tmpfs exists;"
    " kernel.cmdline.hostfit_a !exists; kernel.cmdline.hostfit_b !exists;"
    " cpu.count.online >=1; memory.size.total >1000000; memory.size.total >2000000;"
    " os.glibc.version >=2.17; os.glibc.path exists; kernel.version.revision >=0"
)
"""20 expressions over 8 features that hold on any host."""


def measure(place, rounds, tell):
    """Take all figures and give their rows. `tell` is told what is being measured."""
    found = []
    for work, against, figure in (
        *lifecycle.FIGURES,
        *calls.FIGURES,
        *commands.FIGURES,
        *resident.FIGURES,
    ):
        tell(f"{work}, against {against}")
        row = {"work": work, "against": against}
        place.alone()
        try:
            values = figure(place, rounds, SPEC)
        except Missing as missing:
            found.append(row | {"missing": str(missing)})
            continue
        found.append(row | {"fell_back": place.alone()} | values)
        if "bound" in values:
            found[-1]["met"] = values["value"] <= values["bound"] and values.get("met", True)
    return found
