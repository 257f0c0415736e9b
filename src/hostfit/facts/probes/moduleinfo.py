"""`kernel.module`: every module that is loaded, built in or loadable, with version, signer and parameters."""

from __future__ import annotations

import os

from hostfit.core.facts import Feature, Unknown
from hostfit.facts import modinfo
from hostfit.facts.probes import modules
from hostfit.facts.probes.kernel import release
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostfit.facts.root import Root

_PARAMETER = "parameter."


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read `kernel.module`. Raises OSError.

    Files are opened only for the attributes in `names`: without `version`, `signer` or a parameter there, the
    lists of modules are all that is read.
    """
    del feature
    loaded = modules.loaded(root)
    builtin: set[str] = set()
    paths: dict[str, str] = {}
    hidden: list[tuple[str, Unknown]] = []
    try:
        builtin = set(modules.builtin(root)) - loaded
    except OSError as error:
        # sysfs shows those built-in modules that have parameters or a version, and no others.
        builtin = modules.shown(root) - loaded
        hidden.append(("builtin", Unknown(reason(error))))
    try:
        paths = modules.loadable(root)
    except OSError as error:
        if modules.supported(root):
            hidden.append(("loadable", Unknown(reason(error))))
    detail = _Detail(root, names, paths)
    found: list[dict[str, str | Unknown]] = []
    for state, members in (("loaded", loaded), ("builtin", builtin), ("loadable", set(paths) - loaded - builtin)):
        for name in sorted(members):
            one: dict[str, str | Unknown] = {"name": name, "state": state}
            detail.add(one, name, state)
            found.append(one)
    for state, why in hidden:
        # There may be more in this state, of which nothing but the state is known.
        found.append({**dict.fromkeys(names or (), why), "name": why, "version": why, "signer": why, "state": state})
    return Feature(instances=found)


class _Detail:
    """What is read of single modules, as far as somebody asks for it."""

    __slots__ = ("_builtin", "_names", "_paths", "_root")

    def __init__(self, root: Root, names: set[str] | None, paths: Mapping[str, str]) -> None:
        self._root = root
        self._names = names
        self._paths = paths
        self._builtin: dict[str, str] | None = None

    def add(self, one: dict[str, str | Unknown], name: str, state: str) -> None:
        """Add version, signer and parameters to an instance."""
        root = self._root
        if self._wants("version"):
            self._put(one, "version", self._version(name, state))
        if self._wants("signer") and state != "builtin":
            self._put(one, "signer", self._of_file(name, "signer", state))
        if state == "loadable" or (
            self._names is not None and not any([n.startswith(_PARAMETER) for n in self._names])
        ):
            return
        base = f"/sys/module/{name}/parameters"
        try:
            present = root.names(base)
        except OSError:
            return
        for parameter in present:
            key = _PARAMETER + parameter
            if self._names is None or key in self._names:
                try:
                    one[key] = root.line(f"{base}/{parameter}")
                except OSError as error:
                    # Some parameters can be written only, and some are for root alone.
                    one[key] = Unknown(reason(error))

    def _wants(self, name: str) -> bool:
        return self._names is None or name in self._names

    @staticmethod
    def _put(one: dict[str, str | Unknown], name: str, value: str | Unknown | None) -> None:
        if value is not None:
            one[name] = value

    def _version(self, name: str, state: str) -> str | Unknown | None:
        if state == "loadable":
            return self._of_file(name, "version", state)
        try:
            shown = self._root.optional(f"/sys/module/{name}/version")
        except OSError as error:
            return Unknown(reason(error))
        return shown if shown is not None or state == "loaded" else self._builtin_version(name)

    def _builtin_version(self, name: str) -> str | None:
        if self._builtin is None:
            self._builtin = {}
            try:
                data = self._root.read(f"/lib/modules/{release(self._root)}/modules.builtin.modinfo", 16 << 20)
            except OSError:
                data = b""
            for entry in data.split(b"\0"):
                key, _, value = entry.decode("utf-8", "replace").partition("=")
                if key.endswith(".version"):
                    self._builtin[modules.normal(key[:-8])] = value
        return self._builtin.get(name)

    def _of_file(self, name: str, field: str, state: str) -> str | Unknown | None:
        """Give version or signer from the module's file."""
        path = self._paths.get(name)
        if path is None:
            return Unknown(f"{name}: not in modules.dep")
        if state == "loadable" and path.startswith("kernel/"):
            # Thousands of files, all of them of the running kernel's own tree.
            return Unknown(f"{path}: not read, it comes with the kernel and is not loaded")
        if not path.endswith(".ko"):
            return Unknown(f"{path}: compressed")
        root = self._root
        full = path if path.startswith("/") else f"/lib/modules/{release(root)}/{path}"
        try:
            descriptor = root.open(full, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            return Unknown(reason(error))
        try:
            if field == "signer":
                return modinfo.signer(descriptor)
            return modinfo.fields(descriptor).get(field)
        except (OSError, ValueError) as error:
            return Unknown(f"{path}: {error}")
        finally:
            os.close(descriptor)
