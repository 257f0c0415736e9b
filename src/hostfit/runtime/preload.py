"""Loads the modules of the hot path from three files instead of dozens, where an installation has joined them.

Finding, opening and checking a module's own .pyc costs more than running it. `join` writes `_pass.pyc` (what every call
needs), `_start.pyc` (what a decision needs besides) and `_rest.joined` (what some decisions need, each module by
itself) into the package; without them, or with those of another Python, every module is imported as always. They are
part of an installation like any .pyc, and trusted alike.
"""

from __future__ import annotations

import gc
import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any

PASS, START = "_pass", "_start"
REST = "_rest.joined"


def wrapper(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Run hostfit.runtime.wrapper.main."""
    preload(PASS)
    from hostfit.runtime.wrapper import main  # after the files that hold it

    return main(script, places, gate=gate)


def hook(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Run hostfit.runtime.hook.main."""
    preload(PASS)
    preload(START)
    from hostfit.runtime.hook import main  # after the files that hold it

    return main(script, places, gate=gate)


def shim(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Run hostfit.runtime.shim.main."""
    preload(PASS)
    from hostfit.runtime.shim import main  # after the files that hold it

    return main(script, places, gate=gate)


def behind(script: str, places: tuple[str, str, str], *, gate: Any = None) -> int:
    """Run hostfit.runtime.behind.main."""
    preload(PASS)
    from hostfit.runtime.behind import main  # after the files that hold it

    return main(script, places, gate=gate)


def preload(group: str) -> None:
    """Execute the modules of one joined file, those they need first. What is already imported stays as it is."""
    # A process that ends or becomes another within milliseconds has no cycles worth collecting.
    gc.disable()
    found = codes(group)
    if found and not any([type(one) is Rest for one in sys.meta_path]):
        sys.meta_path.insert(0, Rest())
    for name, package, code in found:
        if name in sys.modules:
            continue
        module = sys.modules[name] = type(sys)(name)
        above, _, own = name.rpartition(".")
        folder, file = _place(name, package=package)
        if package:
            module.__spec__ = ModuleSpec(name, SourceFileLoader(name, file), origin=file, is_package=True)
            module.__path__ = module.__spec__.submodule_search_locations = [folder]
        module.__package__ = name if package else above
        module.__file__ = file
        try:
            exec(code, module.__dict__)  # noqa: S102 - the code of our own modules, from our own package
        except BaseException:
            del sys.modules[name]
            raise
        setattr(sys.modules[above], own, module)
    # Nor need the end of the interpreter look for cycles among modules: that costs as much as executing them.
    gc.freeze()


class Rest:
    """Finds the modules of the third file, which is opened when the first of them is imported (importlib.abc.Loader).

    The file is the number of Python's code, the length of an index in 4 bytes, the index, and the code that it tells:
    for each module whether it is a package, where its code begins after the index, how long that is, and the hash of
    its source (PEP 552).
    """

    def __init__(self) -> None:
        self._index: dict[str, tuple[bool, int, int, bytes]] | None = None
        self._file = self._start = -1

    @property
    def index(self) -> dict[str, tuple[bool, int, int, bytes]]:
        """What the file holds; empty where it is not there, not whole or another Python's."""
        if self._index is None:
            self._index = self._opened()
        return self._index

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        """Give how to load a module that the file holds."""
        if not name.startswith("hostfit.") or name not in self.index:
            return None
        package = self.index[name][0]
        folder, file = _place(name, package=package)
        loader: Any = self
        spec = ModuleSpec(name, loader, origin=file, is_package=package)
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [folder]
        return spec

    def create_module(self, _spec: ModuleSpec) -> None:
        """Leave that to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute a module's own code."""
        _, start, size, _ = self.index[module.__name__]
        code: CodeType = marshal.loads(os.pread(self._file, size, self._start + start))  # noqa: S302 - as its next line
        exec(code, module.__dict__)  # noqa: S102 - the code of our own modules, from our own package

    def _opened(self) -> dict[str, tuple[bool, int, int, bytes]]:
        try:
            self._file = os.open(f"{sys.modules['hostfit'].__path__[0]}/{REST}", os.O_RDONLY | os.O_CLOEXEC)
            head = os.pread(self._file, 8, 0)
            if head[:4] != MAGIC_NUMBER:
                return {}
            self._start = 8 + int.from_bytes(head[4:], "little")
            index: dict[str, tuple[bool, int, int, bytes]] = marshal.loads(  # noqa: S302 - as above
                os.pread(self._file, self._start - 8, 8)
            )
            whole = self._start + max([start + size for _, start, size, _ in index.values()])
            return index if os.fstat(self._file).st_size == whole else {}
        except (OSError, ValueError, EOFError, TypeError, AttributeError):
            return {}


def codes(group: str) -> tuple[tuple[str, bool, Any], ...]:
    """Give what one of the first two files holds: name, whether that is a package, code; nothing for another Python."""
    try:
        found: tuple[tuple[str, bool, Any], ...] = __import__(f"hostfit.{group}", fromlist=("CODES",)).CODES
    except (ImportError, EOFError, ValueError, TypeError):
        return ()
    return found


def _place(name: str, *, package: bool) -> tuple[str, str]:
    """The folder of a package and the file of a module, as they lie beside the joined files."""
    place = f"{sys.modules['hostfit'].__path__[0]}/{name[8:].replace('.', '/')}"
    return place, f"{place}/__init__.py" if package else f"{place}.py"
