"""Which shim a call goes to that starts nothing: `delete` must work with a corrupt policy and without a config.json."""

from __future__ import annotations

import os

from hostfit.core.errors import RuntimeUnusableError
from hostfit.oci.shimargv import DELETE
from hostfit.policy.model import HOST_SHIMS
from hostfit.runtime import podrecord
from hostfit.runtime.execve import require_usable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.core.paths import Paths
    from hostfit.oci.shimargv import ShimCall


def shim(call: ShimCall, name: str, own: str, paths: Paths) -> str:
    """Give the recorded shim of a container, its sandbox's, or the entry's default. Raises RuntimeUnusableError.

    `-info` and `-v` come without a bundle and are the default's to answer.
    """
    tried = []
    recorded = tuple(_recorded(call)) if call.action == DELETE else ()
    path: str
    for path in (*recorded, *_defaults(name, paths), *HOST_SHIMS):
        try:
            require_usable(path)
            if not os.path.samefile(path, own):
                return path
        except (RuntimeUnusableError, OSError):
            tried.append(path)
    raise RuntimeUnusableError(f"no containerd shim can be used: tried {', '.join(dict.fromkeys(tried))}")


def _recorded(call: ShimCall) -> Iterator[str]:
    try:
        bundle = call.bundle or os.getcwd()
    except OSError:
        return
    found = podrecord.load(bundle) or podrecord.load(_sandbox(bundle, call.id))
    if found is not None:
        yield found.shim


def _sandbox(bundle: str, container: str) -> str:
    """The bundle of the pod's sandbox, empty where the configuration is gone or cannot be understood."""
    try:
        from hostfit.oci.bundle import read_bundle  # only where a container has no record of its own
        from hostfit.oci.pod import sandbox_of  # as above

        return podrecord.beside(bundle, container, sandbox_of(read_bundle(bundle), container))
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it must not keep a container from being removed
        return ""


def _defaults(name: str, paths: Paths) -> tuple[str, ...]:
    try:
        from hostfit.policy import load  # as above

        policy = load.load(paths)
        names = (name,) if name else policy.defaults
        return tuple([path for one in names if (found := policy.runtime(one)) is not None for path in found.shims])
    except Exception:  # noqa: BLE001 - a policy that cannot be read
        return ()
