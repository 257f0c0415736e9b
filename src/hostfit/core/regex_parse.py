"""Patterns of `InRegexp` read into a tree: the part of RE2's syntax that RE2 and Go's `regexp` read alike.

Source: RE2's syntax page (github.com/google/re2/wiki/Syntax), `re2/parse.cc` for the order in which things are
tried, Go's `regexp/syntax`. What they refuse is refused; what they accept and this does not is refused with a message
that says so. Never Python's `re`, whose syntax and running time differ.
"""

from __future__ import annotations

from hostfit.core import limits, regex_sets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.regex_sets import Ranges

SET, ASSERT, CAT, ALT, REPEAT = "set", "assert", "cat", "alt", "repeat"
REPEAT_LIMIT = 1000
"""RE2's bound on a count, and on the product of nested counts."""
NESTING = 100
"""Groups within groups; keeps the recursion over the tree far from Python's own limit."""
_ESCAPES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_OCTAL = frozenset("01234567")
_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdefABCDEF")
_NAME = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
_FLAGS = "imsU"


class RegexError(ValueError):
    """A pattern that cannot be used; `offset` is the character where the trouble starts."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at offset {offset})")
        self.message = message
        self.offset = offset


class Node:
    """One piece of a pattern.

    `ranges` of a SET, `assertion` of an ASSERT (one of `A z ^ $ b B`), `parts` of the others, `low` and `high` of
    a REPEAT (`high` None for no end). `product` is the largest product of nested counts, `size` the number of
    instructions it becomes.
    """

    __slots__ = ("assertion", "high", "kind", "low", "parts", "product", "ranges", "size")

    def __init__(
        self,
        kind: str,
        parts: tuple[Node, ...] = (),
        *,
        ranges: Ranges = (),
        assertion: str = "",
        low: int = 0,
        high: int | None = None,
    ) -> None:
        self.kind = kind
        self.parts = parts
        self.ranges = ranges
        self.assertion = assertion
        self.low = low
        self.high = high
        self.product: int = max([part.product for part in parts], default=1)
        self.size = self._instructions()

    def _instructions(self) -> int:
        """How many instructions this piece becomes."""
        own = sum([part.size for part in self.parts])
        if self.kind == CAT:
            return own
        if self.kind == ALT:
            return own + len(self.parts) - 1
        if self.kind == REPEAT:
            if self.high is None:
                return own * max(self.low, 1) + 1
            return own * self.high + self.high - self.low
        return 1


class _Group:
    """A group being read: the alternatives so far, the current one, and the flags to return to."""

    __slots__ = ("alternatives", "flags", "offset", "parts")

    def __init__(self, flags: frozenset[str], offset: int) -> None:
        self.flags = flags
        self.offset = offset
        self.alternatives: list[Node] = []
        self.parts: list[Node] = []

    def close(self) -> Node:
        """Give the whole group as one node."""
        self.bar()
        return self.alternatives[0] if len(self.alternatives) == 1 else Node(ALT, tuple(self.alternatives))

    def bar(self) -> None:
        """End the current alternative."""
        self.alternatives.append(self.parts[0] if len(self.parts) == 1 else Node(CAT, tuple(self.parts)))
        self.parts = []


class _Parser:
    """The pattern, how far it is read, the flags in force and the open groups."""

    __slots__ = ("at", "flags", "groups", "names", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags: frozenset[str] = frozenset()
        self.groups = [_Group(self.flags, 0)]
        self.names: set[str] = set()

    def fail(self, message: str, offset: int | None = None) -> RegexError:
        return RegexError(message, self.at if offset is None else offset)

    def sees(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def push(self, node: Node) -> None:
        self.groups[-1].parts.append(node)

    def push_set(self, ranges: Ranges) -> None:
        self.push(Node(SET, ranges=ranges))

    def push_assertion(self, assertion: str) -> None:
        self.push(Node(ASSERT, assertion=assertion))

    # The main loop follows re2/parse.cc: two repetition operators in a row are refused, also with a lazy mark.

    def parse(self) -> Node:
        """Read everything."""
        last = -1
        while self.at < len(self.pattern):
            start, unary = self.at, -1
            char = self.pattern[start]
            if char in "*+?":
                self.at += 1
                self.repeat({"*": 0, "+": 1, "?": 0}[char], 1 if char == "?" else None, start, last)
                unary = start
            elif char == "{" and (counts := self.counts()) is not None:
                self.repeat(counts[0], counts[1], start, last, counted=True)
                unary = start
            else:
                self.other(char)
            last = unary
        if len(self.groups) > 1:
            raise self.fail("missing closing )", self.groups[-1].offset)
        return self.groups[0].close()

    def other(self, char: str) -> None:
        """Read whatever is no repetition operator."""
        if char == "\\":
            self.escape()
        elif char == "[":
            self.char_class()
        elif char == "(":
            self.open()
        elif char == ")":
            if len(self.groups) == 1:
                raise self.fail("unexpected )")
            group = self.groups.pop()
            self.flags = group.flags
            self.push(group.close())
            self.at += 1
        elif char == "|":
            self.groups[-1].bar()
            self.at += 1
        else:
            self.at += 1
            if char == "^":
                self.push_assertion("^" if "m" in self.flags else "A")
            elif char == "$":
                self.push_assertion("$" if "m" in self.flags else "z")
            elif char == ".":
                self.push_set(regex_sets.ANY if "s" in self.flags else regex_sets.NOT_NEWLINE)
            else:
                self.literal(ord(char), self.at - 1)

    def literal(self, code: int, offset: int) -> None:
        self.push_set(self.folded(((code, code),), offset))

    def folded(self, ranges: Ranges, offset: int) -> Ranges:
        """Apply (?i) to explicit characters; RE2 folds all of Unicode, here there is no table for that."""
        if "i" not in self.flags:
            return ranges
        if ranges[-1][1] > 0x7F:
            raise self.fail("(?i) beyond ASCII is valid RE2 but not supported", offset)
        return regex_sets.fold(ranges)

    def repeat(self, low: int, high: int | None, start: int, last: int, *, counted: bool = False) -> None:
        """Repeat what was read last; a lazy mark changes which match is found, never whether there is one."""
        if self.sees("?"):
            self.at += 1
        if last >= 0:
            raise self.fail(f"invalid nested repetition operator {self.pattern[last : self.at]}", last)
        if counted and (low > REPEAT_LIMIT or (high is not None and (high > REPEAT_LIMIT or high < low))):
            raise self.fail(f"invalid repeat count {self.pattern[start : self.at]}", start)
        parts = self.groups[-1].parts
        if not parts:
            raise self.fail(f"missing argument to repetition operator {self.pattern[start : self.at]}", start)
        node = Node(REPEAT, (parts[-1],), low=low, high=high)
        if counted:
            node.product *= max(low if high is None else high, 1)
            if node.product > REPEAT_LIMIT and (low >= 2 or (high or 0) >= 2):
                raise self.fail(f"invalid repeat count {self.pattern[start : self.at]}: nested too often", start)
        parts[-1] = node

    def counts(self) -> tuple[int, int | None] | None:
        """Read `{n}`, `{n,}` or `{n,m}`; anything else that starts with a brace is literal text."""
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at + 1 : max(end, 0)].partition(",")
        numbers = []
        for text in (low, high) if high else (low,):
            if not text or not _DIGITS.issuperset(text) or (len(text) > 1 and text[0] == "0"):
                return None
            # Go refuses what is too large here, RE2 takes ten digits and more as literal text.
            numbers.append(int(text) if len(text) < 9 else REPEAT_LIMIT + 1)
        self.at = end + 1
        return numbers[0], None if comma and not high else numbers[-1]

    def open(self) -> None:
        """Read the start of a group, or flags that hold to the end of the current one."""
        start, before = self.at, self.flags
        self.at += 1
        if self.sees("?P<") or self.sees("?<"):
            self.name(start)
        elif self.sees("?") and not self.read_flags(start):
            return
        if len(self.groups) > NESTING:
            raise self.fail(f"groups nested deeper than {NESTING} are valid RE2 but not supported", start)
        self.groups.append(_Group(before, start))

    def name(self, start: int) -> None:
        """Read `?P<name>` or `?<name>`; names must differ."""
        begin = self.pattern.index("<", self.at) + 1
        end = self.pattern.find(">", begin)
        name = self.pattern[begin : max(end, begin)]
        if not name or not _NAME.issuperset(name):
            raise self.fail("invalid group name, or one beyond ASCII, which RE2 takes but hostfit does not", start)
        if name in self.names:
            raise self.fail(f"group name {name} is used twice, which RE2 takes but Go's regexp does not", start)
        self.names.add(name)
        self.at = end + 1

    def read_flags(self, start: int) -> bool:
        """Read `?flags)` or `?flags:`; True where a group starts."""
        flags, negated, any_flag = set(self.flags), False, True
        self.at += 1
        while self.at < len(self.pattern):
            char = self.pattern[self.at]
            self.at += 1
            if char in _FLAGS:
                any_flag = True
                (flags.discard if negated else flags.add)(char)
            elif char == "-" and not negated:
                negated, any_flag = True, False
            elif char in ":)" and any_flag:
                self.flags = frozenset(flags)
                return char == ":"
            else:
                break
        raise self.fail(f"invalid or unsupported group syntax {self.pattern[start : self.at]}", start)

    def escape(self) -> None:
        """Read what starts with a backslash outside a class."""
        start = self.at
        char = self.pattern[start + 1 : start + 2]
        if char in ("b", "B", "A", "z"):
            self.at += 2
            self.push_assertion(char)
        elif char == "Q":
            end = self.pattern.find("\\E", start + 2)
            stop = len(self.pattern) if end < 0 else end
            for offset in range(start + 2, stop):
                self.literal(ord(self.pattern[offset]), offset)
            self.at = stop if end < 0 else end + 2
        elif char == "C":
            raise self.fail("\\C is valid RE2 but not supported")
        elif (ranges := self.perl_class()) is not None:
            self.push_set(ranges)
        else:
            self.literal(self.escaped(), start)

    def perl_class(self) -> Ranges | None:
        r"""Read \d, \s, \w or their negations, folded first as RE2 does; None where there is something else."""
        char = self.pattern[self.at + 1 : self.at + 2]
        if char in ("p", "P"):
            raise self.fail("Unicode classes (\\p) are valid RE2 but not supported")
        ranges = regex_sets.PERL.get(char.lower())
        if ranges is None:
            return None
        self.at += 2
        return self.named(ranges, negated=char.isupper())

    def named(self, ranges: Ranges, *, negated: bool) -> Ranges:
        """A class that has a name: folded where asked for, then negated where asked for."""
        if "i" in self.flags:
            ranges = regex_sets.fold(ranges)
        return regex_sets.negate(ranges) if negated else ranges

    def escaped(self) -> int:
        """Read one escaped character and give its code point."""
        start = self.at
        char = self.pattern[start + 1 : start + 2]
        self.at += 2
        if char in _ESCAPES:
            return _ESCAPES[char]
        if char == "x":
            return self.hexadecimal(start)
        if char in _OCTAL and (char == "0" or self.pattern[self.at : self.at + 1] in _OCTAL) and char:
            end = self.at
            while end < start + 4 and self.pattern[end : end + 1] in _OCTAL and end < len(self.pattern):
                end += 1
            self.at = end
            return int(self.pattern[start + 1 : end], 8)
        if char.isascii() and char and (char == "_" or char not in _NAME):
            return ord(char)
        raise self.fail(f"invalid escape sequence \\{char}" if char else "trailing backslash", start)

    def hexadecimal(self, start: int) -> int:
        r"""Read the rest of \xFF or \x{10FFFF}."""
        if self.sees("{"):
            end = self.pattern.find("}", self.at)
            digits, after = self.pattern[self.at + 1 : max(end, 0)], end + 1
        else:
            digits, after = self.pattern[self.at : self.at + 2], self.at + 2
            digits = digits if len(digits) == 2 else ""
        code = int(digits, 16) if digits and _HEX.issuperset(digits) else regex_sets.LAST + 1
        if code > regex_sets.LAST:
            raise self.fail("invalid escape sequence \\x", start)
        self.at = after
        return code

    def char_class(self) -> None:
        """Read `[...]`; a closing bracket that comes first stands for itself."""
        start = self.at
        self.at += 1
        negated = self.sees("^")
        self.at += negated
        found: list[tuple[int, int]] = []
        first = True
        while first or not self.sees("]"):
            if self.at >= len(self.pattern):
                raise self.fail("missing closing ]", start)
            first = False
            ranges = self.posix_class() if self.sees("[:") else self.perl_class() if self.sees("\\") else None
            found.extend(self.class_range() if ranges is None else ranges)
        self.at += 1
        self.push_set(regex_sets.negate(found) if negated else regex_sets.union(found))

    def posix_class(self) -> Ranges | None:
        """Read `[:name:]` or `[:^name:]`; None where no `:]` follows, the bracket is then literal."""
        end = self.pattern.find(":]", self.at + 2)
        if end < 0:
            return None
        name = self.pattern[self.at + 2 : end]
        ranges = regex_sets.POSIX.get(name.removeprefix("^"))
        if ranges is None:
            raise self.fail(f"invalid character class [:{name}:]")
        self.at = end + 2
        return self.named(ranges, negated=name.startswith("^"))

    def class_range(self) -> Ranges:
        """Read one character or a range of them."""
        start = self.at
        low = high = self.class_char()
        if self.sees("-") and self.pattern[self.at + 1 : self.at + 2] not in ("", "]"):
            self.at += 1
            high = self.class_char()
            if high < low:
                raise self.fail(f"invalid character range {self.pattern[start : self.at]}", start)
        return self.folded(((low, high),), start)

    def class_char(self) -> int:
        if self.sees("\\"):
            return self.escaped()
        if self.at >= len(self.pattern):
            raise self.fail("missing closing ]")
        self.at += 1
        return ord(self.pattern[self.at - 1])


def parse(pattern: str) -> Node:
    """Read a pattern. Raises RegexError."""
    if len(pattern.encode("utf-8", "surrogatepass")) > limits.REGEX:
        raise RegexError(f"a pattern has at most {limits.REGEX} bytes", 0)
    for offset, char in enumerate(pattern):
        if 0xD800 <= ord(char) < 0xE000:
            raise RegexError("not valid Unicode text", offset)
    return _Parser(pattern).parse()
