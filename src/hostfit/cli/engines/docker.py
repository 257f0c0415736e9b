"""Docker: a runtime in daemon.json, which has no drop-ins (dockerd(8))."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hostfit.cli.engines.tree import UNITS
from hostfit.core.errors import UsageError
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.engines.options import Options
    from hostfit.cli.engines.tree import Tree

NAME = "docker"
CONFIG = "/etc/docker/daemon.json"
BINARIES = ("/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd")
RESTART = ("systemctl reload docker",)
"""A reload takes new runtimes and the default runtime."""
UNDONE = ("systemctl restart docker",)
"""A reload changes nothing that the file no longer names."""
DEFAULT_FLAG = "--default-runtime"
_ROOT_FLAG = re.compile(r"""(?<![\w-])(?:--data-root|--graph|-g)[= ]["']?(/[^\s"']+)""")


def present(tree: Tree) -> bool:
    """Whether that host has Docker."""
    return any([tree.exists(path) for path in BINARIES])


def load(tree: Tree) -> dict[str, Any]:
    """Give daemon.json, nothing where there is none. Raises UsageError where it is no JSON object."""
    return _parsed(tree.read(CONFIG) or "")


def _parsed(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{CONFIG}: required JSON, found an error: {escape(str(error)).lower()}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{CONFIG}: required a JSON object, found something else")
    runtimes = values.get("runtimes", {})
    if not isinstance(runtimes, dict):
        raise UsageError(f"{CONFIG}: runtimes: required an object, found something else")
    return values


def flag_places(tree: Tree) -> list[str]:
    """Give the unit files that give dockerd a default runtime as a flag, beside which daemon.json may not name one."""
    return [path for path, lines in _flags(tree) if any([DEFAULT_FLAG in line for line in lines])]


def roots(tree: Tree) -> list[str]:
    """Give every directory that dockerd may keep containers in: daemon.json's, those of flags, and the usual one."""
    found = [str(load(tree).get("data-root") or "/var/lib/docker"), "/var/lib/docker"]
    for _, lines in _flags(tree):
        found += [path for line in lines for path in _ROOT_FLAG.findall(line)]
    return list(dict.fromkeys(found))


def _flags(tree: Tree) -> list[tuple[str, list[str]]]:
    """Give the files that may hold flags of dockerd, each with its lines that are no comment."""
    found = [f"{folder}/docker.service" for folder in UNITS]
    found += [path for folder in UNITS for path in tree.listed(f"{folder}/docker.service.d", ".conf")]
    texts = {path: tree.read(path) or "" for path in [*found, "/etc/default/docker"]}
    return [
        (path, [line for line in text.split("\n") if not line.lstrip().startswith(("#", ";"))])
        for path, text in texts.items()
    ]


def plan(tree: Tree, options: Options) -> None:
    """Plan the runtime in daemon.json, and with --default that containers take it unless they name another."""
    values = load(tree)
    program = options.programs.runtime
    if options.default:
        flags = flag_places(tree)
        if flags:
            raise UsageError(
                f"{flags[0]}: gives dockerd {DEFAULT_FLAG}, required none beside that of {CONFIG}",
                hint="dockerd refuses to start with both; take the flag away, or leave --default out",
            )
        usual = str(values.get("default-runtime") or "")
        program = options.programs.instead_of(tree, usual if usual != "hostfit" else "", engine=NAME)
        values["default-runtime"] = "hostfit"
    values["runtimes"] = {**values.get("runtimes", {}), "hostfit": {"path": program}}
    tree.write(CONFIG, _rendered(values, tree.read(CONFIG) or ""))


def own(_path: str) -> bool:
    """Whether a file is ours alone: none is."""
    return False


def sources(tree: Tree, *, own: bool = True) -> list[str]:
    """Give the configuration file if it is there."""
    del own
    return [CONFIG] if tree.exists(CONFIG) else []


def strip(_path: str, text: str, before: str | None) -> str | None:
    """Take the runtime out again, and give the default runtime back that was there before."""
    values = _parsed(text)
    old = _parsed(before or "")
    runtimes = {name: one for name, one in values.get("runtimes", {}).items() if name != "hostfit"}
    values["runtimes"] = runtimes
    if not runtimes and "runtimes" not in old:
        del values["runtimes"]
    if values.get("default-runtime") == "hostfit":
        del values["default-runtime"]
        if "default-runtime" in old:
            values["default-runtime"] = old["default-runtime"]
    return _rendered(values, text) if values or before is not None else None


def added(tree: Tree) -> list[str]:
    """Give the file if it names hostfit, for a removal without a record."""
    values = load(tree)
    named = "hostfit" in values.get("runtimes", {}) or values.get("default-runtime") == "hostfit"
    return [CONFIG] if named else []


def _rendered(values: dict[str, Any], like: str) -> str:
    """Write JSON with the indentation of the text that it replaces."""
    lines = [line for line in like.split("\n")[1:] if line.strip() not in ("", "}")]
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())] if lines else ""
    flat = "\n" not in like.strip() and like.strip() not in ("", "{}")
    indent: str | int | None = None if flat else margin or 2
    end = "\n" if like.endswith("\n") or not like.strip() else ""
    return json.dumps(values, indent=indent, ensure_ascii=False) + end
