"""containerd's CRI plugin, its own or that of k3s, RKE2 and MicroK8s: handlers, imports, and the running daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.cli.checks import process, trust
from hostfit.cli.checks.findings import KNOWN, Finding
from hostfit.cli.engines import containerd, tables
from hostfit.cli.engines.handler import ANNOTATIONS, TYPE
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.engine import Engine
    from hostfit.cli.engines.tree import Tree

RUNTIME, SHIM = "hostfit-runtime", "containerd-shim-hostfit"
_RUNC = "runc"
_OWN = "io.containerd.hostfit"
_NRI = "/opt/nri/plugins"
_DAEMONS = {"k3s": ("k3s-server", "k3s-agent"), "rke2": ("rke2",), "microk8s": ("containerd",)}
_SNAP = "/var/snap/microk8s"


def check(tree: Tree, engine: Engine) -> list[Finding]:
    """Give what is wrong. Raises UsageError where a file cannot be understood."""
    name = engine.NAME
    if name == containerd.NAME and containerd.disabled(tree):
        return [Finding("cri-disabled", containerd.disabled(tree), engine=name)]
    plugin: dict[str, Any] = engine.cri(tree)  # type: ignore[attr-defined]  # of every containerd
    settings = tables.table(plugin, "containerd")
    handlers = tables.table(settings, "runtimes")
    ours = [one for one, values in handlers.items() if _calls(values, RUNTIME) or _calls(values, SHIM)]
    found: list[Finding] = []
    if name == containerd.NAME and tree.exists(containerd.DROP_IN) and containerd.DROP_IN not in engine.sources(tree):
        found.append(Finding("import-missing", containerd.DROP_IN, engine=name))
    for one in ours:
        found += _handler(tree, one, handlers, name)
    default = str(settings.get("default_runtime_name") or _RUNC)
    if not ours:
        found.append(_unset(tree, engine))
    elif default not in ours:
        message = f"default_runtime_name: required hostfit, found {escape(default)}"
        found.append(Finding("not-default", "default_runtime_name", message, engine=name))
    for one in handlers if ours else ():
        # The default's own finding says it already.
        if one not in ours and one != default:
            message = f"handler {escape(one)}: does not go through hostfit"
            found.append(Finding("handler-bypasses", f"handler {escape(one)}", message, engine=name))
    plugins = tree.glob(f"{_NRI}/*")
    if plugins and ours:
        found.append(Finding("nri-plugins", _NRI, f"{_NRI}: holds {len(plugins)} plugins", engine=name))
        found += trust.directory(tree, _NRI, "program-unsafe", engine=name)
    return found + (_daemon(tree, engine) if tree.live else [])


def _unset(tree: Tree, engine: Engine) -> Finding:
    """Either nothing was written, or it was and the configuration was not made from it yet."""
    written = [path for path in engine.added(tree) if engine.NAME != containerd.NAME]
    if written:
        message = f"{escape(written[0], 4096)}: not in the configuration that {engine.NAME} made at its last start"
        return Finding("restart-needed", written[0], message, engine=engine.NAME)
    return Finding("not-set-up", engine.NAME, engine=engine.NAME)


def _calls(values: Any, program: str) -> bool:
    binary = tables.within(values, "options", "BinaryName") if program == RUNTIME else None
    kind = str(tables.within(values, "runtime_type") or "")
    shim = tables.within(values, "runtime_path") if program == SHIM else None
    named = str(binary or shim or "").rpartition("/")[2].startswith(program)
    return named or (program == SHIM and kind.startswith(_OWN))


def _handler(tree: Tree, name: str, handlers: dict[str, Any], engine: str) -> list[Finding]:
    values = handlers[name]
    shown = f"handler {escape(name)}"
    found: list[Finding] = []
    for path in (tables.within(values, "options", "BinaryName"), values.get("runtime_path")):
        if path:
            found += trust.program(tree, str(path), engine=engine)
    kind = str(values.get("runtime_type") or "")
    if kind.startswith(_OWN) and values.get("options"):
        message = f"{shown}: runtime_type: required {TYPE} beside options, found {escape(kind)}"
        found.append(Finding("shim-options", shown, message, engine=engine))
    # Shims of other kinds take a pod's containers with the pod; so does ours in their place.
    if kind in ("", TYPE, f"{_OWN}.v2") and not _calls(values, RUNTIME) and _major(tree) != 1:
        message = f"{shown}: {KNOWN['containers-unchecked'].meaning}"
        found.append(Finding("containers-unchecked", shown, message, engine=engine))
    usual = tables.within(handlers, _RUNC, "options", "SystemdCgroup")
    mine = tables.within(values, "options", "SystemdCgroup")
    if usual is not None and bool(usual) != bool(mine):
        message = f"{shown}: SystemdCgroup: required {usual} as for runc, found {mine}".lower()
        found.append(Finding("cgroup-driver", shown, message, engine=engine))
    if ANNOTATIONS not in (tables.texts(values.get("pod_annotations")) or []):
        found.append(Finding("annotations-dropped", shown, engine=engine))
    return found


def _major(tree: Tree) -> int:
    """The first number of the version of containerd as it is installed, 0 where that cannot be told."""
    for path in containerd.BINARIES if tree.live else ():
        if not list(trust.program(tree, path)):
            words = process.first_line([path, "--version"]).split()
            numbers = [word.lstrip("v").partition(".")[0] for word in words if word.lstrip("v")[:1].isdigit()]
            return int(numbers[0]) if numbers and numbers[0].isdigit() else 0
    return 0


def _daemon(tree: Tree, engine: Engine) -> list[Finding]:
    """A daemon that started before the last change, or reads another file."""
    found: list[Finding] = []
    name = engine.NAME
    files = [path for path in engine.sources(tree) if not path.endswith("/config.toml") or name == containerd.NAME]
    for daemon in process.running(*_DAEMONS.get(name, ("containerd",))):
        config = daemon.option("--config", "-c")
        if name == containerd.NAME:
            # Docker's own containerd, and those of other distributions, have files of their own.
            if config.startswith(("/run/", "/var/")) or daemon.words[0].startswith(("/snap/", "/var/lib/rancher/")):
                continue
            if config not in ("", containerd.MAIN):
                message = f"{escape(config, 4096)}: is what containerd reads, not {containerd.MAIN}"
                found.append(Finding("other-config", config, message, engine=name))
                continue
        elif name == "microk8s" and _SNAP not in config:
            continue
        found += process.outdated(tree, daemon, files, engine=name)
    return found
