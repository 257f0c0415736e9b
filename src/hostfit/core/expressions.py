"""One expression against one value: NFD's operators with a third answer for what cannot be determined.

Source: `evaluateMatchExpression` of NFD v0.19 (`pkg/apis/nfd/nodefeaturerule/expression.go`); where hostfit answers
otherwise, `differences.py` says so and why.
"""

from __future__ import annotations

from hostfit.core import versions
from hostfit.core.facts import Unknown
from hostfit.core.results import MATCH, NOMATCH, UNKNOWN
from hostfit.core.spec import OPERATORS
from hostfit.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.facts import Feature
    from hostfit.core.regex import Program
    from hostfit.core.spec import Expression

ORDER = ("Gt", "Ge", "Lt", "Le")
RANGE = ("GtLt", "GeLe")
_NO_VALUES = ("Exists", "DoesNotExist", "IsTrue", "IsFalse")
_KNOWN = frozenset(OPERATORS)
_SIGNS = {"Gt": ">", "Ge": ">=", "Lt": "<", "Le": "<="}
_SHOWN = 8
"""Values named in `required` before the rest is only counted."""

WORK = 2_000_000
"""Steps that one evaluation may take, a few seconds at the very most; far above what an honest spec needs."""
_NOT_VALID = "the expression is not valid"
SPENT = "comparing it takes more steps than one evaluation may"


class Work:
    """What one evaluation shares: patterns compiled and names listed once, and the steps it may still take.

    The steps are counted, not timed, so the same inputs always give the same answer.
    """

    __slots__ = ("left", "names", "programs")

    def __init__(self, limit: int = WORK) -> None:
        self.left = limit
        self.programs: dict[str, Program] = {}
        self.names: dict[str, tuple[Feature, list[str], dict[str, Unknown]]] = {}

    def spend(self, steps: int) -> bool:
        """Take some steps; False when there are none left."""
        self.left -= steps
        return self.left >= 0

    def program(self, pattern: str) -> Program:
        """The pattern, compiled once. Raises RegexError."""
        from hostfit.core import regex  # few specs have patterns

        program = self.programs.get(pattern)
        if program is None:
            program = self.programs[pattern] = regex.compile(pattern)
            self.left -= len(program.code)
        return program

    def search(self, program: Program, value: str) -> bool | None:
        """Whether the pattern is found in `value`, or None when there are no steps left."""
        from hostfit.core import regex  # see above

        before = program.steps
        try:
            return regex.search(program, value, limit=self.left)
        except regex.OutOfStepsError:
            return None
        finally:
            self.left -= program.steps - before


def evaluate(
    expression: Expression, present: bool, value: str | Unknown | None, work: Work | None = None
) -> tuple[str, str]:
    """Compare, and give the result with the reason where there is something to explain.

    `value` is None for a flag, and an `Unknown` where neither presence nor value could be determined. The empty
    operator has its NFD meaning, it matches anything. An expression that `faults` objects to never raises: where its
    fault is met the answer is unknown.
    """
    op, wanted = expression.op, expression.values
    if op not in _KNOWN or (op in ("Exists", "DoesNotExist") and wanted):
        if not op and not wanted:
            return MATCH, ""
        return UNKNOWN, _NOT_VALID
    if isinstance(value, Unknown):
        return UNKNOWN, value.reason
    if op == "Exists":
        return (MATCH if present else NOMATCH), ""
    if op == "DoesNotExist":
        return (NOMATCH if present else MATCH), ""
    if not present:
        return NOMATCH, ""
    if value is None:
        return NOMATCH, "a flag has no value to compare"
    if (not wanted) != (op in _NO_VALUES):
        return UNKNOWN, _NOT_VALID
    if op == "In":
        return (MATCH if value in wanted else NOMATCH), ""
    if op == "NotIn":
        return (NOMATCH if value in wanted else MATCH), ""
    if op == "IsTrue":
        return (MATCH if value == "true" else NOMATCH), ""
    if op == "IsFalse":
        return (MATCH if value == "false" else NOMATCH), ""
    if op == "InRegexp":
        return _in_regexp(wanted, value, work or Work())
    return _order(expression, value)


def _in_regexp(patterns: tuple[str, ...], value: str, work: Work) -> tuple[str, str]:
    """Whether any pattern is found; all are compiled first, so that a bad one never hides behind a good one."""
    try:
        programs = [work.program(pattern) for pattern in patterns]
    except ValueError:
        return UNKNOWN, _NOT_VALID
    found = NOMATCH
    for program in programs:
        hit = work.search(program, value)
        if hit:
            return MATCH, ""
        if hit is None:
            found = UNKNOWN
    return found, SPENT if found == UNKNOWN else ""


def _order(expression: Expression, value: str) -> tuple[str, str]:
    """The six operators that order; both sides are numbers or, for `type: version`, versions."""
    bounds = [_comparable(expression.type, text) for text in expression.values]
    if len(bounds) != (2 if expression.op in RANGE else 1) or expression.type not in ("", "version"):
        return UNKNOWN, _NOT_VALID
    low, high = bounds[0], bounds[-1]
    version = expression.type == "version"
    if low is None or high is None or (expression.op in RANGE and not version and low >= high):
        return UNKNOWN, _NOT_VALID
    have = versions.parse_host(value) if version else _comparable("", value)
    if have is None:
        return UNKNOWN, f"{quoted(value)} is not {'a version' if version else 'a whole number'}"
    op = expression.op
    held = (
        have > low if op == "Gt"
        else have >= low if op == "Ge"
        else have < low if op == "Lt"
        else have <= low if op == "Le"
        else low < have < high if op == "GtLt"
        else low <= have <= high
    )  # fmt: skip
    return (MATCH if held else NOMATCH), ""


def _comparable(kind: str, text: str) -> tuple[int, ...] | None:
    """A value of an ordering expression as something that orders; None where it is no number or no version."""
    if kind == "version":
        try:
            return versions.parse(text)
        except ValueError:
            return None
    number = versions.integer(text)
    return None if number is None else (number,)


def faults(expression: Expression) -> tuple[str, ...]:
    """Everything that makes an expression invalid on any host; empty where it is valid.

    `type` is looked at only where NFD looks at it, with the six operators that order. The empty operator is valid here
    as in NFD; that a document must write it out, rather than leave `op` away, is for the checker of documents.
    """
    op, values = expression.op, expression.values
    if op and op not in _KNOWN:
        return (f"op is not an operator: required one of {', '.join(OPERATORS)}, found {quoted(op)}",)
    if not op or op in _NO_VALUES:
        what = op or "the empty operator"
        return (f"value must be empty with {what}: required none, found {len(values)}",) if values else ()
    if op in ORDER or op in RANGE:
        return _order_faults(expression)
    if not values:
        return (f"value must not be empty with {op}: required at least 1, found 0",)
    return _regex_faults(values) if op == "InRegexp" else ()


def _regex_faults(patterns: tuple[str, ...]) -> tuple[str, ...]:
    from hostfit.core import regex  # few specs have patterns

    found = []
    for pattern in patterns:
        try:
            regex.compile(pattern)
        except regex.RegexError as error:
            found.append(f"value {quoted(pattern)} is not a usable pattern at offset {error.offset}: {error.message}")
    return tuple(found)


def _order_faults(expression: Expression) -> tuple[str, ...]:
    op, values = expression.op, expression.values
    found = []
    if expression.type not in ("", "version"):
        found.append(f'type must be "version" or absent with {op}: found {quoted(expression.type)}')
    needed = 2 if op in RANGE else 1
    if len(values) != needed:
        found.append(f"value must have exactly {needed} with {op}: found {len(values)}")
    if found:
        return tuple(found)
    what = "a version of one to three numbers" if expression.type else "a whole number"
    bounds = [_comparable(expression.type, text) for text in values]
    found = [
        f"value must be {what}: found {quoted(text)}"
        for text, bound in zip(values, bounds, strict=True)
        if bound is None
    ]
    low, high = bounds[0], bounds[-1]
    if op in RANGE and low is not None and high is not None:
        equal = op == "GeLe" and expression.type == "version"
        if low > high or (low == high and not equal):
            found.append(f"value must rise: found {quoted(values[0])} before {quoted(values[1])}")
    return tuple(found)


def _listed(values: tuple[str, ...]) -> str:
    shown = ", ".join([value or '""' for value in values[:_SHOWN]])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN} more"


def required(expression: Expression) -> str:
    """What the expression asks for, as short text for people; not escaped."""
    op, values = expression.op, expression.values
    if op == "In":
        return ("" if len(values) == 1 else "one of ") + _listed(values)
    if op == "NotIn":
        return ("not " if len(values) == 1 else "none of ") + _listed(values)
    if op == "InRegexp":
        return ("matching " if len(values) == 1 else "matching one of ") + _listed(values)
    kind = " (version)" if expression.type == "version" else ""
    if op in ORDER:
        return f"{_SIGNS[op]} {_listed(values)}{kind}"
    if op in RANGE:
        low, high = (">", "<") if op == "GtLt" else (">=", "<=")
        return f"{low} {_listed(values[:1])} and {high} {_listed(values[1:])}{kind}"
    words = {"Exists": "present", "DoesNotExist": "absent", "IsTrue": "true", "IsFalse": "false", "": "anything"}
    return words.get(op, op)
