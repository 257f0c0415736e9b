"""Reads one vocabulary file of a site or a domain group. Cold: such files are YAML.

A file says what the features of a topic are, so that people who know the topic can publish it, and those who run
hosts can include it without either of them writing code (DA1, DA2, SA7, DE4):

    version: hostfit.vocabulary/v1
    documentation: https://example.org/hpc-mpi      # what the topic is about; the default for its features
    include: [published/mpi-abi.yaml]                # further files, relative to this one or absolute
    features:
      - name: hpc.mpi                                # DOMAIN.NAME in lower case, no name that hostfit has itself
        meaning: the MPI that jobs on this host are started with
        documentation: https://example.org/hpc-mpi#mpi
        stability: volatile                          # or static: cannot change while the host runs
        file: mpi                                    # the values, in a file of this name below facts.d
        elements:
          - name: version
            kind: attribute                          # or flag, or instance: an attribute of every instance
            comparison: version                      # or text, number, boolean, hex
            meaning: release of the implementation
          - name: implementation
            meaning: openmpi, mpich, mvapich2, intel-mpi or cray-mpich
          - name: abi-family
            meaning: whose ABI programs must be built for
        rules:                                       # values that follow from other facts; the first that matches
          - element: abi-family
            value: mpich
            matchFeatures:                           # NFD's rule language, on any feature
              - feature: hpc.mpi
                matchExpressions:
                  implementation: {op: In, value: [mpich, mvapich2, intel-mpi, cray-mpich]}

`kind` is attribute and `comparison` text where they are left out. A file in facts.d holds `KEY=VALUE` lines or one
JSON value: an object of attributes (and of flags, true or false), or for instances a list of objects.
A rule may ask for what the file of its own feature says, not for what other rules make of that feature.
"""

from __future__ import annotations

from hostfit.core import vocabulary as rows
from hostfit.core.checkrule import MATCHER_KEYS, Matching
from hostfit.core.problem import at_index, at_key
from hostfit.core.read import read_tree
from hostfit.core.text import quoted
from hostfit.facts import vocabulary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.problem import Problem
    from hostfit.core.spec import Matcher
    from hostfit.core.vocabulary import ElementInfo, FeatureInfo

VERSION = "hostfit.vocabulary/v1"
_FILE_KEYS = ("version", "documentation", "include", "features")
_FEATURE_KEYS = ("name", "meaning", "documentation", "stability", "file", "elements", "rules")
_ELEMENT_KEYS = ("name", "kind", "comparison", "meaning")
_RULE_KEYS = ("element", "value", *MATCHER_KEYS)
_KINDS = (rows.ATTRIBUTE, rows.FLAG, rows.INSTANCE)
_COMPARISONS = (rows.TEXT, rows.NUMBER, rows.VERSION, rows.BOOLEAN, rows.HEX)
_RESERVED = ("rule", "request", "fake")
_MOST = 256
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
_FILE_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ") | _NAME


class SiteRule:
    """One rule of a feature: the element has the value (or, as a flag, is there) where the matcher matches."""

    __slots__ = ("element", "matcher", "value")

    def __init__(self, element: str, value: str, matcher: Matcher) -> None:
        self.element = element
        self.value = value
        self.matcher = matcher


class SiteFeature:
    """One feature of a site: its vocabulary row, the file of facts.d with its values ("" for none), its rules."""

    __slots__ = ("file", "info", "rules")

    def __init__(self, info: FeatureInfo, file: str, rules: tuple[SiteRule, ...]) -> None:
        self.info = info
        self.file = file
        self.rules = rules


def parse(data: bytes, place: str) -> tuple[tuple[SiteFeature, ...], tuple[str, ...], tuple[Problem, ...]]:
    """Check a whole file; give its features, the files it includes, and every problem. With a problem, no features."""
    tree, lines, problem = read_tree(data)
    if problem is not None:
        return (), (), (problem,)
    checker = _Checker(lines)
    features, includes = checker.document(tree, place) if checker.measured(tree) else ([], ())
    if checker.problems:
        return (), (), tuple(checker.problems)
    return tuple(features), includes, ()


class _Checker(Matching):
    __slots__ = ()

    def document(self, value: Any, place: str) -> tuple[list[SiteFeature], tuple[str, ...]]:
        """Check the document itself."""
        tree = self.mapping(value, "", _FILE_KEYS, f'"version: {VERSION}" and "features"')
        if tree is None:
            return [], ()
        if tree.get("version") != VERSION:
            self.problem("version", f"{quoted(VERSION)} is required, found {quoted(str(tree.get('version', '')))}")
        link = self._text(tree, "documentation", "")
        includes = self.texts(tree.get("include", []), "include", "files", _MOST)
        found: list[SiteFeature] = []
        for at, item in enumerate(self.items(tree.get("features", []), "features", "features", _MOST)):
            where = at_index("features", at)
            feature = self._feature(item, where, link, place)
            if feature is None:
                continue
            if feature.info.name in [one.info.name for one in found]:
                self.problem(at_key(where, "name"), f"feature {quoted(feature.info.name)} is declared twice")
            found.append(feature)
        return found, includes

    def _feature(self, value: Any, path: str, link: str, place: str) -> SiteFeature | None:
        tree = self.mapping(value, path, _FEATURE_KEYS)
        if tree is None:
            return None
        name = self._name(tree, path)
        file = self._text(tree, "file", path)
        if file and (file.startswith(".") or not _FILE_NAME.issuperset(file)):
            self.problem(at_key(path, "file"), f"the name of a file below facts.d is required, found {quoted(file)}")
        where = at_key(path, "elements")
        elements = [
            self._element(item, at_index(where, at))
            for at, item in enumerate(self.items(tree.get("elements", []), where, "elements", _MOST))
        ]
        known = {element.name: element for element in elements if element is not None}
        if not known:
            self.problem(where, "at least one element is required")
        where = at_key(path, "rules")
        rules = [
            self._rule(item, at_index(where, at), known)
            for at, item in enumerate(self.items(tree.get("rules", []), where, "rules", _MOST))
        ]
        if not file and not rules:
            self.problem(path, "file or rules is required; as it is the feature can have no value")
        meaning = self._text(tree, "meaning", path, required=True)
        stability = self.choice(
            tree.get("stability", rows.VOLATILE), at_key(path, "stability"), (rows.STATIC, rows.VOLATILE)
        )
        info = rows.FeatureInfo(
            name,
            meaning=meaning,
            source=f"facts.d/{file} ({place})" if file else place,
            link=self._text(tree, "documentation", path) or link,
            stability=stability or rows.VOLATILE,
            elements=tuple(known.values()),
        )
        return SiteFeature(info, file, tuple([rule for rule in rules if rule is not None]))

    def _name(self, tree: dict[str, Any], path: str) -> str:
        name = self._text(tree, "name", path, required=True)
        where = at_key(path, "name")
        domain, dot, rest = name.partition(".")
        if name and not (dot and domain and rest and _NAME.issuperset(name)):
            self.problem(where, f"DOMAIN.NAME in lower case is required, found {quoted(name)}")
        elif name and (vocabulary.lookup(name) is not None or domain in _RESERVED):
            self.problem(where, f"a name that hostfit does not have itself is required, found {quoted(name)}")
        return name

    def _element(self, value: Any, path: str) -> ElementInfo | None:
        tree = self.mapping(value, path, _ELEMENT_KEYS)
        if tree is None:
            return None
        name = self._text(tree, "name", path, required=True)
        kind = self.choice(tree.get("kind", rows.ATTRIBUTE), at_key(path, "kind"), _KINDS)
        comparison = self.choice(tree.get("comparison", rows.TEXT), at_key(path, "comparison"), _COMPARISONS)
        meaning = self._text(tree, "meaning", path, required=True)
        return rows.ElementInfo(name, kind, comparison, meaning)

    def _rule(self, value: Any, path: str, known: dict[str, ElementInfo]) -> SiteRule | None:
        tree = self.mapping(value, path, _RULE_KEYS)
        if tree is None:
            return None
        element = self._text(tree, "element", path, required=True)
        info = known.get(element)
        if element:
            self.choice(element, at_key(path, "element"), tuple(known) or ("",))
        flag = info is not None and info.kind == rows.FLAG
        if info is not None and info.kind == rows.INSTANCE:
            self.problem(at_key(path, "element"), "an attribute or a flag is required, found one of instances")
        if flag and "value" in tree:
            self.problem(at_key(path, "value"), "no value is allowed for a flag")
        text = "" if flag else self._text(tree, "value", path, required=True)
        return SiteRule(element, text, self.matcher(tree, path))

    def _text(self, tree: dict[str, Any], key: str, path: str, *, required: bool = False) -> str:
        if key not in tree:
            if required:
                self.problem(path, f"key {quoted(key)} is required")
            return ""
        return self.text(tree[key], at_key(path, key), empty=not required) or ""
