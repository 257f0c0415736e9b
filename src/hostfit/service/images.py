"""Images of the local stores, judged before anybody starts them: a child of the service that ends.

It costs no start a moment, for it is a process of its own with the lowest priority and an end. What it finds is one
file below /run/hostfit/service: for each image the verdict that a plain start would have got then. It is judged again
when an image, the policy or what was fetched about images has changed; not when the host has.
"""

from __future__ import annotations

import os
import subprocess

from hostfit.core import fastjson
from hostfit.core.image import Resolution
from hostfit.core.text import escape
from hostfit.gate import gate
from hostfit.oci.files import write_atomic
from hostfit.oci.request import Bundle, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.paths import Paths
    from hostfit.service.policies import Policies

SOON = 60.0
"""Seconds between two runs at least; engines change their stores with every pull."""
LIMIT = 120.0
"""Seconds that a run may take."""
_MOST = 2000
_LOWEST = 19


def judge(paths: Paths) -> str:
    """Judge all images and write the file; gives its path. Raises OSError."""
    from hostfit.sources import stores  # the child only

    os.nice(_LOWEST)
    listed = []
    for image in stores.images():
        request = Request(entry="check", verb="check", id="", bundle=Bundle(""))
        report = gate.decide(request, paths, resolution=Resolution("", image), seconds=5.0)
        listed.append(
            {
                "name": escape(image.name, 512),
                "digest": escape(image.digest),
                "store": escape(image.store),
                "verdict": report.decision.verdict,
                "action": report.decision.action,
                "line": report.line,
            }
        )
        if len(listed) == _MOST:
            break
    path = f"{paths.run}/service/images.json"
    tree = {"version": "hostfit.images/v1", "complete": len(listed) < _MOST, "images": listed}
    write_atomic(path, fastjson.dumps(tree).encode() + b"\n", 0o644, durable=False)
    return path


class Images:
    """Starts that child when what it judges by has changed, and ends it. Never waits."""

    def __init__(self, command: tuple[str, ...], paths: Paths, policies: Policies) -> None:
        self._command = command
        self._paths = paths
        self._policies = policies
        self._process: subprocess.Popen[bytes] | None = None
        self._state: object = None
        self._due = 0.0
        self._end = 0.0

    def step(self, now: float) -> None:
        """Look after it once. Raises nothing."""
        if self._process is not None:
            if self._process.poll() is None and now < self._end:
                return
            self.close()
        if now < self._due:
            return
        self._due = now + SOON
        state = self._causes()
        if state == self._state:
            return
        self._state, self._end = state, now + LIMIT
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
            )
        except OSError:
            return

    def close(self) -> None:
        """End what runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _causes(self) -> tuple[object, ...]:
        try:
            policy: object = self._policies.load(self._paths)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the child tells it for each image
            policy = str(error)
        return (policy, self._policies.disabled(self._paths), _times(self._paths))


def _times(paths: Paths) -> list[tuple[str, int]]:
    """When engines' stores and the spec store last changed."""
    from hostfit.sources import stores  # every minute
    from hostfit.sources.store import SpecStore  # as above

    found = []
    for path in (*stores.changing(), *SpecStore(paths.var).folders()):
        try:
            found.append((path, os.stat(path).st_mtime_ns))
        except OSError:
            continue
    return found
