"""NVIDIA_REQUIRE_* of an image's environment as a spec: which CUDA, driver, architecture and brand its software needs.

    variables = all of them must hold;  value = alternative { " " alternative }  (one must hold)
    alternative = term { "," term }  (all must hold);  term = property op value
    property = "cuda" | "driver" | "arch" | "brand";  op = "=" | "!=" | "<" | "<=" | ">" | ">="

Two readers of this grammar exist, and they differ:

| point | toolkit (Go, csv mode) | libnvidia-container (C, legacy mode) | here |
|---|---|---|---|
| unknown property | term ignored | error | problem |
| malformed term | error | error where evaluation gets to it | problem, always |
| empty term (`a,,b`) | error | ignored | problem |
| property in upper case | unknown | known | known |
| `driver`, `brand` | no value, term fails | evaluated | evaluated |
| versions | semver | any count of numbers, trailing `.0` ignored | one to three numbers after trailing `.0` |
| `brand`, order | by letters | error | problem |
| `brand`, equality | case counts | case ignored | case ignored |
| several GPUs | one value for all | must hold on every visible GPU | on every GPU of the host |
| value that is not known | error | holds | unknown |
| cdi and jit-cdi mode | not evaluated | not evaluated | evaluated |
| NVIDIA_REQUIRE_JETPACK* | ignored | ignored | ignored |
| NVIDIA_DISABLE_REQUIRE | lifts all | lifts all | ignored: only the administrator lifts |
| CUDA_VERSION without NVIDIA_REQUIRE_CUDA | adds `cuda>=MAJOR.MINOR` | (the toolkit's) | the same |

"On every GPU" is said with the lowest and highest architecture and with a brand that is `mixed` where GPUs differ.
"""

from __future__ import annotations

from hostfit.core import limits, suggest
from hostfit.core.problem import Problem
from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term
from hostfit.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "NVIDIA_REQUIRE_"
IGNORED_PREFIX = "NVIDIA_REQUIRE_JETPACK"
_DRIVER, _GPU = "nvidia.driver", "nvidia.gpu"
_PROPERTIES = ("cuda", "driver", "arch", "brand")
_OPS = {">": "Gt", ">=": "Ge", "<": "Lt", "<=": "Le"}
_SIGNS = frozenset("=!<>")
_MIXED = "mixed"
_TERMS = 64
"""Terms of one alternative; real ones have up to four."""
_ALTERNATIVES = 256
"""Alternatives of one variable after `!=` on versions has been resolved into lower or higher."""


class _TermError(ValueError):
    """A term that cannot be understood."""


def parse(env: Iterable[str]) -> tuple[Spec | None, tuple[Problem, ...]]:
    """Compile the requirements in an image's environment (`NAME=value` lines) to a spec of one rule for each variable.

    Gives (None, ()) where there are none, and (None, problems) where one cannot be understood; whoever calls
    decides what that means for the container.
    """
    values = {}
    for line in env:
        name, sign, value = line.partition("=")
        if sign:
            values[name] = value
    wanted = {
        name: value
        for name, value in sorted(values.items())
        if name.startswith(PREFIX) and not name.startswith(IGNORED_PREFIX) and value.strip(" ")
    }
    problems: list[Problem] = []
    if values.get("CUDA_VERSION") and not values.get(PREFIX + "CUDA"):
        try:
            release = values["CUDA_VERSION"].removeprefix("v").partition("-")[0].partition("+")[0]
            wanted["CUDA_VERSION"] = "cuda>=" + ".".join(_version(release).split(".")[:2])
        except _TermError as error:
            problems.append(Problem("CUDA_VERSION", str(error)))
    rules = []
    for name, value in wanted.items():
        try:
            rules.append(Rule(name, _matcher(value, name), path=name))
        except _TermError as error:
            problems.append(Problem(name, str(error)))
    if problems or not rules:
        return None, tuple(problems)
    return Spec((CompatibilitySet(tuple(rules)),)), ()


def _matcher(value: str, path: str) -> Matcher:
    if len(value) > limits.STRING:
        raise _TermError(f"at most {limits.STRING} characters are allowed, found {len(value)}")
    alternatives: list[tuple[Term, ...]] = []
    for words in [words for words in value.split(" ") if words]:
        expanded: list[list[Term]] = [[]]
        if words.count(",") >= _TERMS:
            raise _TermError(f"at most {_TERMS} terms are allowed in an alternative, found more")
        for word in words.split(","):
            choices = _choices(word, words)
            expanded = [before + choice for before in expanded for choice in choices]
            if len(alternatives) + len(expanded) > _ALTERNATIVES:
                raise _TermError(f"at most {_ALTERNATIVES} alternatives are allowed, found more")
        alternatives += [tuple(terms) for terms in expanded]
    if sum([len(terms) for terms in alternatives]) > limits.EXPRESSIONS:
        raise _TermError(f"at most {limits.EXPRESSIONS} terms are allowed, found more")
    for terms in alternatives:
        for term in terms:
            term.path = path
    return Matcher(alternatives[0]) if len(alternatives) == 1 else Matcher(None, tuple(alternatives))


def _choices(word: str, around: str) -> list[list[Term]]:
    """Give the ways in which one term can hold, each a list of terms that must hold together."""
    start = next((at for at, char in enumerate(word) if char in _SIGNS), len(word))
    end = start
    while end < len(word) and word[end] in _SIGNS:
        end += 1
    name, sign, value = word[:start].lower(), word[start:end], word[end:]
    if not name or not value or (sign not in _OPS and sign not in ("=", "!=")):
        raise _TermError(
            f"PROPERTY OP VALUE with one of = != < <= > >= is required, found {quoted(word)} in {quoted(around)}"
        )
    if name not in _PROPERTIES:
        near = suggest.closest(name, _PROPERTIES)
        hint = f"; did you mean {near}?" if near else ""
        raise _TermError(f"one of {', '.join(_PROPERTIES)} is required, found {quoted(word)}{hint}")
    if name == "brand":
        return _brand(sign, value.lower(), word)
    version = _version(value)
    if name == "arch":
        return _bounds(sign, version, (_GPU, "arch_min"), (_GPU, "arch_max"))
    element = (_DRIVER, "cuda" if name == "cuda" else "version")
    return _bounds(sign, version, element, element)


def _brand(sign: str, value: str, word: str) -> list[list[Term]]:
    if sign not in ("=", "!="):
        raise _TermError(f"brand has no order: = or != is required, found {quoted(word)}")
    one = Expression("In", (value,)) if sign == "=" else Expression("NotIn", (value, _MIXED))
    return [[Term(_GPU, {"brand": one})]]


def _bounds(sign: str, version: str, lowest: tuple[str, str], highest: tuple[str, str]) -> list[list[Term]]:
    """Compare the lowest and the highest value that there is; both are the same element where there is only one."""
    above, below = _term(lowest, "Gt", version), _term(highest, "Lt", version)
    if sign == "!=":
        return [[below], [above]]
    if sign == "=":
        same = [Term(feature, {name: _equal(version)}) for feature, name in dict.fromkeys((lowest, highest))]
        return [same]
    return [[_term(lowest if sign in (">", ">=") else highest, _OPS[sign], version)]]


def _equal(version: str) -> Expression:
    return Expression("GeLe", (version, version), "version")


def _term(element: tuple[str, str], op: str, version: str) -> Term:
    return Term(element[0], {element[1]: Expression(op, (version,), "version")})


def _version(value: str) -> str:
    """Give one to three numbers, without the trailing `.0` that means nothing."""
    parts = value.split(".")
    while len(parts) > 3 and parts[-1].isdecimal() and not parts[-1].strip("0"):
        parts.pop()
    if len(parts) > 3 or not all([part.isascii() and part.isdecimal() and len(part) < 19 for part in parts]):
        raise _TermError(f"a version of one to three numbers is required, found {quoted(value)}")
    return ".".join(parts)
