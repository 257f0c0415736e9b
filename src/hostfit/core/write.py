"""From a spec back to a document: NFD's keys and order, nothing that is only a default."""

from __future__ import annotations

from hostfit.core import fastjson
from hostfit.core.spec import REQUIRED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term


def to_tree(spec: Spec) -> dict[str, Any]:
    """Give the document of a spec as plain dictionaries, lists, texts and integers; `check` gives the spec back."""
    tree: dict[str, Any] = {"version": spec.version}
    if spec.includes:
        tree["include"] = [_filled({"digest": one.digest, "reference": one.reference}) for one in spec.includes]
    if spec.sets or not spec.includes:
        tree["compatibilities"] = [_set(one) for one in spec.sets]
    return tree


def to_json(spec: Spec) -> str:
    """Give the document of a spec as JSON on one line, in ASCII."""
    return fastjson.dumps(to_tree(spec))


def to_yaml(spec: Spec) -> str:
    """Give the document of a spec as YAML in block style, every scalar such that YAML 1.1 and 1.2 read the same."""
    out: list[str] = []
    _block(to_tree(spec), "", out)
    return "".join(out)


def _filled(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if value not in ("", 0, None)}


def _set(one: CompatibilitySet) -> dict[str, Any]:
    tree = _filled(
        {"tag": one.tag, "weight": one.weight, "description": one.description, "documentation": one.documentation}
    )
    if one.runtimes:
        tree["runtimes"] = list(one.runtimes)
    tree["rules"] = [_rule(rule) for rule in one.rules]
    return tree


def _rule(rule: Rule) -> dict[str, Any]:
    tree: dict[str, Any] = {"name": rule.name}
    if rule.level != REQUIRED:
        tree["level"] = rule.level
    if rule.documentation:
        tree["documentation"] = rule.documentation
    if rule.when is not None:
        tree["when"] = _matcher(rule.when)
    if rule.vars:
        tree["vars"] = dict(rule.vars)
    return {**tree, **_matcher(rule.matcher)}


def _matcher(matcher: Matcher) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    if matcher.features is not None:
        tree["matchFeatures"] = [_term(term) for term in matcher.features]
    if matcher.any is not None:
        tree["matchAny"] = [{"matchFeatures": [_term(term) for term in terms]} for terms in matcher.any]
    return tree


def _term(term: Term) -> dict[str, Any]:
    tree: dict[str, Any] = {"feature": term.feature}
    if term.expressions is not None:
        tree["matchExpressions"] = {name: _expression(one) for name, one in term.expressions.items()}
    if term.name is not None:
        tree["matchName"] = _expression(term.name)
    return tree


def _expression(expression: Expression) -> dict[str, Any]:
    tree: dict[str, Any] = {"op": expression.op}
    if expression.values:
        tree["value"] = list(expression.values)
    if expression.type:
        tree["type"] = expression.type
    return tree


_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BARE = _LETTERS | frozenset("0123456789_.-/")
_WORDS = frozenset(["y", "n", "yes", "no", "true", "false", "on", "off", "null"])


def _block(value: Any, indent: str, out: list[str]) -> None:
    """Write a non-empty mapping or list, one line for each item, from the current column on."""
    first = True
    for key, item in value.items() if isinstance(value, dict) else [(None, item) for item in value]:
        out.append("" if first else indent)
        first = False
        out.append("- " if key is None else _scalar(key) + ":")
        if isinstance(item, dict | list) and item and not _short(item):
            if key is None:
                _block(item, indent + "  ", out)
            else:
                out.append("\n" + indent + "  ")
                _block(item, indent + "  ", out)
        else:
            out.append(("" if key is None else " ") + _flow(item) + "\n")


def _short(item: Any) -> bool:
    """Whether a list of scalars, or an expression, is better on one line."""
    if isinstance(item, dict):
        return "op" in item and len(_flow(item)) <= 80
    return isinstance(item, list) and not [one for one in item if isinstance(one, dict | list)]


def _flow(item: Any) -> str:
    if isinstance(item, dict):
        return "{" + ", ".join([f"{_scalar(key)}: {_flow(one)}" for key, one in item.items()]) + "}"
    if isinstance(item, list):
        return "[" + ", ".join([_flow(one) for one in item]) + "]"
    return _scalar(item)


def _scalar(value: str | int) -> str:
    """A word that no reader takes for anything else as it is, every other text in double quotes."""
    if isinstance(value, int):
        return str(value)
    if value and value[0] in _LETTERS and _BARE.issuperset(value) and value.lower() not in _WORDS:
        return value
    shown = []
    for char in value:
        code = ord(char)
        if char in '"\\':
            shown.append("\\" + char)
        elif char.isascii() and char.isprintable():
            shown.append(char)
        else:
            shown.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return '"' + "".join(shown) + '"'
