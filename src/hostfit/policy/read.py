"""The policy from its own files: hostfit.toml, then conf.d/*.toml by name, then images.d/*.yaml (cold).

In [policy] and in a runtime of the same name the later file wins key by key; scopes add up.
"""

from __future__ import annotations

import os

from hostfit.core import limits
from hostfit.core.decision import ACTIONS, Knobs
from hostfit.core.errors import PolicyError
from hostfit.core.text import escape
from hostfit.oci.files import read_trusted, symbol
from hostfit.policy import trust
from hostfit.policy.fields import Finding, InvalidPolicyError, Table, shown
from hostfit.policy.images import Images
from hostfit.policy.model import BUILT_IN, KNOBS, Policy, Scope, built_in
from hostfit.policy.runtimes import Runtimes
from hostfit.policy.shipped import shipped
from hostfit.policy.tomllines import key_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from hostfit.core.paths import Paths
    from hostfit.policy.images import Entry

TOML = (".toml",)
YAML = (".yaml", ".yml")
"""Endings of the files that count in conf.d and images.d."""
_TABLES = ("policy", "scope", "runtime", *trust.TABLES)
_POLICY = ("default", "allowed", "preference", "tag", *KNOBS)
_SCOPE = ("image", "digest", "namespace", "allowed", "preference", *KNOBS)
_OF_NO_RUNTIME = (*KNOBS, "tag", "preference", "image", "digest", "namespace")
"""Keys of [policy] and [[scope]] that say nothing about which runtimes are demanded."""
_FILES = 1024
"""Files of one directory."""


def read(paths: Paths) -> Policy:
    """Read and check all files. Raises PolicyError (InvalidPolicyError with every finding) or gives the policy."""
    reader = _Reader()
    files = [f"{paths.etc}/hostfit.toml", *listed(f"{paths.etc}/conf.d", TOML)]
    for file in files:
        reader.configuration(file, optional=file == files[0])
    for file in listed(f"{paths.etc}/images.d", YAML):
        reader.entry(file)
    return reader.finish()


def listed(folder: str, endings: tuple[str, ...]) -> tuple[str, ...]:
    """Give the files of a configuration directory with one of these endings, by name; hidden ones are skipped."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError as error:
        # A link whose target is missing is a configuration that cannot be read.
        for place in (os.path.dirname(folder), folder):
            if os.path.islink(place) and not os.path.exists(place):
                raise PolicyError(f"{escape(place, 4096)}: required readable, found ENOENT") from error
        return ()
    except OSError as error:
        raise PolicyError(f"{escape(folder, 4096)}: required a readable directory, found {symbol(error)}") from error
    found = tuple([f"{folder}/{name}" for name in names if name.endswith(endings) and not name.startswith(".")])
    if len(found) > _FILES:
        raise PolicyError(f"{escape(folder, 4096)}: required at most {_FILES} files, found {len(found)}")
    return found


class _Reader:
    """Collects what the files say, and what is wrong with them, file by file."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.sources: list[str] = []
        self.knobs: dict[str, str] = {}
        self.default: Table | None = None
        self.allowed: tuple[str, ...] | None = None
        self.allowing: list[Table] = []
        self.preference = False
        self.tag = ""
        self.scopes: list[Scope] = []
        self.runtimes = Runtimes()
        self.trust = trust.Reader()
        self.entries: list[Entry] = []
        self.unsure = False

    def configuration(self, file: str, *, optional: bool) -> None:
        """Read one TOML file; the main one need not be there."""
        try:
            data = read_trusted(file, limits.POLICY_FILE)
        except FileNotFoundError:
            if optional and not os.path.islink(file):
                return
            raise PolicyError(f"{escape(file, 4096)}: required readable, found ENOENT") from None
        self.sources.append(file)
        text, tree = self._parsed(file, data)
        if tree is None:
            self.unsure = True
            return
        lines = key_lines(text)
        top = Table(tree, file=file, path="", lines=lines, findings=self.findings)
        top.known(_TABLES)
        policy = self._table(tree.get("policy", {}), top, "policy")
        if policy is not None:
            self._policy(policy)
        for scope in self._list(tree, top, "scope"):
            self._scope(scope)
        for name, runtime in self._named(tree, top, "runtime"):
            self.runtimes.add(name, runtime)
        for name, signer in self._named(tree, top, "signer"):
            self.trust.signer(name, signer)
        for scope in self._list(tree, top, "trust"):
            self.trust.scope(scope)
        sync = self._table(tree.get("sync", {}), top, "sync")
        if sync is not None:
            self.trust.sync(sync)

    def entry(self, file: str) -> None:
        """Read one file of images.d."""
        from hostfit.policy.imagefile import read_entry  # most hosts have none, and it takes YAML

        try:
            data = read_trusted(file, limits.DOCUMENT)
        except FileNotFoundError:
            raise PolicyError(f"{escape(file, 4096)}: required readable, found ENOENT") from None
        self.sources.append(file)
        found = read_entry(data, file=file, findings=self.findings)
        if found is not None:
            self.entries.append(found)

    def finish(self) -> Policy:
        """Give the policy, or raise what is wrong with it."""
        known = shipped()
        runtimes = self.runtimes.finish(built_in(), known)
        defaults: tuple[str, ...] = BUILT_IN
        if self.default is not None:
            name = self.default.text("default")
            if name and name not in runtimes and name not in known:
                self.default.wrong("default", f"required a runtime that is defined, found {shown(name)}")
            defaults = (name or BUILT_IN[0],)
        for table in self.allowing:
            for name in table.texts("allowed"):
                if name not in runtimes and name not in known:
                    table.wrong("allowed", f"required runtimes that are defined, found {shown(name)}")
        policy = Policy(
            knobs=Knobs(**self.knobs),
            defaults=defaults,
            scopes=tuple(self.scopes),
            runtimes=runtimes,
            images=Images(tuple(self.entries)) if self.entries else None,
            tag=self.tag,
            sources=tuple(self.sources),
            allowed=self.allowed,
            preference=self.preference,
            trust=self.trust.finish(),
        )
        if self.findings:
            certain = not self.unsure and all([_leaves_runtimes(one) for one in self.findings])
            raise InvalidPolicyError(tuple(self.findings), policy if certain else None)
        return policy

    def _parsed(self, file: str, data: bytes) -> tuple[str, dict[str, Any] | None]:
        import tomllib  # 15 ms, for files that are really there

        try:
            text = data.decode("utf-8")
            return text, tomllib.loads(text)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.findings.append(Finding(file, line, "", "required UTF-8, found other bytes"))
        except tomllib.TOMLDecodeError as error:
            message, _, place = str(error).partition(" (at ")
            line = int("".join([char for char in place.partition(",")[0] if char.isdigit()]) or "0")
            self.findings.append(Finding(file, line, "", f"required TOML, found an error: {_lower(escape(message))}"))
        except (RecursionError, ValueError):
            self.findings.append(Finding(file, 0, "", "required TOML, found values that are nested or long beyond use"))
        return "", None

    def _table(self, values: Any, top: Table, path: str) -> Table | None:
        if isinstance(values, dict):
            return Table(values, file=top.file, path=path, lines=top.lines, findings=self.findings)
        top.wrong(path, f"required a table, found {shown(values)}")
        return None

    def _list(self, tree: dict[str, Any], top: Table, key: str) -> Iterator[Table]:
        """Give the tables of [[key]]."""
        values = tree.get(key, [])
        if not isinstance(values, list):
            top.wrong(key, f"required [[{key}]] tables, found {shown(values)}")
            return
        for number, one in enumerate(values):
            table = self._table(one, top, f"{key}[{number}]")
            if table is not None:
                yield table

    def _named(self, tree: dict[str, Any], top: Table, key: str) -> Iterator[tuple[str, Table]]:
        """Give the tables of [key.NAME] with their names."""
        tables = self._table(tree.get(key, {}), top, key)
        for name, one in tables.values.items() if tables is not None else ():
            table = self._table(one, top, f"{key}.{name}")
            if table is not None:
                yield name, table

    def _policy(self, table: Table) -> None:
        table.known(_POLICY)
        if "default" in table.values:
            self.default = table
        if "allowed" in table.values:
            self.allowed = table.texts("allowed")
            self.allowing.append(table)
        self.preference = table.flag("preference", default=self.preference)
        self.tag = table.text("tag", default=self.tag)
        for knob in KNOBS:
            if knob in table.values:
                self.knobs[knob] = table.choice(knob, ACTIONS, getattr(Knobs(), knob))

    def _scope(self, table: Table) -> None:
        table.known(_SCOPE)
        image, digest, namespace = table.text("image"), table.text("digest"), table.text("namespace")
        knobs = {knob: table.choice(knob, ACTIONS, "deny") for knob in KNOBS if knob in table.values}
        if "digest" in table.values and digest and not _is_digest(digest):
            table.wrong("digest", f"required sha256: or sha512: with lower-case hex digits, found {shown(digest)}")
        if not {"image", "digest", "namespace"}.intersection(table.values):
            table.wrong("", "required image, digest or namespace, found none of them")
        settings = (*KNOBS, "allowed", "preference")
        if not set(settings).intersection(table.values):
            table.wrong("", f"required one of {', '.join(settings)}, found none of them")
        allowed = table.texts("allowed") if "allowed" in table.values else None
        if allowed is not None:
            self.allowing.append(table)
        preference = table.flag("preference", default=False) if "preference" in table.values else None
        self.scopes.append(
            Scope(knobs, image=image, digest=digest, namespace=namespace, allowed=allowed, preference=preference)
        )


def _leaves_runtimes(one: Finding) -> bool:
    """Whether it is certain all the same which runtimes are demanded. A key that is not known may be meant as any."""
    table, _, key = one.key.rpartition(".")
    if table == "policy" or table.startswith("scope["):
        return key in _OF_NO_RUNTIME
    return one.file.endswith(YAML) or one.key.partition(".")[0].partition("[")[0] in trust.TABLES


def _is_digest(text: str) -> bool:
    from hostfit.core.check import is_digest  # scopes with a digest are rare

    return is_digest(text)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
