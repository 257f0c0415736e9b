"""Words of the flat form: splits a text into clauses and words and keeps where each character came from."""

from __future__ import annotations

SEPARATOR, ALTERNATIVE, QUOTE = ";", "||", '"'
_SPACE = " \t\r\n"
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

    `offsets` holds the place of each character in the source and that of the end; `opened` the indexes at which
    quotes begin, so that a quoted empty text can be told from none.
    """

    __slots__ = ("offsets", "opened", "shape", "text")

    def __init__(self, text: str, shape: str, offsets: list[int], opened: set[int]) -> None:
        self.text = text
        self.shape = shape
        self.offsets = offsets
        self.opened = opened

    @property
    def offset(self) -> int:
        """Where the word begins."""
        return self.offsets[0]

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
        opened = {at - start for at in self.opened if start <= at <= end}
        return Word(self.text[start:end], self.shape[start:end], self.offsets[start : end + 1], opened)

    def items(self) -> list[Word]:
        """The pieces between commas that are not quoted."""
        pieces, start = [], 0
        for at, char in enumerate(self.shape):
            if char == ",":
                pieces.append(self.part(start, at))
                start = at + 1
        return [*pieces, self.part(start, len(self.text))]


def clauses(source: str) -> list[list[Word]]:
    """Split into clauses of words; empty clauses are left out. Raises FlatError for a quote that is not closed."""
    found: list[list[Word]] = [[]]
    at = 0
    while at < len(source):
        if source[at] in _SPACE:
            at += 1
        elif source[at] == SEPARATOR:
            found.append([])
            at += 1
        else:
            word, at = _word(source, at)
            found[-1].append(word)
    return [words for words in found if words]


def _word(source: str, at: int) -> tuple[Word, int]:
    text: list[str] = []
    shape: list[str] = []
    offsets: list[int] = []
    opened: set[int] = set()
    start = at
    quoted = -1
    while at < len(source):
        char = source[at]
        if char == QUOTE:
            if quoted < 0:
                quoted = at
                opened.add(len(text))
            else:
                quoted = -1
            at += 1
            continue
        if quoted < 0 and (char in _SPACE or char == SEPARATOR):
            break
        if quoted >= 0 and char == "\\" and source[at + 1 : at + 2] in ("\\", QUOTE):
            at += 1
            char = source[at]
        text.append(char)
        shape.append(char if quoted < 0 else "\0")
        offsets.append(at)
        at += 1
    if quoted >= 0:
        raise FlatError("a quote is opened here and not closed", quoted)
    offsets.append(at if offsets else start)
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
