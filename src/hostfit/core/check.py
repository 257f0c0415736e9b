"""The authority on what a valid document is: checks it whole, on any host the same, and turns it into a spec.

Source: NFD's image compatibility `v1alpha1` and design section 2. Every problem is reported at once. What NFD drops
or misreads in silence (unknown keys, a missing operator, coerced scalars) is an error here, for there it makes a
requirement always or never match.
"""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.checkrule import MATCHER_KEYS, Matching
from hostfit.core.problem import at_index, at_key
from hostfit.core.shape import describe
from hostfit.core.spec import PREFERRED, REQUIRED, VERSION, CompatibilitySet, Include, Matcher, Rule, Spec
from hostfit.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.problem import Problem
    from hostfit.core.vocabulary import Lookup

SPEC_KEYS = ("version", "compatibilities", "include")
SET_KEYS = ("rules", "weight", "tag", "description", "documentation", "runtimes")
RULE_KEYS = ("name", "vars", "matchFeatures", "matchAny", "level", "when", "documentation")
INCLUDE_KEYS = ("digest", "reference")
DROPPED_KEYS = (
    "labels", "labelsTemplate", "annotations", "annotationsTemplate", "taints", "extendedResources",
)  # fmt: skip
"""Keys of NFD's NodeFeatureRule that an image spec must not have: NFD drops them without a word."""
_DIGESTS = {"sha256": 64, "sha512": 128}
_RUNTIMES = 64
_REFERENCE = 1024
_HEX = frozenset("0123456789abcdef")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")


def check(
    tree: Any, *, lookup: Lookup | None = None, lines: Mapping[str, int] | None = None
) -> tuple[Spec | None, tuple[Problem, ...]]:
    """Check a plain tree and give the spec, or None and every problem found.

    With `lookup` (lint, sync) a feature or element that the vocabulary does not have is a problem; without it
    (a container's start) it is left to evaluation, which answers unknown. `lines` maps paths to line numbers.
    """
    checker = _Checker(lines, lookup)
    spec = checker.document(tree) if checker.measured(tree) else None
    return (None if checker.problems else spec), tuple(checker.problems)


def is_digest(value: str) -> bool:
    """Whether a text is a digest as hostfit accepts them: sha256 or sha512, in lower case."""
    algorithm, _, rest = value.partition(":")
    return _DIGESTS.get(algorithm) == len(rest) and _HEX.issuperset(rest)


class _Checker(Matching):
    __slots__ = ()

    def document(self, value: Any) -> Spec | None:
        tree = self.mapping(value, "", SPEC_KEYS)
        if tree is None:
            return None
        if "version" not in tree:
            self.problem("", f'key "version" is required; write version: {VERSION}')
        else:
            self.choice(tree["version"], "version", (VERSION,))
        sets: list[CompatibilitySet] = []
        if "compatibilities" in tree:
            found = self.items(tree["compatibilities"], "compatibilities", "compatibility sets", limits.SETS)
            sets = [self.set(item, at_index("compatibilities", at)) for at, item in enumerate(found)]
        includes: list[Include] = []
        if "include" in tree:
            for at, item in enumerate(self.items(tree["include"], "include", "included specs", limits.SETS)):
                includes.append(self.include(item, at_index("include", at)))
        if tree.get("compatibilities", []) == [] and tree.get("include", []) == []:
            where = "compatibilities" if "compatibilities" in tree else ""
            self.problem(where, "compatibilities with at least one set is required, found none")
        return Spec(tuple(sets), includes=tuple(includes))

    def include(self, value: Any, path: str) -> Include:
        tree = self.mapping(value, path, INCLUDE_KEYS, "{digest: sha256:...}") or {}
        digest = reference = ""
        if "digest" in tree:
            where = at_key(path, "digest")
            text = self.text(tree["digest"], where)
            digest = text or ""
            if text is not None and not is_digest(text):
                self.problem(where, f"a digest sha256:<64 hex digits> is required, found {quoted(text)}")
        elif isinstance(value, dict):
            self.problem(path, 'key "digest" is required')
        if "reference" in tree:
            where = at_key(path, "reference")
            reference = self.text(tree["reference"], where, empty=False) or ""
            if not _printable(reference) or len(reference) > _REFERENCE:
                self.problem(
                    where, f"a repository of at most {_REFERENCE} characters is required, found {quoted(reference)}"
                )
        return Include(digest, reference)

    def set(self, value: Any, path: str) -> CompatibilitySet:
        tree = self.mapping(value, path, SET_KEYS)
        if tree is None:
            return CompatibilitySet(())
        rules: list[Rule] = []
        if "rules" not in tree:
            self.problem(path, 'key "rules" is required')
        else:
            where = at_key(path, "rules")
            found = self.items(tree["rules"], where, "rules", limits.RULES_PER_SET)
            rules = [self.rule(item, at_index(where, at)) for at, item in enumerate(found)]
        return CompatibilitySet(
            tuple(rules),
            weight=self.integer(tree["weight"], at_key(path, "weight")) if "weight" in tree else 0,
            tag=self.optional(tree, "tag", path),
            description=self.optional(tree, "description", path),
            documentation=self.link(tree, path),
            runtimes=self.runtimes(tree, path),
            path=path,
        )

    def rule(self, value: Any, path: str) -> Rule:
        tree = self.mapping(value, path, RULE_KEYS)
        if tree is None:
            return Rule("", Matcher())
        name = ""
        if "name" not in tree:
            self.problem(path, 'key "name" is required')
        else:
            name = self.text(tree["name"], at_key(path, "name"), empty=False) or ""
        when = None
        if "when" in tree:
            where = at_key(path, "when")
            condition = self.mapping(tree["when"], where, MATCHER_KEYS)
            when = self.matcher(condition, where) if condition is not None else None
        names: dict[str, str] = {}
        if "vars" in tree:
            where = at_key(path, "vars")
            for key, item in self.open_mapping(tree["vars"], where, "variables").items():
                names[key] = self.text(item, at_key(where, key)) or ""
        return Rule(
            name,
            self.matcher(tree, path),
            level=self.choice(tree["level"], at_key(path, "level"), (REQUIRED, PREFERRED))
            if "level" in tree
            else REQUIRED,
            when=when,
            vars=names,
            documentation=self.link(tree, path),
            path=path,
        )

    def unknown_key(self, path: str, key: str, known: tuple[str, ...]) -> None:
        if known is RULE_KEYS and key == "varsTemplate":
            self.problem(path, "varsTemplate is not supported (it needs Go templates); write the values under vars")
        elif known is RULE_KEYS and key in DROPPED_KEYS:
            self.problem(path, f"{key} has no meaning in an image's spec, NFD drops it without a word; leave it out")
        else:
            super().unknown_key(path, key, known)

    def optional(self, tree: dict[str, Any], key: str, path: str) -> str:
        return (self.text(tree[key], at_key(path, key)) or "") if key in tree else ""

    def link(self, tree: dict[str, Any], path: str) -> str:
        if "documentation" not in tree:
            return ""
        where = at_key(path, "documentation")
        link = self.text(tree["documentation"], where)
        if link is not None and not (link.startswith(("https://", "http://")) and _printable(link)):
            self.problem(where, f"a link https://... is required, found {describe(link)}")
        return link or ""

    def runtimes(self, tree: dict[str, Any], path: str) -> tuple[str, ...]:
        if "runtimes" not in tree:
            return ()
        where = at_key(path, "runtimes")
        names = self.texts(tree["runtimes"], where, "runtimes", _RUNTIMES)
        for name in names:
            if not name or not _NAME.issuperset(name) or not name[0].isalnum():
                self.problem(where, f"names of runtimes are required, found {describe(name)}")
        return names


def _printable(value: str) -> bool:
    """Whether a text is ASCII without spaces and control characters."""
    return value.isascii() and value.isprintable() and " " not in value
