"""The command line: check of a spec, and facts read cold."""

import shutil
import subprocess

from paired import difference, paired, run, spread, summed
from place import PYTHON

_SPEC = """version: v1alpha1
compatibilities:
  - rules:
      - name: kernel
        matchFeatures:
          - feature: kernel.version
            matchExpressions:
              major: {op: Gt, value: ["3"]}
          - feature: kernel.loadedmodule
            matchExpressions:
              hostfit_none: {op: DoesNotExist}
"""
_FACTS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from hostfit.core.facts import Wanted
from hostfit.facts.host import Host
host = Host()
for info in host.features():
    start = time.process_time()
    host.read(Wanted({info.name: None}))
    print(info.name, time.process_time() - start)
"""


def _check(first, bound):
    def figure(place, rounds, _spec):
        spec = place.top / "spec.yaml"
        spec.write_text(_SPEC)
        cache = place.top / "cache"

        def check():
            words = ["-X", f"pycache_prefix={cache}"] if first else []
            spent = run([PYTHON, "-I", *words, place.entry("hostfit"), "check", "--spec", spec])
            shutil.rmtree(cache, ignore_errors=True)
            return spent

        ways = {"without": lambda: run([PYTHON, "-c", "pass"]), "with": check}
        return difference(paired(max(rounds // 4, 2), ways), "with", "without", bound=bound)

    return figure


def _facts(place, rounds, _spec):
    """Everything in a process of its own; each probe's share of the processor time is in the note and the JSON."""
    runs = []
    for _ in range(max(rounds // 10, 2)):
        done = subprocess.run(
            [PYTHON, "-I", "-c", _FACTS, place.top / "lib"], capture_output=True, text=True, check=True
        )
        runs.append({name: 1000 * float(value) for name, value in (line.split() for line in done.stdout.splitlines())})
    whole = spread([sum(one.values()) for one in runs])
    shares = {name: spread([one[name] for one in runs])["median"] for name in runs[0]}
    most = sorted(shares, key=shares.get, reverse=True)
    said = ", ".join(f"{name} {shares[name] / whole['median']:.0%}" for name in most[:8])
    return {"value": whole["median"], "unit": "ms CPU", "low": whole["low"], "high": whole["high"], "note": said} | {
        "shares_ms": {name: shares[name] for name in most}
    }


def _started(_place, rounds, _spec):
    """For whoever reads the other figures: what an interpreter takes that does nothing."""
    found = paired(rounds, {"python": lambda: run([PYTHON, "-I", "-S", "-c", "pass"])})
    inner = summed(found["python"])["wall_ms"]
    return {"value": inner["median"], "unit": "ms", "low": inner["low"], "high": inner["high"]}


FIGURES = (
    ("check --spec, the first time", "python3 -c pass", _check(True, 350.0)),
    ("check --spec, compiled", "python3 -c pass", _check(False, 120.0)),
    ("facts, everything, cold", "-", _facts),
    ("python3 -I -S -c pass", "-", _started),
)
