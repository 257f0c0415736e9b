"""Joins the hot path's modules into three files for hostfit.runtime.preload; run when a package is built or installed.

    python3 -m hostfit.runtime.join DIRECTORY

DIRECTORY is a copy of the package `hostfit`; `_pass.pyc`, `_start.pyc` and `_rest.joined` are written into it, for the
Python that runs this. They hold the code of the modules as it is then: never run it on a tree that is worked in.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import subprocess
import sys
from pathlib import Path

from hostfit.runtime.preload import PASS, REST, START

ENTRIES = {
    PASS: ("hostfit.runtime.wrapper", "hostfit.runtime.fallback", "hostfit.runtime.behind"),
    START: (
        "hostfit.runtime.hook",
        "hostfit.gate.gate",
        "hostfit.gate.journal",
        "hostfit.gate.keep",
        "hostfit.facts.host",
        "hostfit.policy.compiled",
        "hostfit.sources.collect",
        "hostfit.sources.elf",
        "hostfit.sources.resolve",
    ),
}
"""What a call and a decision without any document import; what else these two files hold follows from it."""
ROOMS = ("core", "facts", "gate", "oci", "policy", "runtime", "sources")
"""Where everything is that any start can import."""

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


def rest(package: Path, others: set[str]) -> list[tuple[str, bool]]:
    """Give the modules of the rooms that are not among `others`, in the form of `order`."""
    found = []
    for path in sorted([one for room in ROOMS for one in (package / room).rglob("*.py")]):
        is_package = path.name == "__init__.py"
        parts = (path.parent if is_package else path.with_suffix("")).relative_to(package).parts
        found.append((".".join(["hostfit", *parts]), is_package))
    return [one for one in found if one[0] not in others]


def join(package: Path) -> list[Path]:
    """Write the three files and give their paths."""
    groups = order(package)
    groups[REST] = rest(package, {name for modules in groups.values() for name, _ in modules})
    made = []
    for group, modules in groups.items():
        found = [_Module(package, name, is_package=is_package) for name, is_package in modules]
        path = package / (group if group == REST else f"{group}.pyc")
        # At once, for a process that has begun reads the rest of the file that it opened.
        new = path.with_name(f"{path.name}.new")
        new.write_bytes(_indexed(found) if group == REST else _pyc(found))
        new.replace(path)
        made.append(path)
    return made


class _Module:
    def __init__(self, package: Path, name: str, *, is_package: bool) -> None:
        relative = name.replace(".", "/") + ("/__init__.py" if is_package else ".py")
        source = (package.parent / relative).read_bytes()
        self.name = name
        self.is_package = is_package
        self.hash = importlib.util.source_hash(source)
        # As -OO, which only drops docstrings and assertions; names in tracebacks are relative to the package.
        self.code = compile(source, relative, "exec", dont_inherit=True, optimize=2)


def _indexed(modules: list[_Module]) -> bytes:
    """The file from which each module is read by itself; hostfit.runtime.preload.Rest has its form."""
    index, data = {}, b""
    for one in modules:
        piece = marshal.dumps(one.code)
        index[one.name] = (one.is_package, len(data), len(piece), one.hash)
        data += piece
    head = marshal.dumps(index)
    return importlib.util.MAGIC_NUMBER + len(head).to_bytes(4, "little") + head + data


def _pyc(modules: list[_Module]) -> bytes:
    """The file of a module without source, whose one constant is the code of the others (PEP 552 for the header)."""
    codes = tuple([(one.name, one.is_package, one.code) for one in modules])
    # A text, for since Python 3.14 a small number is no constant but part of its instruction.
    empty = compile("CODES = 'codes'", "joined", "exec", dont_inherit=True)
    constants = tuple([codes if one == "codes" else one for one in empty.co_consts])
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(empty.replace(co_consts=constants))


if __name__ == "__main__":
    for written in join(Path(sys.argv[1])):
        print(written)  # noqa: T201 - a build tool's output
