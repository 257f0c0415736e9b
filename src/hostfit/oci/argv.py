"""The command line of an OCI runtime, read only as far as hostfit needs it; it is passed on byte for byte."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GATED = ("create", "run", "restore")
"""Verbs that bring a container to life."""

_VERBS = _words(
    "checkpoint create delete events exec features h help kill list pause ps restore resume run spec start state update"
    " completion cpu-affinity debug do flags gofer install boot mount port-forward portforward read-control symbolize"
    " tar trace uninstall umount usage verity-prepare wait info"
)
"""Verbs of runc, crun, youki and runsc. A word that is none of these may still be a verb, see _globals."""

_GLOBAL_VALUES = ("root", "log", "log-format", "log-level", "rootless", "cgroup-manager", "criu")
_GLOBAL_FLAGS = ("debug", "systemd-cgroup", "help", "usage", "version")

_VALUES = _words(
    "bundle config console-socket pidfd-socket pid-file preserve-fds image-path work-path parent-path empty-ns"
    " manage-cgroups-mode lsm-profile lsm-mount-context process user additional-gids env cap cwd cgroup apparmor"
    " process-label format interval resources blkio-weight cpu-period cpu-quota cpu-share cpu-burst cpu-idle"
    " cpu-rt-period cpu-rt-runtime cpuset-cpus cpuset-mems kernel-memory kernel-memory-tcp memory memory-reservation"
    " memory-swap pids-limit l3-cache-schema mem-bw-schema page-server status-fd file user-log"
)
_FLAGS = _words(
    "detach no-new-keyring no-pivot no-subreaper keep help usage tty no-new-privs ignore-paused all force regex quiet"
    " tcp-established ext-unix-sk shell-job file-locks auto-dedup lazy-pages leave-running pre-dump stats rootless"
    " no-mount-fallback"
)
_START_VALUES = _words(
    "bundle config console-socket pidfd-socket pid-file preserve-fds image-path work-path parent-path empty-ns"
    " manage-cgroups-mode lsm-profile lsm-mount-context user-log"
)
"""Those of the gated verbs, among which alone a beginning must be unique: --b is --bundle there (and runc's alias)."""
_SHORT_VALUES = {
    "create": "bf", "run": "bf", "restore": "bf", "spec": "bf", "exec": "cepug", "update": "r", "list": "f", "ps": "f",
}  # fmt: skip
_SHORT_LONG = {"b": "bundle", "f": "config", "h": "help", "?": "help"}
"""Short flags of the gated verbs that matter here; `-f` is crun's and names another file than config.json."""


class Call:
    """What hostfit needs of a command line, decoded as the filesystem's encoding has it.

    `verb` is empty where only global flags were given; `id` is the container, `config` the name that crun's --config
    gives the configuration; `log` and `log_format` are the global flags. `ambiguous` is a word by which runc and crun
    mean different bundles: -b=DIR is DIR to runc and =DIR to crun. What was not given is empty.
    """

    __slots__ = ("ambiguous", "bundle", "config", "id", "log", "log_format", "root", "verb")

    def __init__(self) -> None:
        self.verb = ""
        self.id = ""
        self.ambiguous = ""
        self.bundle = ""
        self.config = ""
        self.root = ""
        self.log = ""
        self.log_format = ""


def parse(argv: Sequence[bytes]) -> Call:
    """Read the arguments after argv[0], in the forms that runc (Go) and crun (argp) take.

    `--flag value`, `--flag=value`, `-flag value`, unique beginnings of long flags, `-b value`, `-bvalue`, clusters, and
    `--`. The last of several counts. Never raises: what makes no sense is for the real runtime to say.
    """
    call = Call()
    words = [os.fsdecode(word) for word in argv]
    rest = _globals(call, words)
    if call.verb:
        _command(call, words, rest)
    return call


def _globals(call: Call, words: list[str]) -> int:
    """Read the global flags and the verb; give the index of the word after it.

    A flag that is not known here (runsc has dozens, with one dash or two) may or may not take the next word. It does
    if that word is no verb: so no flag of a runtime to come can hide a `create`.
    """
    index = 0
    doubtful = False
    while index < len(words):
        word = words[index]
        index += 1
        if not word.startswith("-") or word == "-":
            if doubtful and word not in _VERBS:
                doubtful = False
                continue
            call.verb = word
            break
        if word == "--":
            doubtful = False
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = _complete(name, word, _GLOBAL_VALUES, _GLOBAL_FLAGS)
        doubtful = False
        if name in _GLOBAL_VALUES:
            if not equals:
                value = words[index] if index < len(words) else ""
                index += 1
            if name == "root":
                call.root = value
            elif name == "log":
                call.log = value
            elif name == "log-format":
                call.log_format = value
        elif name not in _GLOBAL_FLAGS:
            doubtful = not equals
    return index


def _command(call: Call, words: list[str], index: int) -> None:
    """Read the flags of a verb and the container's id.

    The id is the first word that is no flag; of the gated verbs, which take no other, it is the last.
    """
    short = _SHORT_VALUES.get(call.verb, "")
    gated = call.verb in GATED
    values = _START_VALUES if gated else _VALUES
    while index < len(words):
        word = words[index]
        index += 1
        if word == "--":
            if index < len(words):
                call.id = words[-1] if gated else words[index]
            return
        if not word.startswith("-") or word == "-":
            call.id = word
            if not gated:
                return
            continue
        body = word.lstrip("-")
        name, equals, value = body.partition("=")
        if word.startswith("--") or name in values or name in _FLAGS:
            name = _complete(name, word, values, _FLAGS)
            if name not in values:
                continue
        else:
            name, value = _cluster(body, short)
            if not name:
                continue
            equals = value
            if name in ("bundle", "config") and value.startswith("="):
                call.ambiguous = word
                value = value[1:]
        if not equals:
            value = words[index] if index < len(words) else ""
            index += 1
        if name == "bundle":
            call.bundle = value
        elif name == "config":
            call.config = value


def _complete(
    name: str, word: str, values: Sequence[str] | frozenset[str], flags: Sequence[str] | frozenset[str]
) -> str:
    """Give the long flag that `name` begins, where it is only one, as argp does."""
    if name in values or name in flags or not word.startswith("--") or not name:
        return name
    found = [known for known in (*values, *flags) if known.startswith(name)]
    return found[0] if len(found) == 1 else name


def _cluster(body: str, short: str) -> tuple[str, str]:
    """Give the long name and the attached value of the flag in a cluster of short ones that takes a value, if any."""
    for place, letter in enumerate(body):
        if letter in short:
            return _SHORT_LONG.get(letter, letter), body[place + 1 :]
    return "", ""
