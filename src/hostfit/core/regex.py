"""Patterns of `InRegexp` matched in linear time: an automaton without backtracking, built as the text asks for it.

The tree of `regex_parse.py` becomes a program of few instructions (Thompson's construction); sets of its positions
are the states of a deterministic automaton, kept while there is room. Only whether there is a match is asked, so
greedy and lazy are one, and groups capture nothing.
"""

from __future__ import annotations

from hostfit.core import regex_sets
from hostfit.core.regex_parse import ALT, ASSERT, CAT, SET, Node, RegexError, parse

__all__ = ["OutOfStepsError", "Program", "RegexError", "compile", "search"]

SIZE = 4096
"""Instructions of one program. RE2 allows more; a pattern that needs more is refused and told so."""
_CELLS = 1 << 15
"""Transitions kept; when they are full all are dropped, so memory is bounded and time stays linear."""
_CHARACTERS_A_STEP = 8
"""Characters that known states take in the time in which one instruction is visited."""
_MATCH, _SPLIT = -1, -2
_START, _AFTER_NEWLINE, _AFTER_WORD, _AFTER_OTHER = range(4)
_REPLACEMENT = 0xFFFD
"""What stands for bytes that are no UTF-8, as in Go; Python holds them as lone surrogates."""


class OutOfStepsError(Exception):
    """A search was given a limit of steps and needs more."""


class _State(list["_State | None"]):
    """One state of the automaton: the next state for each class of characters, None where not known yet.

    `positions` are instructions to start from, `before` says what the last character was; `ends` is whether a text
    that ends here matches, None where not known yet.
    """

    __slots__ = ("before", "ends", "positions")

    def __init__(self, positions: frozenset[int], before: int, classes: int) -> None:
        super().__init__([None] * classes)
        self.positions = positions
        self.before = before
        self.ends: bool | None = None


_FOUND = _State(frozenset(), _START, 0)
"""The state in which a match is certain."""


class Program:
    """A compiled pattern.

    `code` holds one instruction a row: (_SPLIT, next, next), (_MATCH, 0, 0), (set number, next, 0) or
    (assertion, next, 0). Characters that no set tells apart are one class; `members[set]` tells whether a class is in
    the set. `steps` counts the work done so far, in visits of instructions.
    """

    __slots__ = (
        "_bounds", "_classes", "_first", "_kinds", "_known", "_room", "code", "entry", "members", "pattern", "steps",
    )  # fmt: skip

    def __init__(self, pattern: str) -> None:
        tree = parse(pattern)
        size = tree.size + 1
        if size > SIZE:
            raise RegexError(f"valid RE2 but not supported: it needs {size} instructions, at most {SIZE}", 0)
        self.pattern = pattern
        self.steps = 0
        self.code: list[tuple[int | str, int, int]] = [(_MATCH, 0, 0)]
        sets: dict[regex_sets.Ranges, int] = {}
        self.entry = self._emit(tree, 0, sets)
        edges = {0, regex_sets.NEWLINE, regex_sets.NEWLINE + 1}
        for ranges in (*sets, regex_sets.WORD):
            for low, high in ranges:
                edges.update((low, high + 1))
        self._bounds = sorted(edge for edge in edges if edge <= regex_sets.LAST)
        self.members = [self._members(ranges) for ranges in sets]
        word = self._members(regex_sets.WORD)
        newline = self._class_of(regex_sets.NEWLINE)
        self._kinds = [
            _AFTER_NEWLINE if one == newline else _AFTER_WORD if word[one] else _AFTER_OTHER
            for one in range(len(self._bounds))
        ]
        if not any([isinstance(row[0], str) for row in self.code]):
            self._kinds = [_START] * len(self._bounds)
        self._room = max(_CELLS // len(self._bounds), 1)
        self._classes: dict[str, int] = {}
        self._known: dict[tuple[frozenset[int], int], _State] = {}
        self._first = self._state(frozenset(), _START)

    def _emit(self, node: Node, after: int, sets: dict[regex_sets.Ranges, int]) -> int:
        """Append the instructions of a node that go on at `after`; give where they start."""
        if node.kind == SET:
            return self._add(sets.setdefault(node.ranges, len(sets)), after)
        if node.kind == ASSERT:
            return self._add(node.assertion, after)
        if node.kind == CAT:
            for part in reversed(node.parts):
                after = self._emit(part, after, sets)
            return after
        if node.kind == ALT:
            entry = self._emit(node.parts[-1], after, sets)
            for part in reversed(node.parts[:-1]):
                entry = self._add(_SPLIT, self._emit(part, after, sets), entry)
            return entry
        part, entry, copies = node.parts[0], after, node.low
        if node.high is None:
            loop = self._add(_SPLIT, after, after)
            body = self._emit(part, loop, sets)
            self.code[loop] = (_SPLIT, body, after)
            entry, copies = (body, node.low - 1) if node.low else (loop, 0)
        for _ in range((node.high or node.low) - node.low):
            entry = self._add(_SPLIT, self._emit(part, entry, sets), after)
        for _ in range(copies):
            entry = self._emit(part, entry, sets)
        return entry

    def _add(self, what: int | str, first: int, second: int = 0) -> int:
        self.code.append((what, first, second))
        return len(self.code) - 1

    def _class_of(self, code: int) -> int:
        low, high = 0, len(self._bounds)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._bounds[middle] <= code else (low, middle)
        return low

    def _members(self, ranges: regex_sets.Ranges) -> bytearray:
        members = bytearray(len(self._bounds))
        for low, high in ranges:
            first = self._class_of(low)
            last = self._class_of(high)
            members[first : last + 1] = b"\1" * (last + 1 - first)
        return members

    def _state(self, positions: frozenset[int], before: int) -> _State:
        key = (positions, before)
        state = self._known.get(key)
        if state is None:
            if len(self._known) >= self._room:
                self._known.clear()
            state = self._known[key] = _State(positions, before, len(self._bounds))
        return state

    def _holds(self, assertion: str, before: int, after: int) -> bool:
        """Whether an assertion holds between the last character and the next, `_START` standing for no next."""
        if assertion == "A":
            return before == _START
        if assertion == "z":
            return after == _START
        if assertion == "^":
            return before in (_START, _AFTER_NEWLINE)
        if assertion == "$":
            return after in (_START, _AFTER_NEWLINE)
        return ((before == _AFTER_WORD) != (after == _AFTER_WORD)) == (assertion == "b")

    def _consuming(self, state: _State, after: int) -> list[int] | None:
        """The instructions that can take the next character, of kind `after`; None where a match is reached."""
        pending = [self.entry, *state.positions]
        seen = set(pending)
        found = []
        while pending:
            at = pending.pop()
            what, first, second = self.code[at]
            if what == _MATCH:
                self.steps += len(seen)
                return None
            targets: tuple[int, ...] = ()
            if what == _SPLIT:
                targets = (first, second)
            elif isinstance(what, str):
                targets = (first,) if self._holds(what, state.before, after) else ()
            else:
                found.append(at)
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
        self.steps += len(seen)
        return found

    def step(self, state: _State, one: int) -> _State:
        """Find, and remember, the state after a character of class `one`."""
        kind = self._kinds[one]
        found = self._consuming(state, kind)
        if found is None:
            state[one] = _FOUND
            return _FOUND
        targets = [self.code[at][1] for at in found if self.members[self.code[at][0]][one]]  # type: ignore[index]  # sets only
        following = state[one] = self._state(frozenset(targets), kind)
        return following

    def ends(self, state: _State) -> bool:
        """Whether a text that ends in `state` matches."""
        if state.ends is None:
            state.ends = self._consuming(state, _START) is None
        return state.ends

    def class_of(self, char: str) -> int:
        """The class of a character, remembered."""
        code = ord(char)
        one = self._class_of(_REPLACEMENT if 0xD800 <= code < 0xE000 else code)
        if len(self._classes) < _CELLS:
            self._classes[char] = one
        return one

    def search(self, text: str, limit: int | None) -> bool:
        """See `search` of the module."""
        stop = None if limit is None else self.steps + limit
        self.steps += 1 + len(text) // _CHARACTERS_A_STEP
        classes, state = self._classes, self._first
        for char in text:
            one = classes.get(char)
            if one is None:
                one = self.class_of(char)
            following = state[one]
            if following is None:
                if stop is not None and self.steps > stop:
                    raise OutOfStepsError
                following = self.step(state, one)
            if following is _FOUND:
                return True
            state = following
        return self.ends(state)


def compile(pattern: str) -> Program:  # noqa: A001 - what this does has this name everywhere
    """Compile a pattern. Raises RegexError where it is not in the subset."""
    return Program(pattern)


def search(program: Program, text: str, *, limit: int | None = None) -> bool:
    """Whether the pattern matches anywhere in `text`, as RE2 would answer.

    Time is linear in the text. With `limit`, raises OutOfStepsError once about that many steps were taken.
    """
    return program.search(text, limit)
