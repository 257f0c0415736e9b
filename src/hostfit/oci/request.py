"""What an engine asks for, as one value: the verb, the container, its bundle and a few words of the caller's
environment.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Bundle:
    """The part of a bundle's config.json (runtime-spec, config.md) that hostfit reads. Everything in it is untrusted.

    `env` and `args` are those of the process; `rootfs` is absolute; `devices` are the paths of linux.devices,
    `mounts` pairs of source and destination; `fingerprint` (device, inode, size, mtime in ns, sha256) is of the
    config.json that was read (security rule R8); `problem` says why it could not be
    understood, where all else is empty.
    """

    __slots__ = ("annotations", "args", "devices", "env", "fingerprint", "mounts", "path", "problem", "rootfs")

    def __init__(
        self,
        path: str,
        *,
        annotations: Mapping[str, str] | None = None,
        env: tuple[str, ...] = (),
        args: tuple[str, ...] = (),
        rootfs: str = "",
        devices: tuple[str, ...] = (),
        mounts: tuple[tuple[str, str], ...] = (),
        fingerprint: tuple[object, ...] = (),
        problem: str = "",
    ) -> None:
        self.path = path
        self.annotations: dict[str, str] = dict(annotations or {})
        self.env = env
        self.args = args
        self.rootfs = rootfs
        self.devices = devices
        self.mounts = mounts
        self.fingerprint = fingerprint
        self.problem = problem


class Request:
    """One container about to start, as seen by one entry point.

    `entry` is "runtime", "shim", "hook" or "check"; `runtime` the name that the entry's argv[0] asks for, empty for
    the policy's default; `root` the OCI runtime's --root, empty for its own default; `environ` holds only GRPC_ADDRESS,
    TTRPC_ADDRESS and NAMESPACE of the caller. `sandbox` is what the sandbox of this container's pod was recorded to
    run on, a path or the name of a runtime, empty where nothing was recorded.
    """

    __slots__ = ("bundle", "entry", "environ", "id", "root", "runtime", "sandbox", "verb")

    def __init__(
        self,
        *,
        entry: str,
        verb: str,
        id: str,  # noqa: A002 - the runtime-spec's word
        bundle: Bundle,
        root: str = "",
        runtime: str = "",
        environ: Mapping[str, str] | None = None,
        sandbox: str = "",
    ) -> None:
        self.entry = entry
        self.verb = verb
        self.id = id
        self.bundle = bundle
        self.root = root
        self.runtime = runtime
        self.environ: dict[str, str] = dict(environ or {})
        self.sandbox = sandbox
