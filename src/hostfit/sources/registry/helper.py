"""Programs that keep credentials: docker-credential-NAME get (docker-credential-helpers' protocol)."""

from __future__ import annotations

import os
import re
import subprocess

from hostfit.core import fastjson
from hostfit.core.errors import PolicyError, RegistryError
from hostfit.core.text import escape, quoted
from hostfit.oci.files import open_trusted, symbol

_NAME = re.compile(r"[a-z0-9-]+\Z")
_SECONDS = 5.0
_CAP = 64 << 10
_NONE = "credentials not found"
"""What a helper prints, besides a failure, where it knows nothing; the protocol has no other sign."""


def get(name: str, server: str, directories: tuple[str, ...], *, place: str) -> tuple[str, str] | None:
    """Ask a helper for the user's name and secret of a server, None where it has none.

    The program must lie in one of `directories` and nobody but root may be able to change it; `place` is the file that
    names it. Raises RegistryError, after five seconds too.
    """
    what = f"{escape(place)}: helper {quoted(name)}"
    if not _NAME.match(name):
        raise RegistryError(f"{what}: must be named by lower-case letters, digits and -")
    program = _program(f"docker-credential-{name}", directories, what)
    try:
        done = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, timeout=_SECONDS, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RegistryError(f"{what}: must answer within {_SECONDS:g} s, found it still running") from None
    except OSError as error:
        raise RegistryError(f"{what}: cannot be executed: {symbol(error)}") from None
    if done.returncode != 0:
        said = done.stdout[:_CAP].decode(errors="replace").strip()
        if _NONE in said:
            return None
        raise RegistryError(f"{what}: must end with 0, found {done.returncode}")
    try:
        tree = fastjson.loads(done.stdout, what=what, cap=_CAP)
    except ValueError as error:
        raise RegistryError(str(error)) from None
    user, secret = (tree.get("Username"), tree.get("Secret")) if isinstance(tree, dict) else (None, None)
    if not isinstance(user, str) or not isinstance(secret, str) or not secret:
        raise RegistryError(f"{what}: Username and Secret are required, found neither or one")
    return user, secret


def _program(name: str, directories: tuple[str, ...], what: str) -> str:
    """The path of a helper that may be run. Raises RegistryError."""
    for directory in directories:
        path = f"{directory}/{name}"
        try:
            os.close(open_trusted(path))
        except FileNotFoundError:
            continue
        except PolicyError as error:
            raise RegistryError(error.message, hint=error.hint) from None
        except OSError:
            continue
        return path
    raise RegistryError(f"{what}: {name} is required in {' or '.join(directories)}, found none")
