"""The policy in the form that the hot path reads: one JSON file, valid while all of its sources are what they were.

It is written by `compile_policy` (cold) and only ever read on the hot path. A file that is not there, not trusted, not
whole, of another version, or older than its sources is no error: the sources are read instead.
"""

from __future__ import annotations

import os

from hostfit.core import fastjson
from hostfit.core.decision import Knobs
from hostfit.core.errors import PolicyError
from hostfit.oci.files import read_trusted, sha256
from hostfit.policy.model import KNOBS, Policy, RuntimeDefinition, Scope
from hostfit.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.paths import Paths
    from hostfit.core.spec import Rule, Spec
    from hostfit.policy.images import Images

_MARK = f"hostfit-policy 2 {VERSION}"
"""A file of another layout or another version of hostfit is not current."""
_CAP = 64 << 20
"""Bytes; all sources together may be that long."""
_DIRECTORIES = ("conf.d", "images.d")
_ROUNDS = 5
SETTLED = 50_000_000
"""Nanoseconds after which a file system gives a change another time than the last (a kernel tick is 10 ms at most)."""


def place(paths: Paths) -> str:
    """Where the compiled policy lies."""
    return f"{paths.var}/compiled/policy.json"


def table(paths: Paths) -> str:
    """Where the part of it lies that the native launcher reads; src/launcher/table.c says how it is written."""
    return f"{paths.var}/compiled/launcher"


def load_compiled(paths: Paths) -> Policy | None:
    """Give the compiled policy if it is there, trusted, whole and current; else None. Raises nothing."""
    try:
        mark, digest, body = _pieces(read_trusted(place(paths), _CAP))
        if mark != _MARK or sha256(body) != digest:
            return None
        tree = fastjson.loads(body, what="compiled policy", cap=_CAP)
        if tree["etc"] != paths.etc or any([stamp(one[0]) != one for one in tree["stamps"]]):
            return None
        return _policy_in(tree["policy"])
    except (OSError, PolicyError, ValueError, TypeError, LookupError, AttributeError):
        return None


def compile_policy(paths: Paths) -> str:
    """Read the sources and write the compiled form, root's alone to change (cold). Gives its path.

    Raises PolicyError where the sources are not valid and OSError where it cannot be written.
    """
    import time  # cold

    from hostfit.oci.files import ensure_directory, write_atomic  # cold
    from hostfit.policy import read  # cold

    for _ in range(_ROUNDS):
        before = stamps(paths)
        policy = read.read(paths)
        newest = max([one[4] for one in before if len(one) > 2], default=0)
        # A change in the same tick as the last one leaves no trace in the times; so compile only what has settled.
        time.sleep(max(0, min(SETTLED, newest + SETTLED - time.time_ns())) / 1e9)
        if stamps(paths) == before:
            break
    else:
        raise PolicyError(f"{paths.etc}: required files that stay as they are while they are compiled, found changes")
    body = fastjson.dumps({"etc": paths.etc, "stamps": before, "policy": _policy_out(policy)}).encode()
    target = place(paths)
    ensure_directory(os.path.dirname(target), 0o755)
    write_atomic(target, f"{_MARK} {sha256(body)}\n".encode() + body, 0o644)
    write_atomic(table(paths), _table(policy, before), 0o644)
    return target


def stamp(path: str) -> list[Any]:
    """What tells one state of a file or directory from another: device, inode, size and two times in nanoseconds.

    The time of status change is in it because it tells of a new owner or mode, which decide whether a file is trusted.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        # A link to nowhere, which the reader refuses, is not the same as nothing.
        return [path, 0] if os.path.islink(path) else [path]
    return [path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def stamps(paths: Paths) -> list[list[Any]]:
    """Give the stamps of all sources of a policy, those that could be there too (cold). Raises PolicyError."""
    from hostfit.policy import read  # cold

    etc = paths.etc
    # Files are listed by the reader's own rule, so that nothing is read that is not watched.
    files = [
        f"{etc}/hostfit.toml",
        *read.listed(f"{etc}/conf.d", read.TOML),
        *read.listed(f"{etc}/images.d", read.YAML),
    ]
    return [stamp(path) for path in (*[f"{etc}/{name}" for name in _DIRECTORIES], *files)]


def _table(policy: Policy, stamps: list[list[Any]]) -> bytes:
    """The launcher's table: which runtimes there are, and the sources that it holds for.

    A path or a name that it cannot hold on a line leaves the table without its end, which the launcher takes for none.
    """
    lines = [f"hostfit-launcher 1 {VERSION}"]
    for path, *state in stamps:
        # A link to nowhere is nothing that a table can be built on, and no line that the launcher knows.
        lines.append(f"none {path}" if not state else f"file {' '.join(map(str, state))} {path}")
    lines.append(f"default {policy.default}")
    for name, one in policy.runtimes.items():
        lines.append(f"runtime {name} {one.isolation} {int(one.grants)}")
        lines += [f"binary {path}" for path in one.binaries] + [f"shim {path}" for path in one.shims]
    whole = not any(["\n" in line or "\0" in line for line in lines])
    return os.fsencode("\n".join([*lines, "end\n" if whole else ""]))


def _pieces(data: bytes) -> tuple[str, str, bytes]:
    head, _, body = data.partition(b"\n")
    mark, _, digest = head.decode().rpartition(" ")
    return mark, digest, body


def _policy_out(policy: Policy) -> dict[str, Any]:
    return {
        "knobs": [getattr(policy.base, knob) for knob in KNOBS],
        "defaults": list(policy.defaults),
        "tag": policy.tag,
        "sources": list(policy.sources),
        "allowed": None if policy.allowed is None else list(policy.allowed),
        "preference": policy.preference,
        "scopes": [
            [one.knobs, one.image, one.digest, one.namespace, one.allowed, one.preference] for one in policy.scopes
        ],
        "runtimes": [_runtime_out(one) for one in policy.own.values()],
        "images": [
            [list(one.images), one.place, one.mode, _spec_out(one.spec), list(one.problems), one.digest]
            for one in policy.images.entries
        ],
    }


def _policy_in(tree: Any) -> Policy:
    return Policy(
        knobs=Knobs(**dict(zip(KNOBS, tree["knobs"], strict=True))),
        defaults=tuple(tree["defaults"]),
        tag=tree["tag"],
        sources=tuple(tree["sources"]),
        allowed=None if tree["allowed"] is None else tuple(tree["allowed"]),
        preference=tree["preference"],
        scopes=tuple([
            Scope(
                knobs, image=image, digest=digest, namespace=namespace,
                allowed=None if allowed is None else tuple(allowed), preference=preference,
            )
            for knobs, image, digest, namespace, allowed, preference in tree["scopes"]
        ]),
        runtimes={one["name"]: _runtime_in(one) for one in tree["runtimes"]},
        images=_images_in(tree["images"]) if tree["images"] else None,
    )  # fmt: skip


def _images_in(form: Any) -> Images:
    from hostfit.policy.images import Entry, Images  # most hosts have none

    return Images(
        tuple([
            Entry(tuple(images), place=where, mode=mode, spec=_spec_in(spec), problems=tuple(problems), digest=digest)
            for images, where, mode, spec, problems, digest in form
        ])
    )  # fmt: skip


def _runtime_out(one: RuntimeDefinition) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in one.__slots__}
    return {**plain, "requires": _rules_out(one.requires), "when": _rules_out(one.when)}


def _runtime_in(tree: dict[str, Any]) -> RuntimeDefinition:
    lists = {name: tuple(tree[name]) for name in ("binaries", "shims", "platforms", "instead")}
    rules = {name: _rules_in(tree[name]) for name in ("requires", "when")}
    return RuntimeDefinition(**{**tree, **lists, **rules})


def _rules_out(rules: tuple[Rule, ...]) -> Any:
    from hostfit.core.spec import CompatibilitySet, Spec  # cold

    return _spec_out(Spec((CompatibilitySet(rules),))) if rules else None


def _rules_in(form: Any) -> tuple[Rule, ...]:
    spec = _spec_in(form)
    return () if spec is None else spec.sets[0].rules


def _spec_out(spec: Spec | None) -> Any:
    from hostfit.core import compiled as specs  # cold

    return None if spec is None else specs.dump(spec)


def _spec_in(form: Any) -> Spec | None:
    if form is None:
        return None
    from hostfit.core import compiled as specs  # most policies hold no rules

    return specs.load(form)
