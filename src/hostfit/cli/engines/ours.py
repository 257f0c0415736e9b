"""What engines share for which setup writes files of ours alone: a drop-in, and the hook (Podman and CRI-O)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.cli.engines import hooks, tables

if TYPE_CHECKING:
    from hostfit.cli.engines.tree import Tree


def own(_path: str) -> bool:
    """Whether a file is ours alone: both are."""
    return True


def strip(_path: str, _text: str, _before: str | None) -> str | None:
    """Nobody else has a part in these files."""
    return None


def added(tree: Tree, drop_in: str) -> list[str]:
    """Give the files that setup makes, for a removal without a record."""
    found = [drop_in] if tables.written(tree.read(drop_in)) else []
    return found + ([hooks.PLACE] if hooks.written(tree.read(hooks.PLACE)) else [])
