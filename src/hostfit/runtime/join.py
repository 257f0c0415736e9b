"""Joins the hot path's modules into two files for hostfit.runtime.preload; run when a package is built or installed.

    python3 -m hostfit.runtime.join DIRECTORY

DIRECTORY is a copy of the package `hostfit`; `_pass.pyc` and `_start.pyc` are written into it, for the Python that
runs this. They hold the code of the modules as it is then: never run it on a tree that is worked in.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import subprocess
import sys
from pathlib import Path

from hostfit.runtime.preload import PASS, START

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

ENTRIES = {
    PASS: ("hostfit.runtime.wrapper", "hostfit.runtime.fallback"),
    START: (
        "hostfit.runtime.hook",
        "hostfit.gate.gate",
        "hostfit.gate.journal",
        "hostfit.gate.keep",
        "hostfit.facts.host",
        "hostfit.sources.collect",
    ),
}
"""What a call and a decision without any document import; the rest follows from these."""

_ORDER = """
import json, sys
sys.path.append(sys.argv[1])
sys.dont_write_bytecode = True
from importlib.machinery import SourceFileLoader
original, done = SourceFileLoader.exec_module, []
def exec_module(self, module):
    original(self, module)
    done.append((module.__name__, hasattr(module, "__path__")))
SourceFileLoader.exec_module = exec_module
groups = {}
for group, entries in json.loads(sys.argv[2]).items():
    done.clear()
    for entry in entries:
        __import__(entry)
    groups[group] = [one for one in done if one[0].startswith("hostfit.")]
print(json.dumps(groups))
"""


def order(package: Path) -> dict[str, list[tuple[str, bool]]]:
    """Give the modules of each group, those that others need first, and whether each is a package."""
    command = [sys.executable, "-I", "-S", "-c", _ORDER, str(package.resolve().parent), json.dumps(ENTRIES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    groups = json.loads(done.stdout)
    return {group: [(name, package) for name, package in modules] for group, modules in groups.items()}


def join(package: Path) -> list[Path]:
    """Write the two files and give their paths."""
    made = []
    for group, modules in order(package).items():
        codes = []
        for name, is_package in modules:
            relative = name.replace(".", "/") + ("/__init__.py" if is_package else ".py")
            source = (package.parent / relative).read_bytes()
            # As -OO, which only drops docstrings and assertions; names in tracebacks are relative to the package.
            codes.append((name, is_package, compile(source, relative, "exec", dont_inherit=True, optimize=2)))
        path = package / f"{group}.pyc"
        path.write_bytes(_pyc(tuple(codes), group))
        made.append(path)
    return made


def _pyc(codes: tuple[tuple[str, bool, CodeType], ...], group: str) -> bytes:
    """The file of a module without source, whose one constant is the code of the others (PEP 552 for the header)."""
    # A text, for since Python 3.14 a small number is no constant but part of its instruction.
    empty = compile("CODES = 'codes'", group, "exec", dont_inherit=True)
    constants = tuple([codes if one == "codes" else one for one in empty.co_consts])
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(empty.replace(co_consts=constants))


if __name__ == "__main__":
    for written in join(Path(sys.argv[1])):
        print(written)  # noqa: T201 - a build tool's output
