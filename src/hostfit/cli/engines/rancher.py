"""k3s and RKE2: containerd's configuration is made from a template at every start of theirs.

A directory of drop-ins is used where the configuration that was made imports one, else the template; the default
runtime is an option of their own configuration. Source: docs.k3s.io, "Configuring containerd".
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from hostfit.cli.engines import block, tables
from hostfit.cli.engines.handler import PLUGINS, handler, section

if TYPE_CHECKING:
    from hostfit.cli.engines.options import Options
    from hostfit.cli.engines.tree import Tree

_BASE = '{{ template "base" . }}\n'
"""A template that adds to the built-in one."""
_TEMPLATES = {2: "config.toml.tmpl", 3: "config-v3.toml.tmpl"}
_DROP_INS = {2: "config.toml.d", 3: "config-v3.toml.d"}
_FILE = "zz-hostfit.toml"


class Rancher:
    """One of the two; `data` is below /var/lib/rancher and `etc` below /etc/rancher."""

    def __init__(self, name: str, units: tuple[str, ...]) -> None:
        self.NAME = name
        self.folder = f"/var/lib/rancher/{name}/agent/etc/containerd"
        self.made = f"{self.folder}/config.toml"
        self.default_file = f"/etc/rancher/{name}/config.yaml.d/zz-hostfit.yaml"
        self.RESTART = tuple([f"systemctl restart {unit}" for unit in units])
        self.UNDONE = self.RESTART

    def present(self, tree: Tree) -> bool:
        """Whether that host has it."""
        return tree.exists(f"/var/lib/rancher/{self.NAME}") or tree.exists(f"/etc/rancher/{self.NAME}")

    def versions(self, tree: Tree) -> list[int]:
        """Give the version of the configuration that was made; both where it was not made yet."""
        text = tree.read(self.made)
        if text is None:
            return [2, 3]
        return [3] if PLUGINS[3] in text or _toml(text).get("version") == 3 else [2]

    def sources(self, tree: Tree, *, own: bool = True) -> list[str]:
        """Give the files that say what containerd is told, as far as they are there."""
        places = [self.made, *[place for pair in self._places() for place in pair], self.default_file]
        return [path for path in places if tree.exists(path) and (own or not self.own(path))]

    def cri(self, tree: Tree, *, own: bool = True) -> dict[str, Any]:
        """Give the CRI plugin's table of the configuration that was made; `own` is of no effect on what was made."""
        del own
        made = _toml(tree.read(self.made) or "")
        found: dict[str, Any] = {}
        for plugin in PLUGINS.values():
            found = tables.table(made, "plugins", plugin) or found
        return found

    def plan(self, tree: Tree, options: Options) -> None:
        """Plan a drop-in or a block in the template, and the default runtime."""
        known = dict(tables.table(self.cri(tree), "containerd"))
        if known.get("default_runtime_name") == "hostfit":
            # The configuration was made while hostfit was the default: what it was made after is runc's.
            known["default_runtime_name"] = "runc"
        made = handler(tree, known, options, engine=self.NAME)
        for number in self.versions(tree):
            text = tables.dump(section(made, number, default=False), engine=self.NAME)
            drop_in, template = self._place(number)
            if f"/{_DROP_INS[number]}/" in (tree.read(self.made) or ""):
                tree.write(drop_in, text)
            else:
                body = text.partition("\n")[2]
                tree.write(template, block.with_block(tree.read(template) or _BASE, body))
        if options.default:
            head = tables.HEADER.format(engine=self.NAME)
            tree.write(self.default_file, f"{head}default-runtime: hostfit\n")

    def own(self, path: str) -> bool:
        """Whether a file is ours alone."""
        return path.endswith(f"/{_FILE}") or path == self.default_file

    def strip(self, _path: str, text: str, before: str | None) -> str | None:
        """Take the block out of a template again; one that only adds to the built-in one goes if setup made it."""
        left = block.without_block(text)
        return None if before is None and left.strip() in ("", _BASE.strip()) else left

    def added(self, tree: Tree) -> list[str]:
        """Give the files that name hostfit, for a removal without a record."""
        ours = [*[drop_in for drop_in, _ in self._places()], self.default_file]
        found = [path for path in ours if tables.written(tree.read(path))]
        return found + [template for _, template in self._places() if block.BEGIN in (tree.read(template) or "")]

    def _place(self, number: int) -> tuple[str, str]:
        return f"{self.folder}/{_DROP_INS[number]}/{_FILE}", f"{self.folder}/{_TEMPLATES[number]}"

    def _places(self) -> list[tuple[str, str]]:
        return [self._place(number) for number in PLUGINS]


def _toml(text: str) -> dict[str, Any]:
    """Read what k3s made; a file that is no TOML is made again at its next start."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
