"""Whose word about images counts: [signer.NAME], [[trust]] and [sync], read by whoever fetches (cold).

A signer is a program that the administrator configures, with fixed arguments, which ends with 0 where an artifact has
the signature that it looks for. Of several [[trust]] tables that are about a repository the one with the longest
pattern counts, alone, as in containers-policy.json(5).
"""

from __future__ import annotations

from contextlib import suppress

from hostfit.core import fastjson
from hostfit.oci.files import read_capped, sha256
from hostfit.policy.fields import shown
from hostfit.policy.select import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.policy.fields import Table

TABLES = ("signer", "trust", "sync")
IGNORE, TIGHTEN = "ignore", "tighten"
REFERENCE = "{reference}"
"""Stands, as an argument of its own, for the artifact by its digest: registry/path@sha256:..."""
_SIGNER = ("verify", "environment", "timeout")
_TRUST = ("repository", "unsigned", "signers")
_SYNC = ("registries",)
KEYS = (*_SIGNER, *_TRUST, *_SYNC)
_TIMEOUT, _LONGEST = 30, 600
"""Seconds for one call of a verifier: by default, and at most."""
_KEY = 1 << 20
"""Bytes of the longest file among the arguments that counts as a key."""
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")


class Signer:
    """One whose signatures can be checked: `verify` is an argument vector, `environment` all that the program gets
    beside PATH, HOME and LANG, `timeout` in seconds.
    """

    __slots__ = ("environment", "name", "timeout", "verify")

    def __init__(
        self, name: str, verify: tuple[str, ...], environment: tuple[str, ...] = (), timeout: int = 30
    ) -> None:
        self.name = name
        self.verify = verify
        self.environment = environment
        self.timeout = timeout

    @property
    def mark(self) -> str:
        """What tells this definition from another one of the same name: whom it asks, with which words and which keys.

        Files count by content that an argument or variable names by absolute path, alone or behind `=`; but not the
        program, whose upgrade is no new key.
        """
        keys = {}
        for word in (*self.verify[1:], *self.environment):
            path = word if word.startswith("/") else word.partition("=")[2]
            if path.startswith("/"):
                with suppress(OSError, ValueError):
                    keys[path] = sha256(read_capped(path, _KEY))
        return sha256(fastjson.dumps([list(self.verify), list(self.environment), *([keys] if keys else [])]).encode())


class Scope:
    """What counts in the repositories that a pattern names; `unsigned` is empty where the table does not say it."""

    __slots__ = ("repository", "signers", "unsigned")

    def __init__(self, repository: str, unsigned: str = "", signers: tuple[Signer, ...] = ()) -> None:
        self.repository = repository
        self.unsigned = unsigned
        self.signers = signers


class Trust:
    """Everything that the administrator decided about provenance.

    `registries` are those from which includes and base images are fetched beside an image's own registry.
    """

    __slots__ = ("registries", "scopes")

    def __init__(self, scopes: tuple[Scope, ...] = (), registries: tuple[str, ...] = ()) -> None:
        self.scopes = scopes
        self.registries = registries

    def of(self, repository: str) -> Scope:
        """Give what counts for a repository, such as registry.example/free5gc/upf."""
        about = [one for one in self.scopes if matches(one.repository, repository)]
        return max(about, key=lambda one: len(one.repository.replace("*", "")), default=Scope(repository))

    def follows(self, registry: str, own: str) -> bool:
        """Whether what an image of the registry `own` names may be fetched from `registry`."""
        return registry == own or registry in self.registries


class Reader:
    """The tables of all files; `add` takes them in order, a signer's later table of the same name wins key by key."""

    def __init__(self) -> None:
        self._signers: dict[str, dict[str, Any]] = {}
        self._places: dict[str, Table] = {}
        self._scopes: list[tuple[str, str, tuple[str, ...], Table]] = []
        self._registries: list[str] = []

    def signer(self, name: str, table: Table) -> None:
        """Take one [signer.NAME]."""
        table.known(_SIGNER)
        if not name or not _NAME.issuperset(name) or not name[0].isalnum():
            table.wrong("", f"required a name of letters, digits and . _ + -, found {shown(name)}")
        fields = self._signers.setdefault(name, {})
        self._places[name] = table
        if "verify" in table.values:
            verify = table.texts("verify")
            fields["verify"] = verify
            if verify and (not verify[0].startswith("/") or verify.count(REFERENCE) != 1):
                table.wrong("verify", f"required an absolute path, and {REFERENCE} once among its arguments")
        if "environment" in table.values:
            fields["environment"] = table.texts("environment")
            for one in fields["environment"]:
                if "=" not in one[1:]:
                    table.wrong("environment", f"required NAME=VALUE, found {shown(one)}")
        if "timeout" in table.values:
            fields["timeout"] = table.number("timeout", default=_TIMEOUT, highest=_LONGEST)

    def scope(self, table: Table) -> None:
        """Take one [[trust]]."""
        table.known(_TRUST)
        if "repository" not in table.values:
            table.wrong("", "required repository, found none")
        if not {"unsigned", "signers"}.intersection(table.values):
            table.wrong("", "required unsigned or signers, found neither")
        unsigned = table.choice("unsigned", (IGNORE, TIGHTEN), TIGHTEN) if "unsigned" in table.values else ""
        self._scopes.append((table.text("repository"), unsigned, table.texts("signers"), table))

    def sync(self, table: Table) -> None:
        """Take one [sync]."""
        table.known(_SYNC)
        self._registries += table.texts("registries")

    def finish(self) -> Trust:
        """Give the result; what is wrong with it is noted in the tables."""
        made: dict[str, Signer] = {}
        for name, fields in self._signers.items():
            if "verify" not in fields:
                self._places[name].wrong("", "required verify, found none")
            made[name] = Signer(name, **{"verify": (), **fields})
        scopes = []
        for repository, unsigned, names, table in self._scopes:
            for name in names:
                if name not in made:
                    table.wrong("signers", f"required a signer that is defined, found {shown(name)}")
            signers = tuple([made[name] for name in dict.fromkeys(names) if name in made])
            scopes.append(Scope(repository, unsigned, signers))
        return Trust(tuple(scopes), tuple(self._registries))
