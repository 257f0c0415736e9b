"""The hook as Podman or CRI-O would find it, with every way in which it is silently not run (oci-hooks(5))."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hostfit.cli.checks import trust
from hostfit.cli.checks.findings import Finding
from hostfit.cli.engines.hooks import DIRECTORIES
from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.tree import Tree

_PROGRAM = "hostfit-hook"
_LONGEST = 10
"""Seconds (security rule R1)."""


def check(tree: Tree, directories: list[str], *, engine: str) -> tuple[bool, list[Finding]]:
    """Give whether the hook runs for every container, and what is wrong with it or with its neighbours."""
    found: list[Finding] = []
    read: dict[str, tuple[str, dict[str, Any]]] = {}
    masked: dict[str, str] = {}
    for folder in directories:
        found += trust.directory(tree, folder, "hook-writable", engine=engine)
        for path in tree.listed(folder, ".json"):
            name = path.rpartition("/")[2]
            definition = _load(tree, path)
            if definition is None:
                found.append(Finding("hook-invalid", path, f"{escape(path, 4096)}: required JSON of oci-hooks(5)",
                                     engine=engine))  # fmt: skip
                continue
            if name in read and _ours(read[name][1]) and not _ours(definition):
                masked[name] = path
            read[name] = (path, definition)
    for name, path in masked.items():
        found.append(Finding("hook-masked", path, f"{escape(path, 4096)}: takes the place of {escape(name)}",
                             engine=engine))  # fmt: skip
    runs = False
    for path, definition in read.values():
        if _ours(definition):
            wrong = _definition(tree, path, definition, engine)
            runs = runs or not any([one.kind.id in ("hook-dropped", "hook-condition") for one in wrong])
            found += wrong
    for folder in DIRECTORIES:
        if folder in directories:
            continue
        for path in tree.listed(folder, ".json"):
            if _ours(_load(tree, path) or {}):
                found.append(Finding("hook-unread", path, f"{escape(path, 4096)}: {engine} does not read its directory",
                                     engine=engine))  # fmt: skip
    return runs, found


def _definition(tree: Tree, path: str, definition: dict[str, Any], engine: str) -> list[Finding]:
    hook, shown = definition["hook"], escape(path, 4096)
    found = list(trust.program(tree, hook["path"], engine=engine, missing="hook-dropped"))
    if [str(stage).lower() for stage in definition.get("stages") or []] != ["createruntime"]:
        found.append(Finding("hook-stage", path, f"{shown}: stages: required createRuntime alone", engine=engine))
    if not hook.get("env"):
        found.append(Finding("hook-environment", path, f"{shown}: env: required, found none", engine=engine))
    timeout = hook.get("timeout")
    if not isinstance(timeout, int) or not 0 < timeout <= _LONGEST:
        message = f"{shown}: timeout: required at most {_LONGEST}, found {escape(str(timeout))}"
        found.append(Finding("hook-timeout", path, message, engine=engine))
    if definition.get("when") != {"always": True}:
        found.append(Finding("hook-condition", path, f"{shown}: when: required always alone", engine=engine))
    return found


def _load(tree: Tree, path: str) -> dict[str, Any] | None:
    """Read a definition as far as it says what is run; None where an engine would refuse it."""
    try:
        values = json.loads(tree.read(path) or "")
        return values if isinstance(values["hook"]["path"], str) else None
    except (UsageError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _ours(definition: dict[str, Any]) -> bool:
    hook = definition.get("hook") or {}
    return str(hook.get("path", "")).rpartition("/")[2] == _PROGRAM
