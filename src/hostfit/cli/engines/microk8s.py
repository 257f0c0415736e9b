"""MicroK8s: containerd's configuration is made from a template among the snap's arguments, with ${...} filled in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hostfit.cli.engines import block, tables
from hostfit.cli.engines.handler import PLUGINS, handler, section
from hostfit.core.errors import UsageError

if TYPE_CHECKING:
    from hostfit.cli.engines.options import Options
    from hostfit.cli.engines.tree import Tree

NAME = "microk8s"
ARGUMENTS = "/var/snap/microk8s/current/args"
TEMPLATE = f"{ARGUMENTS}/containerd-template.toml"
ENVIRONMENT = f"{ARGUMENTS}/containerd-env"
RESTART = ("snap restart microk8s.daemon-containerd",)
UNDONE = RESTART
_DEFAULT = re.compile(r'^([ \t]*default_runtime_name[ \t]*=[ \t]*)"([^"\n]*)"', re.MULTILINE)
_SHIPPED = "${RUNTIME}"
"""The default runtime's name in the template as MicroK8s ships it; containerd-env says which."""


def present(tree: Tree) -> bool:
    """Whether that host has MicroK8s."""
    return tree.exists("/var/snap/microk8s")


def sources(tree: Tree, *, own: bool = True) -> list[str]:
    """Give the files that say what containerd is told."""
    del own
    return [path for path in (TEMPLATE, ENVIRONMENT) if tree.exists(path)]


def cri(tree: Tree, *, own: bool = True) -> dict[str, Any]:
    """Give the CRI plugin's table of the template, with the default runtime's name filled in."""
    text = tree.read(TEMPLATE) or ""
    values = tables.parse(TEMPLATE, text if own else block.without_block(text))
    found = dict(tables.table(values, "plugins", PLUGINS[_version(text)]))
    containerd = dict(tables.table(found, "containerd"))
    if containerd.get("default_runtime_name") == _SHIPPED:
        containerd["default_runtime_name"] = _environment(tree).get("RUNTIME", "runc")
    return {**found, "containerd": containerd}


def plan(tree: Tree, options: Options) -> None:
    """Plan the handler at the end of the template, and the default runtime's name."""
    text = tree.read(TEMPLATE)
    if text is None:
        raise UsageError(f"{TEMPLATE}: required, found none", hint="MicroK8s makes it at its first start")
    known = tables.table(cri(tree, own=False), "containerd")
    if str(tables.within(known, "runtimes", "runc", "runtime_type")).startswith("${"):
        known["runtimes"] = {**known["runtimes"], "runc": {}}
    made = handler(tree, known, options, engine=NAME)
    body = tables.dump(section(made, _version(text), default=False), engine=NAME).partition("\n")[2]
    if options.default:
        text, count = _DEFAULT.subn(r'\1"hostfit"', text)
        if count != 1:
            raise UsageError(f"{TEMPLATE}: required one default_runtime_name, found {count}")
    tree.write(TEMPLATE, block.with_block(text, body))


def own(_path: str) -> bool:
    """Whether a file is ours alone: none is."""
    return False


def strip(_path: str, text: str, before: str | None) -> str | None:
    """Take the block out again, and give the default runtime's name back."""
    old = _DEFAULT.search(before or "")
    name = old[2] if old else _SHIPPED
    left = block.without_block(text)
    return _DEFAULT.sub(lambda one: f'{one[1]}"{name}"' if one[2] == "hostfit" else one[0], left)


def added(tree: Tree) -> list[str]:
    """Give the files that name hostfit, for a removal without a record."""
    return [TEMPLATE] if block.BEGIN in (tree.read(TEMPLATE) or "") else []


def _version(text: str) -> int:
    return 3 if PLUGINS[3] in text else 2


def _environment(tree: Tree) -> dict[str, str]:
    """The variables that fill the template, as far as they are plain text."""
    pairs = [line.strip().removeprefix("export ").partition("=") for line in (tree.read(ENVIRONMENT) or "").split("\n")]
    return {name: value.strip("\"'") for name, equals, value in pairs if equals and "$" not in value}
