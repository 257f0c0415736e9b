"""storage.conf of containers-storage: where graphroot, runroot and additional image stores lie (cold: it is TOML).

Source: containers-storage.conf(5).
"""

from __future__ import annotations

import os

from hostfit.core import limits
from hostfit.core.errors import SourceError
from hostfit.core.text import escape
from hostfit.oci.files import read_capped, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SYSTEM_FILES = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")


class StorageConf:
    """What a storage.conf says; `driver` is empty where it is left to the library."""

    __slots__ = ("additional", "driver", "graphroot", "runroot")

    def __init__(self, graphroot: str, runroot: str, driver: str = "", additional: tuple[str, ...] = ()) -> None:
        self.graphroot = graphroot
        self.runroot = runroot
        self.driver = driver
        self.additional = additional

    def image_roots(self) -> tuple[str, ...]:
        """Every directory that may hold images."""
        return (self.graphroot, *self.additional)


def read(*, user: bool = False, home: str = "") -> StorageConf:
    """Read the system's configuration, or that of the user who runs this. Raises SourceError for broken TOML.

    `home` is the user's home directory, where the environment does not tell it.
    """
    home = home or os.path.expanduser("~")
    if user:
        graphroot = os.environ.get("XDG_DATA_HOME") or f"{home}/.local/share"
        known = StorageConf(f"{graphroot}/containers/storage", f"/run/user/{os.getuid()}/containers")
        files: tuple[str, ...] = (f"{os.environ.get('XDG_CONFIG_HOME') or home + '/.config'}/containers/storage.conf",)
    else:
        known = StorageConf("/var/lib/containers/storage", "/run/containers/storage")
        files = SYSTEM_FILES
    for path in files:
        tree = _toml(path)
        if tree is not None:
            return _merged(known, tree.get("storage"))
    return known


def _toml(path: str) -> dict[str, Any] | None:
    import tomllib  # 15 ms, for the few hosts and commands that need it

    try:
        return tomllib.loads(read_capped(path, limits.POLICY_FILE).decode())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SourceError(f"{escape(path)}: {symbol(error)}") from None
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{escape(path)}: not valid TOML: {escape(str(error))}") from None


def _merged(known: StorageConf, table: object) -> StorageConf:
    if not isinstance(table, dict):
        return known
    options = table.get("options")
    stores = options.get("additionalimagestores") if isinstance(options, dict) else None
    return StorageConf(
        _path(table.get("graphroot")) or known.graphroot,
        _path(table.get("runroot")) or known.runroot,
        table["driver"] if isinstance(table.get("driver"), str) else "",
        tuple([_path(one) for one in stores if _path(one)]) if isinstance(stores, list) else (),
    )


def _path(value: object) -> str:
    return os.path.normpath(value) if isinstance(value, str) and value.startswith("/") else ""
