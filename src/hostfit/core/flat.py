r"""The flat form of a spec, for annotations and labels: clauses on one line, one rule each.

    text         = [ clause ] { ";" [ clause ] } ;
    clause       = subject alternative { "||" alternative } ;
    alternative  = term { term } | attribute { attribute } | "exists" ;
    attribute    = name ( signed { term } | term { term } ) ;
    term         = signed | list | "exists" | "!exists" | "true" | "false" ;
    signed       = ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" ) value ;
    list         = ( "in:" | "!in:" ) value { "," value } ;
    subject      = feature [ "." element ] ;

Words are separated by spaces; nothing stands between a sign and its value. Any part of a word may be in double quotes,
inside which only `\"` and `\\` are escapes; a value with a space, `;` or `"` needs them.

* `subject` with an element: every term is about that element. Without one: attributes follow, all of which must hold
  on one and the same instance (or on the feature's attributes), or `exists`, which asks for at least one instance of a
  feature that has nothing else.
* The feature is the longest name that the vocabulary knows, else what stands before the second dot.
* An order is of numbers or versions as the vocabulary says; for elements that it does not list, a whole
  number is compared as a number and anything else as a version.
* On flags `true` and `false` mean `exists` and `!exists`.
* `~` is InRegexp: not anchored.
"""

from __future__ import annotations

from hostfit.core import limits, suggest
from hostfit.core.checkrule import Matching
from hostfit.core.errors import SpecError
from hostfit.core.flatclause import Clause
from hostfit.core.flatlex import FlatError, clauses
from hostfit.core.flatrender import clause, pieces
from hostfit.core.problem import Problem, summary
from hostfit.core.spec import REQUEST, CompatibilitySet, Matcher, Rule, Spec
from hostfit.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostfit.core.flatlex import Word
    from hostfit.core.vocabulary import Lookup


def parse(text: str, *, level: str, lookup: Lookup, place: str, strict: bool = False) -> Spec:
    """Compile a flat form to a spec of one set, one rule for each clause, named after the clause.

    `level` is REQUIRED or PREFERRED, for all of them. A feature that the vocabulary does not know is no problem
    here, evaluation answers unknown for it; with `strict` (lint) it is one, and so is an unknown element.
    Raises SpecError with one problem for each clause that is wrong.
    """
    problems: list[Problem] = []
    rules: list[Rule] = []
    if len(text) > limits.ANNOTATION or len(text.encode("utf-8", "surrogatepass")) > limits.ANNOTATION:
        problems.append(Problem("", f"at most {limits.ANNOTATION} bytes are allowed, found more"))
        raise SpecError(summary(place, tuple(problems)), tuple(problems))
    try:
        found = clauses(text)
    except FlatError as error:
        found = []
        problems.append(_problem("", error, text))
    if not found and not problems:
        problems.append(Problem("", "at least one clause is required, found none"))
    budget = Matching()
    for number, words in enumerate(found, 1):
        path = f"clause {number}"
        try:
            matcher = _matcher(words, lookup, budget, strict)
            name = _name(matcher, lookup, words[0].offset)
        except FlatError as error:
            problems.append(_problem(path, error, text))
            continue
        for term in matcher.terms():
            term.path = path
        rules.append(Rule(name, matcher, level=level, path=path))
    if problems:
        raise SpecError(summary(place, tuple(problems)), tuple(problems))
    return Spec((CompatibilitySet(tuple(rules)),))


def render(spec: Spec, *, lookup: Lookup | None = None) -> str:
    """Say a spec in the flat form; names of rules are lost.

    With `lookup` every clause is read back and compared, so that the answer means what the spec means.
    Raises SpecError, whose message names what the flat form cannot say.
    """
    said: list[str] = []
    for matcher, path in pieces(spec):
        shown = clause(matcher, lookup)
        if lookup is not None and _reread(shown, lookup) != matcher:
            raise SpecError(f"{path}: the flat form cannot say this with the types of the vocabulary")
        said.append(shown)
    return "; ".join(said)


def _matcher(words: list[Word], lookup: Lookup, budget: Matching, strict: bool) -> Matcher:
    made = Clause(words, lookup)
    matcher = made.matcher
    if strict:
        for message in _strangers(made, lookup):
            raise FlatError(message, words[0].offset)
    for term in matcher.terms():
        for name, expression in (term.expressions or {}).items():
            budget.expressions += 1
            if budget.expressions > limits.EXPRESSIONS:
                raise FlatError(f"at most {limits.EXPRESSIONS} expressions are allowed, found more", words[0].offset)
            for text in (name, *expression.values):
                if len(text.encode("utf-8", "surrogatepass")) > limits.STRING:
                    raise FlatError(f"at most {limits.STRING} bytes of text are allowed, found more", words[0].offset)
            for fault in budget.over_caps(expression):
                raise FlatError(fault, words[0].offset)
    return matcher


def _name(matcher: Matcher, lookup: Lookup, offset: int) -> str:
    """The clause as it renders, which names the rule."""
    name = clause(matcher, lookup)
    if len(name.encode("utf-8", "surrogatepass")) > limits.STRING:
        raise FlatError(f"at most {limits.STRING} bytes are allowed in a clause, found more", offset)
    return name


def _strangers(made: Clause, lookup: Lookup) -> Iterator[str]:
    """What in a clause the vocabulary does not know."""
    if made.info is None:
        near = suggest.by_lookup(made.feature, lookup)
        yield f"feature {quoted(made.feature)} is not known{near and f'; did you mean {quoted(near)}?'}"
        return
    if made.info.name.startswith(REQUEST):
        yield f"feature {quoted(made.feature)} is for the administrator's rules on runtimes alone"
    for term in made.matcher.terms():
        for name in term.expressions or ():
            if not made.info.knows(name):
                near = suggest.closest(name, made.info.elements)
                hint = f"; did you mean {quoted(near)}?" if near else ""
                yield f"element {quoted(name)} of feature {quoted(made.feature)} is not known{hint}"


def _problem(path: str, error: FlatError, source: str) -> Problem:
    return Problem(path, error.message, source=source, column=error.offset + 1)


def _reread(text: str, lookup: Lookup) -> Matcher | None:
    try:
        found = clauses(text)
        return Clause(found[0], lookup).matcher if len(found) == 1 else None
    except FlatError:
        return None
