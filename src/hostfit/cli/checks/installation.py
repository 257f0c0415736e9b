"""hostfit itself: programs, directories, policy, joined code, service, store."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from hostfit.cli.checks import trust
from hostfit.cli.checks.findings import Finding
from hostfit.cli.engines import programs
from hostfit.cli.engines.tree import UNITS
from hostfit.core import limits
from hostfit.core.errors import PolicyError, UsageError
from hostfit.core.text import escape
from hostfit.oci.files import read_capped
from hostfit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from hostfit.cli.engines.tree import Tree
    from hostfit.core.paths import Paths
    from hostfit.policy.model import Policy

_ANSWER = 5.0
"""Seconds within which hostfitd must answer; the launcher waits less, but one slow moment is no finding."""
_LONGEST = 8 << 10
_MARK = b"hostfit 1"
JOINED = ("_pass", "_start")
"""The modules that hostfit.runtime.join writes."""
INDEXED = "_rest.joined"
"""The file of further modules that it writes."""
_INDEXED = 16 << 20
"""Bytes of it, at most."""


def check(tree: Tree, paths: Paths, host: Paths, folder: str) -> Iterator[Finding]:
    """Look at everything; `host` are the places as that host knows them, `folder` is where its programs are."""
    try:
        found = programs.find(tree, folder)
        for path in (found.runtime, found.hook, found.shim):
            if path:
                yield from trust.program(tree, path)
    except UsageError as error:
        yield Finding("program-missing", programs.RUNTIME, error.message)
    for path in (host.etc, host.run, host.var):
        yield from trust.directory(tree, path, "directory-unsafe")
    yield from _policy(tree, paths)
    yield from _disabled(tree, paths, host)
    if tree.live:
        yield from _joined()
        yield from _service(paths)
        if not any([os.path.exists(path) for path in ("/run/systemd/journal/socket", "/dev/log")]):
            yield Finding("no-journal", "/run/systemd/journal/socket")
    if not os.path.isdir(f"{paths.var}/looked-up"):
        yield Finding("store-unsynced", host.var)


def _policy(tree: Tree, paths: Paths) -> Iterator[Finding]:
    from hostfit.policy import compiled, read  # parses TOML and YAML

    try:
        policy = read.read(paths)
    except PolicyError as error:
        yield Finding("policy-invalid", paths.etc, error.message)
        return
    if policy.sources and tree.live and compiled.load_compiled(paths) is None:
        yield Finding("policy-not-compiled", compiled.place(paths))
    yield from _runtime(tree, paths, policy)


def default_runtime(tree: Tree, paths: Paths) -> str:
    """Give the name of the runtime that plain hostfit-runtime hands over to, empty where that cannot be told."""
    from hostfit.policy import read  # parses TOML and YAML

    try:
        policy = read.read(paths)
    except PolicyError:
        return ""
    for name in policy.defaults:
        definition = policy.runtimes[name]
        if any([not list(trust.program(tree, path)) for path in definition.binaries or definition.shims]):
            return name
    return ""


def _runtime(tree: Tree, paths: Paths, policy: Policy) -> Iterator[Finding]:
    if default_runtime(tree, paths):
        return
    paths_of = [
        path for name in policy.defaults for path in (policy.runtimes[name].binaries or policy.runtimes[name].shims)
    ]
    wrong = [one for path in paths_of for one in trust.program(tree, path) if one.kind.id != "program-missing"]
    names = " or ".join([escape(name) for name in policy.defaults])
    message = f"default runtime {names}: required installed and safe to run, found "
    yield Finding("no-runtime", names, message + (wrong[0].message if wrong else "none"))


def _disabled(tree: Tree, paths: Paths, host: Paths) -> Iterator[Finding]:
    from hostfit.policy.load import DISABLED  # with the policy

    path = f"{host.etc}/{DISABLED}"
    if os.path.lexists(f"{paths.etc}/{DISABLED}"):
        try:
            wrong = trust.doubt(tree, path)
        except FileNotFoundError:
            wrong = f"{path}: a link that leads nowhere"
        yield Finding("disabled-ignored" if wrong else "checks-disabled", path, wrong)


def _joined() -> Iterator[Finding]:
    """Joined code is executed in place of the modules, so it must be theirs, for this Python."""
    import importlib.util  # only here
    import marshal  # with the above

    import hostfit  # with the above

    folder = hostfit.__path__[0]
    for name in JOINED:
        path = f"{folder}/{name}.pyc"
        if not os.path.exists(path):
            continue
        try:
            codes = importlib.import_module(f"hostfit.{name}").CODES
        except (ImportError, EOFError, ValueError, TypeError):
            codes = ()
        yield from _stale(path, {module: (package, code) for module, package, code in codes}, _code)
    path = f"{folder}/{INDEXED}"
    if os.path.exists(path):
        # hostfit.runtime.preload says what is in it.
        try:
            data = read_capped(path, _INDEXED)
            index = marshal.loads(data[8:]) if data[:4] == importlib.util.MAGIC_NUMBER else {}  # noqa: S302 - our own
            found = {module: (package, digest) for module, (package, _, _, digest) in index.items()}
            ends = [start + size for _, start, size, _ in index.values()]
            if len(data) != 8 + int.from_bytes(data[4:8], "little") + max(ends, default=0):
                found = {}
        except (OSError, EOFError, ValueError, TypeError, AttributeError):
            found = {}
        yield from _stale(path, found, lambda source, _: importlib.util.source_hash(source))


def _stale(path: str, modules: dict[str, tuple[bool, Any]], form: Callable[[bytes, str], Any]) -> Iterator[Finding]:
    """Look for a module whose source is not what a joined file was made of, by what `form` makes of it."""
    if not modules:
        yield Finding("joined-stale", path, f"{escape(path, 4096)}: required code for this Python, found another's")
    for module, (package, have) in modules.items():
        relative = module.replace(".", "/") + ("/__init__.py" if package else ".py")
        source = f"{os.path.dirname(os.path.dirname(path))}/{relative}"
        try:
            made = form(read_capped(source, limits.POLICY_FILE), relative)
        except (OSError, SyntaxError):
            made = None
        if made != have:
            yield Finding("joined-stale", path, f"{escape(path, 4096)}: not the code of {escape(source, 4096)}")
            return


def _code(source: bytes, relative: str) -> Any:
    return compile(source, relative, "exec", dont_inherit=True, optimize=2)


def _service(paths: Paths) -> Iterator[Finding]:
    """Ask hostfitd something of no version at all: whoever is there answers, and says of which version it is.

    The form of both frames is that of src/launcher/README.md.
    """
    path = f"{paths.run}/service/decide"
    shown = escape(path, 4096)
    if not os.path.lexists(path):
        if any([os.path.exists(f"{place}/hostfitd.service") for place in UNITS]):
            yield Finding("service-silent", path, f"{shown}: required by hostfitd.service, found none")
        return
    fields = b"".join([len(one).to_bytes(4) + one for one in (_MARK, b"doctor")])
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
            one.settimeout(_ANSWER)
            one.connect(path)
            one.sendall(len(fields).to_bytes(4) + fields)
            answer = b""
            while len(answer) < _LONGEST and (piece := one.recv(_LONGEST)):
                answer += piece
    except OSError as error:
        yield Finding("service-silent", path, f"{shown}: required an answer, found {type(error).__name__}")
        return
    version = _field(answer, 1) if _field(answer, 0) == _MARK else b""
    if version != VERSION.encode():
        found = escape(version.decode("utf-8", "replace")) or "something else"
        yield Finding("service-silent", path, f"{shown}: required an answer of version {VERSION}, found {found}")


def _field(frame: bytes, number: int) -> bytes:
    """One field of a frame, empty where it is not there."""
    rest = frame[4:]
    for _ in range(number):
        rest = rest[4 + int.from_bytes(rest[:4]) :]
    return rest[4 : 4 + int.from_bytes(rest[:4])]
