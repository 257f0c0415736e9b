"""The service: a decision, many expressions, a crowd, and its memory."""

import array
import json
import os
import socket
import sys
import time

from paired import Missing, spread
from place import cpu_of, resident


class Client:
    """Asks as the launcher does."""

    def __init__(self, place):
        if str(place.top / "lib") not in sys.path:
            sys.path.insert(0, str(place.top / "lib"))
        from hostfit.service import wire

        self.START = wire.START
        self.wire, self.path = wire, f"{place.run}/{wire.SOCKET}"

    def ask(self, bundle, container="c1"):
        """One question; gives the action of the answer."""
        wire = self.wire
        asked = wire.Question(entry="runtime", verb="create", id=container, bundle=str(bundle))
        config = os.open(f"{bundle}/config.json", os.O_RDONLY)
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(self.path)
            one.sendmsg(
                [wire.encode_question(asked)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [config]))]
            )
            os.close(config)
            return wire.decode_answer(one.recv(8192)[wire.HEAD :]).action


def _decision(place, rounds, spec):
    """One after the other, and apart: meanwhile others have had the processor's caches."""
    bundle = place.bundle("decision", spec)
    place.start()
    try:
        client = Client(place)
        loop, apart = _cost(place, client, bundle, 10 * rounds), _cost(place, client, bundle, 2 * rounds, pause=0.01)
    finally:
        place.stop()
    return loop | {
        "unit": "ms CPU", "bound": 1.0, "apart": apart,
        "note": f"with journal and report; {apart['value']:.2f} where 10 ms lie between two",
    }  # fmt: skip


def _cost(place, client, bundle, times, *, pause=0.0):
    """What one decision costs the service: in batches, for the clock is read from outside."""
    batch = max(times // 10, 1)
    for _ in range(batch):
        client.ask(bundle)
    each = []
    for _ in range(10):
        before = cpu_of(place.service.pid)
        for _ in range(batch):
            client.ask(bundle)
            time.sleep(pause)
        time.sleep(0.02)
        each.append(1000 * (cpu_of(place.service.pid) - before) / batch)
    found = spread(each)
    return {"value": found["median"], "low": found["low"], "high": found["high"]}


def _many(place, rounds, _spec):
    place.start()
    try:
        client = Client(place)
        cost = {}
        for count in (128, 4096):
            bundle = place.bundle(f"many-{count}", _expressions(count), key="spec")
            if client.START not in [client.ask(bundle) for _ in range(3)]:
                raise Missing(f"{count} expressions take longer than a decision may here")
            cost[count] = _cost(place, client, bundle, max(rounds // 2, 10))["value"]
    finally:
        place.stop()
    return {"value": round(cost[4096] / cost[128], 2), "unit": "times", "bound": 40.0, "cpu_ms": cost}


def _expressions(count):
    """A document of that many expressions, 128 to a rule."""
    rules = []
    for first in range(0, count, 128):
        asked = {f"m{number}": {"op": "DoesNotExist"} for number in range(first, first + 128)}
        rules.append({
            "name": f"r{first}", "matchFeatures": [{"feature": "kernel.loadedmodule", "matchExpressions": asked}]
        })  # fmt: skip
    return json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": rules}]})


def _crowd(place, rounds, spec):
    """200 launchers at once on a runtime that does nothing; all processor time, the service's too, for each."""
    if not place.native:
        raise Missing("no C compiler for the launcher")
    count = 200
    bundles = [place.bundle(f"crowd-{number}", spec) for number in range(count)]
    entry = place.entry("hostfit-runtime-stub")
    place.start()
    each, alone, failed = [], 0, 0
    try:
        client = Client(place)
        for _ in range(20):
            client.ask(bundles[0])
        for _ in range(max(rounds // 10, 2)):
            without, _ = _together([["/usr/bin/true", "create", "--bundle", one, one.name] for one in bundles])
            before = cpu_of(place.service.pid)
            spent, more = _together([[entry, "create", "--bundle", one, one.name] for one in bundles])
            time.sleep(0.2)
            served = 1000 * (cpu_of(place.service.pid) - before)
            alone, failed = alone + place.alone(), failed + more
            each.append((spent + served - without) / count)
    finally:
        place.stop()
    found = spread(each)
    return {
        "value": found["median"], "unit": "ms CPU", "low": found["low"], "high": found["high"], "bound": 1.5,
        "met": not alone and not failed, "fell_back": alone, "failed": failed,
        "note": f"{failed} of {count * len(each)} failed (to reach: none, and none decided by Python)",
    }  # fmt: skip


def _together(commands):
    """Start all, wait for all; gives their processor time in milliseconds and how many ended with an error."""
    processes = []
    for command in commands:
        actions = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in range(3)]
        words = [str(word) for word in command]
        processes.append(os.posix_spawn(words[0], words, {"PATH": "/usr/bin:/bin"}, file_actions=actions))
    spent, failed = 0.0, 0
    for pid in processes:
        _, status, usage = os.wait4(pid, 0)
        failed += status != 0
        spent += usage.ru_utime + usage.ru_stime
    return 1000 * spent, failed


def _memory(place, rounds, spec):
    bundle = place.bundle("memory", spec)
    first, last = 10 * rounds, 100 * rounds
    place.start()
    try:
        client = Client(place)
        for number in range(last):
            if number == first:
                early = resident(place.service.pid)
            client.ask(bundle, f"c{number}")
        late = resident(place.service.pid)
    finally:
        place.stop()
    return {
        "value": round(late, 1), "unit": "MiB", "bound": 60.0,
        "met": late - early < 1, "growth_mib": round(late - early, 2),
        "note": f"grew by {late - early:.2f} MiB from decision {first} to {last} (to reach: less than 1 MiB)",
    }  # fmt: skip


FIGURES = (
    ("a decision in the service, warm", "-", _decision),
    ("4096 expressions", "128", _many),
    ("200 created at once, for each", "without hostfit", _crowd),
    ("memory of the service", "-", _memory),
)
