"""Where hostfit's own files lie. Baked into each entry point, never taken from the environment."""

from __future__ import annotations


class Paths:
    """The three places of an installation: `etc` (policy), `run` (state) and `var` (store), absolute."""

    __slots__ = ("etc", "run", "var")

    def __init__(self, etc: str = "/etc/hostfit", run: str = "/run/hostfit", var: str = "/var/lib/hostfit") -> None:
        self.etc = etc
        self.run = run
        self.var = var
