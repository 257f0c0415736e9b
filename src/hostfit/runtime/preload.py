"""Loads the modules of the hot path from two files instead of dozens, where an installation has joined them.

Finding, opening and checking a module's own .pyc costs more than running it. `join` writes `_pass.pyc` (what every call
needs) and `_start.pyc` (what a decision needs besides) into the package; without them, or with those of another
Python, every module is imported as always. They are part of an installation like any .pyc, and trusted alike.
"""

from __future__ import annotations

import gc
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PASS, START = "_pass", "_start"


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
    try:
        codes = __import__(f"hostfit.{group}", fromlist=("CODES",)).CODES
    except (ImportError, EOFError, ValueError, TypeError):
        return
    top = sys.modules["hostfit"].__path__[0]
    for name, package, code in codes:
        if name in sys.modules:
            continue
        module = sys.modules[name] = type(sys)(name)
        above, _, own = name.rpartition(".")
        place = f"{top}/{name[8:].replace('.', '/')}"
        if package:
            loader = SourceFileLoader(name, f"{place}/__init__.py")
            module.__spec__ = ModuleSpec(name, loader, origin=loader.path, is_package=True)
            module.__path__ = module.__spec__.submodule_search_locations = [place]
        module.__package__ = name if package else above
        module.__file__ = f"{place}/__init__.py" if package else f"{place}.py"
        try:
            exec(code, module.__dict__)  # noqa: S102 - the code of our own modules, from our own package
        except BaseException:
            del sys.modules[name]
            raise
        setattr(sys.modules[above], own, module)
    # Nor need the end of the interpreter look for cycles among modules: that costs as much as executing them.
    gc.freeze()
