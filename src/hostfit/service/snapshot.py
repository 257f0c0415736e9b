"""The facts of this host for other programs: one file below /run/hostfit/service, replaced as a whole.

It has the form of `hostfit facts --output`, so `hostfit check --facts` reads it. Nobody who decides does: it is the
service's own word. A fork of the service reads and writes it, so that nobody who asks meanwhile waits, and the memory
that it takes is gone with it.
"""

from __future__ import annotations

import os
import signal

from hostfit.core import fastjson
from hostfit.core.facts import Wanted
from hostfit.facts import recorded
from hostfit.oci.files import write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.site import Site
    from hostfit.service.decide import Decider

EVERY = 300.0
"""Seconds between two snapshots of a host where nothing happens."""
SOON = 30.0
"""Seconds between two snapshots where something does."""
LIMIT = 60.0
"""Seconds that one may take."""
_OF_DECISIONS = ("request.", "runtime.platform")
"""What only a decision knows is no fact of the host."""
_LOWEST = 19


class Snapshot:
    """Has the file written when it is time. `path` is where. Never waits."""

    def __init__(self, decider: Decider) -> None:
        self.path = f"{decider.paths.run}/service/facts.json"
        self._decider = decider
        self._child = 0
        self._changes = -1
        self._due = 0.0
        self._end = 0.0

    def step(self, now: float) -> None:
        """Look after it once. Raises nothing."""
        if self._child:
            if os.waitpid(self._child, os.WNOHANG) == (0, 0):
                if now > self._end:
                    self.close()
                return
            self._child = 0
        host = self._decider.host
        changes = host.devices.changes if host.devices is not None else 0
        if now < self._due and (now < self._due - EVERY + SOON or changes == self._changes):
            return
        self._due, self._end, self._changes = now + EVERY, now + LIMIT, changes
        site = self._decider.vocabulary.current()
        try:
            child = os.fork()
        except OSError:
            return
        if not child:
            self._write(site)
        self._child = child

    def close(self) -> None:
        """End what runs."""
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            self._child = 0

    def _write(self, site: Site) -> None:
        """Be the fork: read everything, write the file, end."""
        status = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            # The monitors close what is theirs, and then: neither the lock nor a connection may outlive the service.
            host = self._decider.host
            host.close()
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            os.setpriority(os.PRIO_PROCESS, 0, _LOWEST)
            host.begin(site)
            names = [info.name for info in host.features() if not info.name.startswith(_OF_DECISIONS)]
            tree = recorded.dump({name: host.read(Wanted({name: None}))[name] for name in names})
            write_atomic(self.path, fastjson.dumps(tree).encode() + b"\n", 0o644, durable=False)
            status = 0
        finally:
            # Whatever happened, this is not the service.
            os._exit(status)
