"""Paired runs: each round does every way once, in turn, so that what disturbs the machine disturbs all alike."""

import os
import statistics
import time


class Missing(Exception):  # noqa: N818 - no error: the row says so
    """What a figure needs is not on this machine."""


class Spent:
    """Wall and processor time of one run in milliseconds."""

    def __init__(self, wall, cpu):
        self.wall, self.cpu = wall, cpu


_ENVIRON = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def run(command, *, stdin="/dev/null", cwd=None, environ=None):
    """Run a command and give what it took; a failure raises."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
    ]
    words = [str(word) for word in command]
    before = os.getcwd()
    if cwd is not None:
        os.chdir(cwd)
    try:
        start = time.perf_counter()
        pid = os.posix_spawn(words[0], words, environ or _ENVIRON, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - start
    finally:
        os.chdir(before)
    if status:
        message = f"{' '.join(words)}: exit status {os.waitstatus_to_exitcode(status)}"
        raise RuntimeError(message)
    return Spent(1000 * wall, 1000 * (usage.ru_utime + usage.ru_stime))


def paired(rounds, ways, *, warm=2):
    """Do every way in each round, in an order that turns; gives the runs of each, without the first ones."""
    found = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds + warm):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            spent = ways[name]()
            if number >= warm:
                found[name].append(spent)
    return found


def spread(values):
    """Median and quartiles."""
    if len(values) < 2:
        return {"median": values[0], "low": values[0], "high": values[0]}
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": round(median, 4), "low": round(low, 4), "high": round(high, 4)}


def summed(runs):
    """Wall and processor time of some runs."""
    return {"wall_ms": spread([one.wall for one in runs]), "cpu_ms": spread([one.cpu for one in runs])}


def ratio(found, way, base, **more):
    """The row's values for a ratio of medians of wall time; its spread is that of the rounds' own ratios."""
    each = [one.wall / other.wall for one, other in zip(found[way], found[base], strict=True)]
    value = summed(found[way])["wall_ms"]["median"] / summed(found[base])["wall_ms"]["median"]
    inner = spread(each)
    runs = {name: summed(runs) for name, runs in found.items()}
    return {"value": round(value, 4), "unit": "x", "low": inner["low"], "high": inner["high"], "runs": runs} | more


def difference(found, way, base, **more):
    """The row's values for a difference of medians of wall time, in milliseconds."""
    inner = spread([one.wall - other.wall for one, other in zip(found[way], found[base], strict=True)])
    value = summed(found[way])["wall_ms"]["median"] - summed(found[base])["wall_ms"]["median"]
    runs = {name: summed(runs) for name, runs in found.items()}
    return {"value": round(value, 4), "unit": "ms", "low": inner["low"], "high": inner["high"], "runs": runs} | more
