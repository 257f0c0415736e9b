"""What the native launcher and hostfitd say to each other; src/launcher/README.md is the same in words.

Pure: bytes to values and back. Lengths are 32-bit and big-endian; a frame is its payload's length and the payload, a
payload is fields, each a length and the bytes. The first two fields, the mark and hostfit's version, stay where they
are in every version, so that the other side of an upgrade in mid-flight is recognised whatever follows them.
"""

from __future__ import annotations

import os

from hostfit.core import limits
from hostfit.core.errors import HostfitError
from hostfit.oci.pod import is_id
from hostfit.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKET = "service/decide"
"""Where hostfitd listens, below Paths.run."""
MARK = b"hostfit 1"
"""The layout of both payloads; another one is another version."""
HEAD = 4
"""Bytes of a length."""
REQUEST_CAP = limits.STATE_JSON + (64 << 10)
REPLY_CAP = 4 << 10
"""Bytes of a payload, at most."""
DEADLINE = 0.25
"""Seconds in which the launcher wants its answer, connecting included."""
PATIENCE = 2.0
"""Seconds that it waits from the answer WAIT on, once."""

RUNTIME, HOOK, SHIM = "runtime", "hook", "shim"
ENTRIES = (RUNTIME, HOOK, SHIM)
START, DENY, WAIT, YOURSELF = "start", "deny", "wait", "yourself"
ACTIONS = (START, DENY, WAIT, YOURSELF)
CALLER = ("GRPC_ADDRESS", "TTRPC_ADDRESS", "NAMESPACE")
"""The words of the caller's environment that a request may carry."""

_NAME, _LINE = 255, 1000
"""Bytes of a runtime's name and of the line for the engine, at most."""
_DIGEST = frozenset("0123456789abcdef")


class WireError(HostfitError):
    """A frame that is not what this version writes; whoever reads it decides without the other side."""


class Question:
    """One start to decide on. config.json comes with it as an open file (SCM_RIGHTS), read-only and at its beginning.

    `entry` is one of ENTRIES, `verb` the OCI runtime's (create, run, restore; start for a shim, empty for a hook), `id`
    the container (empty for a hook, whose `state` has it), `root` the runtime's --root, empty for its own default,
    `bundle` the bundle's absolute path, `runtime` the name that the launcher's own path asks for or empty, `environ`
    those of CALLER that the caller has, `state` what a hook found on standard input, byte for byte.
    """

    __slots__ = ("bundle", "entry", "environ", "id", "root", "runtime", "state", "verb")

    def __init__(
        self,
        *,
        entry: str,
        bundle: str,
        verb: str = "",
        id: str = "",  # noqa: A002 - the runtime-spec's word
        root: str = "",
        runtime: str = "",
        environ: Mapping[str, str] | None = None,
        state: bytes = b"",
    ) -> None:
        self.entry = entry
        self.verb = verb
        self.id = id
        self.root = root
        self.bundle = bundle
        self.runtime = runtime
        self.environ: dict[str, str] = dict(environ or {})
        self.state = state


class Answer:
    """What the service says.

    `action` is one of ACTIONS. With START, `runtime` is the name of the runtime that takes the container (empty for a
    hook) and `digest` the SHA-256, in hexadecimal, of the configuration that was judged; `sandbox` is the id of the
    pod's sandbox where there is one, whose record the launcher must find to name the same runtime or not at all, for
    records are root's alone. With DENY, `line` is for the
    engine: printable ASCII as hostfit.gate.wording leaves it. WAIT comes at most once, before another
    answer on the same connection. YOURSELF hands the decision back: the launcher runs Python.
    """

    __slots__ = ("action", "digest", "line", "runtime", "sandbox")

    def __init__(
        self, action: str, *, runtime: str = "", digest: str = "", line: str = "", sandbox: str = ""
    ) -> None:  # fmt: skip
        self.action = action
        self.runtime = runtime
        self.digest = digest
        self.line = line
        self.sandbox = sandbox


def encode_question(one: Question) -> bytes:
    """Give the frame of a question. Raises WireError where it is longer than the cap."""
    words = [os.fsencode(f"{key}={one.environ[key]}") for key in CALLER if key in one.environ]
    texts = (one.entry, one.verb, one.id, one.root, one.bundle, one.runtime)
    return _frame([*map(os.fsencode, texts), b"\0".join(words), one.state], REQUEST_CAP)


def decode_question(payload: bytes) -> Question:
    """Give the question of a payload. Raises WireError for anything but a whole one of this version."""
    fields = _fields(payload, 8, REQUEST_CAP)
    entry, verb, name, root, bundle, runtime = map(os.fsdecode, fields[:6])
    if entry not in ENTRIES:
        raise WireError("question: entry must be one that is known")
    if any([b"\0" in one for one in fields[:6]]) or not bundle.startswith("/"):
        raise WireError("question: bundle must be an absolute path, and no text may hold a NUL")
    environ: dict[str, str] = {}
    for word in fields[6].split(b"\0") if fields[6] else ():
        key, equals, value = os.fsdecode(word).partition("=")
        if key not in CALLER or not equals or key in environ:
            raise WireError("question: environ must hold each of the caller's words once")
        environ[key] = value
    return Question(
        entry=entry, verb=verb, id=name, root=root, bundle=bundle, runtime=runtime, environ=environ, state=fields[7]
    )


def encode_answer(one: Answer) -> bytes:
    """Give the frame of an answer. Raises WireError where it is longer than the cap."""
    return _frame([text.encode() for text in (one.action, one.runtime, one.digest, one.line, one.sandbox)], REPLY_CAP)


def decode_answer(payload: bytes) -> Answer:
    """Give the answer of a payload, as strictly as the launcher takes it. Raises WireError."""
    try:
        action, runtime, digest, line, sandbox = [one.decode("ascii") for one in _fields(payload, 5, REPLY_CAP)]
    except UnicodeDecodeError as error:
        raise WireError("answer: must be ASCII") from error
    if not all([one.isprintable() for one in (runtime, line)]) or len(runtime) > _NAME or len(line) > _LINE:
        raise WireError("answer: must be short and printable")
    sound = {
        START: not line and len(digest) == 64 and _DIGEST.issuperset(digest) and (not sandbox or is_id(sandbox)),
        DENY: line.startswith("hostfit: ") and not (runtime or digest or sandbox),
        WAIT: not (runtime or digest or line or sandbox),
        YOURSELF: not (runtime or digest or line or sandbox),
    }
    if not sound.get(action, False):
        raise WireError("answer: must be an action that is known with what belongs to it")
    return Answer(action, runtime=runtime, digest=digest, line=line, sandbox=sandbox)


def length(head: bytes, cap: int) -> int:
    """Give the payload's length by the first HEAD bytes of a frame. Raises WireError where it is over `cap`."""
    size = int.from_bytes(head, "big")
    if len(head) != HEAD or size > cap:
        raise WireError(f"frame: must hold at most {cap} bytes, found {size}")
    return size


def _frame(fields: list[bytes], cap: int) -> bytes:
    payload = b"".join([part for one in (MARK, VERSION.encode(), *fields) for part in (_number(len(one)), one)])
    if len(payload) > cap:
        raise WireError(f"frame: must hold at most {cap} bytes, found {len(payload)}")
    return _number(len(payload)) + payload


def _number(value: int) -> bytes:
    return value.to_bytes(HEAD, "big")


def _fields(payload: bytes, count: int, cap: int) -> list[bytes]:
    """The fields after mark and version, exactly `count`."""
    if len(payload) > cap:
        raise WireError(f"frame: must hold at most {cap} bytes, found {len(payload)}")
    found = []
    place = 0
    while place < len(payload):
        size = int.from_bytes(payload[place : place + HEAD], "big")
        place += HEAD
        if place + size > len(payload):
            raise WireError("frame: a field must end within it")
        found.append(payload[place : place + size])
        place += size
        if len(found) == 1 and found[0] != MARK:
            raise WireError("frame: must be hostfit's, of this layout")
        if len(found) == 2 and found[1] != VERSION.encode():
            raise WireError(f"frame: must be of version {VERSION}")
    if len(found) != count + 2:
        raise WireError(f"frame: must hold {count + 2} fields, found {len(found)}")
    return found[2:]
