"""The engines by name, and what `setup` and `doctor` ask of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from hostfit.cli.engines.options import Options
    from hostfit.cli.engines.tree import Tree

NAMES = ("containerd", "crio", "docker", "podman", "k3s", "rke2", "microk8s")
"""In this order in every list. The last three are containerd as a Kubernetes distribution lays it out."""
DISTRIBUTIONS = ("k3s", "rke2", "microk8s")


class Engine(Protocol):
    """One engine: a module or an object with these members."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of a module
        """What it is called on the command line."""

    @property
    def RESTART(self) -> tuple[str, ...]:  # noqa: N802 - a constant of a module
        """Commands of which one makes it read its configuration again; none where it always does."""

    @property
    def UNDONE(self) -> tuple[str, ...]:  # noqa: N802 - a constant of a module
        """The same after a removal."""

    def present(self, tree: Tree) -> bool:
        """Whether that host has it."""

    def sources(self, tree: Tree, *, own: bool = True) -> list[str]:
        """Give its configuration files that are there, on request without ours."""

    def plan(self, tree: Tree, options: Options) -> None:
        """Plan the files that bring hostfit in. Raises UsageError where that cannot be done."""

    def own(self, path: str) -> bool:
        """Whether a file that `plan` writes is ours alone."""

    def strip(self, path: str, text: str, before: str | None) -> str | None:
        """Give the text of somebody else's file without what `plan` adds, None where nothing is left of it."""

    def added(self, tree: Tree) -> list[str]:
        """Give the files that `plan` would have written and that are there, for a removal without a record."""


def engine(name: str) -> Engine:
    """Give an engine by its name, one of NAMES."""
    if name in ("k3s", "rke2"):
        from hostfit.cli.engines.rancher import Rancher  # one of seven

        units = ("k3s", "k3s-agent") if name == "k3s" else ("rke2-server", "rke2-agent")
        return Rancher(name, units)
    import importlib  # one of seven

    module: Any = importlib.import_module(f"hostfit.cli.engines.{name}")
    found: Engine = module
    return found


def resolve(name: str, tree: Tree) -> Engine:
    """Give the engine that a word of the command line means.

    `containerd` means that of k3s, RKE2 or MicroK8s where only one of these is there and no containerd of its own.
    """
    if name == "containerd" and not engine(name).present(tree):
        others = [one for one in DISTRIBUTIONS if engine(one).present(tree)]
        if len(others) == 1:
            return engine(others[0])
    return engine(name)
