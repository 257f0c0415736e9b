"""The policy as the hot path gets it: compiled where that is current, else read from its files."""

from __future__ import annotations

import os

from hostfit.core.errors import PolicyError
from hostfit.core.text import escape
from hostfit.oci.files import open_trusted, symbol
from hostfit.policy.model import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.paths import Paths

DISABLED = "disabled"
"""The break-glass file below /etc/hostfit; only its being there counts, never its content."""
CONFIGURATION = ("hostfit.toml", "conf.d", "images.d")


def load(paths: Paths) -> Policy:
    """Give the policy. Raises PolicyError where it cannot be read, trusted or understood; that must deny."""
    if not _configured(paths.etc):
        return Policy()
    from hostfit.policy import compiled  # most hosts have no configuration at all

    policy = compiled.load_compiled(paths)
    if policy is not None:
        return policy
    from hostfit.policy import read  # the parsers of TOML and YAML are slow to import

    return read.read(paths)


def disabled(paths: Paths) -> bool:
    """Whether the break-glass file is there and only root could have put it there. Raises nothing."""
    try:
        os.close(open_trusted(f"{paths.etc}/{DISABLED}"))
    except (OSError, PolicyError):
        return False
    return True


def _configured(etc: str) -> bool:
    for name in CONFIGURATION:
        try:
            os.stat(f"{etc}/{name}")
        except FileNotFoundError:
            # A link whose target is missing is a configuration that cannot be read.
            if os.path.islink(f"{etc}/{name}"):
                return True
        except OSError as error:
            where = escape(f"{etc}/{name}", 4096)
            raise PolicyError(f"{where}: required readable, found {symbol(error)}") from error
        else:
            return True
    return os.path.islink(etc) and not os.path.exists(etc)
