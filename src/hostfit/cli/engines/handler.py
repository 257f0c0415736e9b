"""The runtime handler `hostfit` of containerd's CRI plugin, made after the handler that pods take now."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hostfit.cli.engines import tables
from hostfit.cli.engines.programs import PLAIN
from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.options import Options
    from hostfit.cli.engines.tree import Tree

PLUGINS = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}
"""The plugin's name by version of the configuration."""
TYPE = "io.containerd.runc.v2"
"""The type decides which options the shim is given; with another one SystemdCgroup and BinaryName would be lost."""
_RUNC = ("", TYPE, "io.containerd.runc.v1", "io.containerd.runtime.v1.linux")
ANNOTATIONS = "io.hostfit.*"
"""Of the pod's annotations, those that containerd is to pass on."""


def handler(tree: Tree, known: dict[str, Any], options: Options, *, engine: str) -> dict[str, Any]:
    """Give the handler's table; `known` is the table `containerd` of the plugin as it is without hostfit.

    It keeps all that the default handler sets, so that a pod that moves to it changes nothing but the runtime. Raises
    UsageError where the default handler's isolation or grants would be lost by taking its place.
    """
    name = str(known.get("default_runtime_name") or "runc")
    usual = tables.table(known, "runtimes", name)
    kind = str(usual.get("runtime_type") or "")
    is_runc = kind in _RUNC
    program = options.programs.runtime
    if options.default:
        if not is_runc:
            raise UsageError(
                f"{engine}: its default runtime {escape(name)} is of type {escape(kind)}, required {TYPE}",
                hint="leave --default out: pods of a RuntimeClass with handler hostfit are then checked",
            )
        binary = str(tables.within(usual, "options", "BinaryName") or "").rpartition("/")[2]
        program = options.programs.instead_of(tree, binary if binary in PLAIN else name, engine=engine)
    made = copy.deepcopy(usual) if is_runc else {}
    made["runtime_type"] = TYPE
    if options.programs.shim:
        made["runtime_path"] = options.programs.shim
    return _through(made, program)


def others(tree: Tree, known: dict[str, Any], options: Options) -> dict[str, Any]:
    """Give the other handlers that hostfit-runtime can stand behind, changed so: pods of a RuntimeClass ask for them.

    containerd has a handler `runc` even where no file names it.
    """
    changed = {}
    for name, values in {"runc": {}, **tables.table(known, "runtimes")}.items():
        if not isinstance(values, dict):
            continue
        binary = str(tables.within(values, "options", "BinaryName") or "").rpartition("/")[2]
        if name == "hostfit" or str(values.get("runtime_type") or "") not in _RUNC or binary not in PLAIN:
            continue
        made = copy.deepcopy(values)
        made["runtime_type"] = TYPE
        changed[name] = _through(made, options.programs.instead_of(tree, binary, engine=name))
    return changed


def _through(made: dict[str, Any], program: str) -> dict[str, Any]:
    """Let a handler's containers be created by a program, and its pods' annotations for us arrive."""
    passed = tables.texts(made.get("pod_annotations")) or []
    made["pod_annotations"] = passed if ANNOTATIONS in passed else [*passed, ANNOTATIONS]
    made["options"] = {**tables.table(made, "options"), "BinaryName": program}
    return made


def section(made: dict[str, Any], version: int, *, default: bool) -> dict[str, Any]:
    """Give the configuration that adds the handler and changes nothing else."""
    containerd: dict[str, Any] = {"default_runtime_name": "hostfit"} if default else {}
    return {"plugins": {PLUGINS[version]: {"containerd": {**containerd, "runtimes": {"hostfit": made}}}}}
