"""Where an installation has the programs that engines are told to run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.tree import Tree

RUNTIME = "hostfit-runtime"
HOOK = "hostfit-hook"
SHIM = "containerd-shim-hostfit-v2"
_LIBEXEC = "/usr/libexec/oci/hooks.d"
_PLACES = ("/usr/bin", "/usr/local/bin")
PLAIN = ("", "runc", "crun")
"""Runtimes whose containers plain hostfit-runtime may take over: it hands them to one of these itself."""


class Programs:
    """Absolute paths of what is installed; `shim` and `hook` are empty where they are not."""

    __slots__ = ("hook", "runtime", "shim")

    def __init__(self, runtime: str, hook: str, shim: str) -> None:
        self.runtime = runtime
        self.hook = hook
        self.shim = shim

    def instead_of(self, tree: Tree, name: str, *, engine: str) -> str:
        """Give the program that takes the place of the runtime `name` for every container.

        Plain hostfit-runtime stands for runc and crun; for others a link hostfit-runtime-NAME keeps what they add or
        isolate. Raises UsageError where there is none (design: isolation floor).
        """
        link = f"{self.runtime}-{name}"
        if name and tree.exists(link):
            return link
        if name in PLAIN:
            return self.runtime
        raise UsageError(
            f"{engine}: its default runtime is {escape(name)}, required runc, crun or a link {escape(link, 4096)}",
            hint=f"define [runtime.{escape(name)}] in hostfit.toml and make the link, or leave --default out",
        )


def find(tree: Tree, folder: str = "") -> Programs:
    """Find the programs in `folder` of that host, else beside this command, else at their usual places.

    Raises UsageError where hostfit-runtime is not there.
    """
    here = os.path.dirname(os.path.abspath(sys.argv[0]))
    beside = [here, os.path.join(sys.prefix, "bin")] if tree.live else []
    places = [os.path.normpath(folder)] if folder else [*beside, *_PLACES]
    for place in places:
        if tree.exists(f"{place}/{RUNTIME}"):
            hooks = (f"{_LIBEXEC}/{HOOK}", f"{place}/{HOOK}")
            hook = next((one for one in (hooks if place == "/usr/bin" else hooks[::-1]) if tree.exists(one)), "")
            shim = f"{place}/{SHIM}"
            return Programs(f"{place}/{RUNTIME}", hook, shim if tree.exists(shim) else "")
    raise UsageError(
        f"{RUNTIME}: required in {' or '.join([escape(one, 4096) for one in dict.fromkeys(places)])}, found in none",
        hint="--bin DIR names the directory that has it",
    )
