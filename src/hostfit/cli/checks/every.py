"""All checks of a host in the order in which they are shown, and the state of each engine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hostfit.cli.checks import containerd, crio, docker, installation, podman
from hostfit.cli.checks.findings import Finding
from hostfit.cli.engines import plan, programs, record
from hostfit.cli.engines.engine import DISTRIBUTIONS, NAMES, engine
from hostfit.cli.engines.options import Options
from hostfit.cli.engines.tree import Tree
from hostfit.core.errors import UsageError
from hostfit.core.paths import Paths
from hostfit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostfit.cli.engines.engine import Engine

ABSENT, NONE, ASKED, EVERY = "absent", "none", "asked", "every"
"""An engine that is not there; and which of its containers go through hostfit."""


class Result:
    """What was found: `engines` maps each engine's name to one of the states above."""

    __slots__ = ("engines", "findings")

    def __init__(self, engines: dict[str, str], findings: list[Finding]) -> None:
        self.engines = engines
        self.findings = findings


def look(root: str, paths: Paths, wanted: Sequence[str] = (), folder: str = "") -> Result:
    """Look at the installation and at the engines wanted, all that are there if none is named."""
    findings = list(installation.check(Tree(root), paths, Paths(), folder))
    engines: dict[str, str] = {}
    for name in wanted or NAMES:
        one = engine(name)
        if not one.present(Tree(root)):
            engines[name] = ABSENT
            continue
        try:
            found = [*_check(one, Tree(root), paths), *_drift(one, root, paths)]
        except UsageError as error:
            found = [Finding("config-invalid", name, error.message, engine=name)]
        engines[name] = _state(found)
        findings += found
    if all([state == ABSENT for state in engines.values()]):
        findings.append(Finding("no-engine", ", ".join(engines)))
    return Result(engines, findings)


def _check(one: Engine, tree: Tree, paths: Paths) -> list[Finding]:
    if one.NAME in ("containerd", *DISTRIBUTIONS):
        return containerd.check(tree, one)
    if one.NAME == "docker":
        return docker.check(tree)
    check = {"crio": crio.check, "podman": podman.check}[one.NAME]
    return check(tree, installation.default_runtime(tree, paths))


def _drift(one: Engine, root: str, paths: Paths) -> list[Finding]:
    """Plan again what setup was asked for, and say where the result differs from the files."""
    kept = record.load(paths, one.NAME)
    if kept is None:
        return []
    tree = Tree(root)
    asked = argparse.Namespace(**{"default": False, "hook": False, "bin": "", **kept.options})
    try:
        options = Options(programs.find(tree, asked.bin), default=asked.default, hook=asked.hook)
        plan.again(tree, paths, one, options, asked.bin)
        changed = [path for path, _, _ in tree.changes() if not path.endswith(record.SAVED)]
    except UsageError as error:
        return [Finding("setup-outdated", one.NAME, f"setup could not write its files now: {error.message}",
                        engine=one.NAME)]  # fmt: skip
    shown = ", ".join([escape(path, 4096) for path in changed])
    return [Finding("setup-outdated", changed[0], f"{shown}: setup would write it otherwise now", engine=one.NAME)
            for _ in changed[:1]]  # fmt: skip


def _state(found: list[Finding]) -> str:
    ids = {one.kind.id for one in found}
    if ids & {"not-set-up", "config-invalid", "cri-disabled", "import-missing", "overridden"}:
        return NONE
    return ASKED if "not-default" in ids else EVERY
