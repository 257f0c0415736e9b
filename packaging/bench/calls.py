"""Single calls: a verb that is passed on, the hook, the start of a shim."""

import itertools
import json
from pathlib import Path

from paired import Missing, difference, paired, ratio, run


def _verb(place, rounds, _spec):
    """`state` of a container on a runtime that does nothing, so that hostfit is all there is to measure."""
    bundle = place.bundle("verb")
    entry = place.entry("hostfit-runtime-stub")
    place.start()
    try:
        run([entry, "create", "--bundle", bundle, "verb"])
        found = paired(10 * rounds, {
            "without": lambda: run(["/usr/bin/true", "state", "verb"]),
            "with": lambda: run([entry, "state", "verb"]),
        })  # fmt: skip
    finally:
        place.stop()
    return difference(found, "with", "without", bound=1.5)


def _hook(place, rounds, spec):
    if not place.native:
        raise Missing("no C compiler for the launcher")
    bundle = place.bundle("hook", spec)
    state = bundle / "state.json"
    state.write_text(
        json.dumps({"ociVersion": "1.0.2", "id": "hook", "status": "creating", "pid": 1, "bundle": str(bundle)})
    )
    place.start()
    try:
        found = paired(5 * rounds, {
            "without": lambda: run(["/bin/true"], stdin=state),
            "with": lambda: run([place.entry("hostfit-hook")], stdin=state),
        })  # fmt: skip
    finally:
        place.stop()
    return difference(found, "with", "without", bound=3.0)


def _shim(place, rounds, spec):
    """`start` as containerd calls it, in the bundle; what it leaves behind is ended by this place's name."""
    shim = place.find("containerd-shim-runc-v2")
    wrapper = Path(place.entry("containerd-shim-hostfit-v2"))
    if shim is None:
        raise Missing("containerd-shim-runc-v2 is not installed")
    if not place.native:
        raise Missing("no C compiler for the launcher")
    bundle = place.bundle("shim", spec)
    address = place.top / "containerd.sock"
    words = ["-namespace", place.name, "-address", address, "-publish-binary", "/bin/true"]
    # Each start has an id of its own, and so a socket that no shim before has had.
    numbers = itertools.count()
    environ = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "TTRPC_ADDRESS": f"{address}.ttrpc",
        "GRPC_ADDRESS": str(address),
    }

    def start(program):
        spent = run([program, *words, "-id", f"shim{next(numbers)}", "start"], cwd=bundle, environ=environ)
        place.end_shims()
        return spent

    place.start()
    try:
        found = paired(rounds, {"without": lambda: start(shim), "with": lambda: start(wrapper)})
    except RuntimeError as error:
        raise Missing(f"a shim did not start: {str(error).rpartition(': ')[2]}") from error
    finally:
        place.stop()
    return ratio(found, "with", "without", bound=1.05)


FIGURES = (
    ("a verb passed on", "direct exec", _verb),
    ("hook", "a hook that runs /bin/true", _hook),
    ("shim start", "containerd-shim-runc-v2", _shim),
)
