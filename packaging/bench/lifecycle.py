"""create, start, state, kill and delete of one container, as an engine calls them."""

import time
from pathlib import Path

from paired import Missing, Spent, paired, ratio, run, summed

QUIET = 0.05
"""Seconds without a container before each life. The kernel takes that long to take the last one's cgroups apart, and
meanwhile a create waits for it or gains by it, by milliseconds and as its moment falls."""


def once(place, bundle, runtime, command):
    """A whole life. The runtime takes its time to end a container, so before delete its end is waited for, untimed."""
    time.sleep(QUIET)
    container = bundle.name
    base = [command, "--root", place.roots(runtime)]
    create = run([*base, "create", "--bundle", bundle, "--pid-file", bundle / "pid", container])
    start = run([*base, "start", container])
    state = run([*base, "state", container])
    kill = run([*base, "kill", container, "KILL"])
    gone(int((bundle / "pid").read_text()))
    delete = run([*base, "delete", container])
    parts = (create, start, state, kill, delete)
    return Spent(sum(one.wall for one in parts), sum(one.cpu for one in parts))


def gone(pid):
    """Wait until a container's process has ended; its parent may not have asked after it yet."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.0005)


def _life(place, name, runtime, spec):
    """Give what does one life under a program in the place of `runtime`, and that itself; Missing where it cannot."""
    path = place.find(runtime)
    if path is None:
        raise Missing(f"{runtime} is not installed")
    if place.find("busybox") is None:
        raise Missing("busybox is not installed")
    bundle = place.bundle(name, spec)

    def life(command):
        return once(place, bundle, runtime, command)

    try:
        life(path)
    except RuntimeError as error:
        raise Missing(f"{runtime} cannot start a container here: {str(error).rpartition(': ')[2]}") from error
    return life, path


def _up(runtime, entry, bound):
    def figure(place, rounds, spec):
        life, path = _life(place, f"{runtime}-up", runtime, spec)
        place.start()
        try:
            found = paired(rounds, {"without": lambda: life(path), "with": lambda: life(place.entry(entry))})
        finally:
            place.stop()
        return ratio(found, "with", "without", bound=bound)

    return figure


def _down(place, rounds, spec):
    life, path = _life(place, "runc-down", "runc", spec)
    found = paired(rounds, {
        "without": lambda: life(path),
        "with": lambda: life(place.entry("hostfit-runtime")),
        "python": lambda: run(["/usr/bin/python3", "-I", "-S", "-c", "pass"]),
    })  # fmt: skip
    floor = summed(found["python"])["wall_ms"]["median"]
    return ratio(
        {name: found[name] for name in ("with", "without")}, "with", "without", bound=1.40,
        note=f"of this, an interpreter that does nothing takes {floor:.1f} ms",
    )  # fmt: skip


def _nvidia(place, rounds, spec):
    other = place.find("nvidia-container-runtime")
    if other is None:
        raise Missing("nvidia-container-runtime is not installed")
    life, path = _life(place, "nvidia", "runc", spec)
    place.start()
    try:
        found = paired(rounds, {
            "without": lambda: life(path),
            "with": lambda: life(place.entry("hostfit-runtime")),
            "nvidia": lambda: life(other),
        })  # fmt: skip
    finally:
        place.stop()
    median = {name: summed(runs)["wall_ms"]["median"] for name, runs in found.items()}
    added = (median["with"] - median["without"]) / max(median["nvidia"] - median["without"], 0.001)
    return {"value": round(added, 3), "unit": "of it", "bound": 1.0, "runs": {n: summed(r) for n, r in found.items()}}


FIGURES = (
    ("lifecycle, runc", "runc", _up("runc", "hostfit-runtime", 1.05)),
    ("lifecycle, crun", "crun", _up("crun", "hostfit-runtime-crun", 1.15)),
    ("lifecycle, runc, service down", "runc", _down),
    ("time added to runc", "that of nvidia-container-runtime", _nvidia),
)
