"""Words of the flat form: splits a text into clauses and words and keeps where each character came from."""

from __future__ import annotations

from hostfit.core import limits

SEPARATOR, ALTERNATIVE, QUOTE = ";", "||", '"'
_SPACE = " \t\r\n"
_ENDS = _SPACE + SEPARATOR + QUOTE
_INSIDE = QUOTE + "\\"
_WORDS = 4 * limits.EXPRESSIONS
"""Words of a text: subjects, attributes, terms and `||`."""
KEYWORDS = ("exists", "!exists", "true", "false")
LISTS = ("in:", "!in:")
SIGNS = ("!=", "<=", ">=", "=", "<", ">", "~")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/:")


class FlatError(ValueError):
    """Something is wrong at one place of a flat form; `offset` counts characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Word:
    """One word: `text` without quotes, and `shape`, the same with every quoted character as NUL.

    `offsets` holds the place of each character in the source and that of the end. `opened` are the indexes at which
    quotes begin in the whole word, of which this is the piece from index `start` on.
    """

    __slots__ = ("offsets", "opened", "shape", "start", "text")

    def __init__(self, text: str, shape: str, offsets: list[int], opened: set[int], start: int = 0) -> None:
        self.text = text
        self.shape = shape
        self.offsets = offsets
        self.opened = opened
        self.start = start

    @property
    def offset(self) -> int:
        """Where the word begins."""
        return self.offsets[0]

    @property
    def missing(self) -> bool:
        """Whether there is nothing, not even a pair of quotes."""
        return not self.text and self.start not in self.opened

    @property
    def is_term(self) -> bool:
        """Whether it is a term rather than a name."""
        return self.shape in KEYWORDS or self.shape.startswith((*LISTS, *SIGNS))

    def split(self) -> tuple[Word, Word] | None:
        """Split `name=value` before its sign; None for a word that has no sign or begins with it."""
        for at in range(1, len(self.shape)):
            if self.shape.startswith(SIGNS, at):
                return self.part(0, at), self.part(at, len(self.text))
        return None

    def part(self, start: int, end: int) -> Word:
        """A piece of the word."""
        offsets = self.offsets[start : end + 1]
        return Word(self.text[start:end], self.shape[start:end], offsets, self.opened, self.start + start)

    def items(self) -> list[Word]:
        """The pieces between commas that are not quoted."""
        pieces, start = [], 0
        for at, char in enumerate(self.shape):
            if char == ",":
                pieces.append(self.part(start, at))
                start = at + 1
        return [*pieces, self.part(start, len(self.text))]


def clauses(source: str) -> list[list[Word]]:
    """Split into clauses of words; empty clauses are left out.

    Raises FlatError for a quote that is not closed, and for more clauses or words than a spec can have.
    """
    found: list[list[Word]] = []
    words: list[Word] = []
    count = at = 0
    while at < len(source):
        if source[at] in _SPACE:
            at += 1
            continue
        if source[at] == SEPARATOR:
            words = []
            at += 1
            continue
        if not words:
            found.append(words)
        word, end = _word(source, at)
        words.append(word)
        count += 1
        if len(found) > limits.RULES_PER_SET:
            raise FlatError(f"at most {limits.RULES_PER_SET} clauses are allowed, found more", at)
        if count > _WORDS:
            raise FlatError(f"at most {_WORDS} words are allowed, found more", at)
        at = end
    return found


def _word(source: str, at: int) -> tuple[Word, int]:
    text: list[str] = []
    shape: list[str] = []
    offsets: list[int] = []
    opened: set[int] = set()
    quoted = -1
    while at < len(source):
        char = source[at]
        if char == QUOTE:
            if quoted < 0:
                quoted = at
                opened.add(len(offsets))
            else:
                quoted = -1
            at += 1
            continue
        if quoted < 0 and char in _ENDS:
            break
        escaped = quoted >= 0 and char == "\\" and source[at + 1 : at + 2] in ("\\", QUOTE)
        end = at + 1 + escaped
        while not escaped and end < len(source) and source[end] not in (_ENDS if quoted < 0 else _INSIDE):
            end += 1
        piece = source[at + escaped : end]
        text.append(piece)
        shape.append(piece if quoted < 0 else "\0" * len(piece))
        offsets.extend(range(at + escaped, end))
        at = end
    if quoted >= 0:
        raise FlatError("a quote is opened here and not closed", quoted)
    offsets.append(at)
    return Word("".join(text), "".join(shape), offsets, opened), at


def value(text: str, *, item: bool = False) -> str:
    """Write a value, in quotes where it needs them; an item of a list needs them for a comma too."""
    special = _SPACE + SEPARATOR + QUOTE + ("," if item else "")
    if text and text[0] not in "=<>~" and not [char for char in text if char in special]:
        return text
    return _quote(text)


def name(text: str) -> str:
    """Write a feature, element or attribute, in quotes where it could be taken for something else."""
    if text and _NAME.issuperset(text) and text not in KEYWORDS and not text.startswith(LISTS):
        return text
    return _quote(text)


def _quote(text: str) -> str:
    return QUOTE + text.replace("\\", "\\\\").replace(QUOTE, "\\" + QUOTE) + QUOTE
