"""What an administrator asked `setup` for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.core.errors import UsageError

if TYPE_CHECKING:
    from hostfit.cli.engines.programs import Programs


class Options:
    """`default`: every container, not only those that ask; `hook`: the hook too."""

    __slots__ = ("default", "hook", "programs")

    def __init__(self, programs: Programs, *, default: bool = False, hook: bool = False) -> None:
        if hook and not programs.hook:
            raise UsageError("hostfit-hook: required for --default, found none", hint="--no-hook leaves it out")
        self.programs = programs
        self.default = default
        self.hook = hook

    def kept(self, folder: str) -> dict[str, Any]:
        """Give what a record keeps, so that the same can be planned again; `folder` is that of --bin."""
        return {"default": self.default, "hook": self.hook, "bin": folder}
