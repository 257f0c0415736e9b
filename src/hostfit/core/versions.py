"""Numbers and versions as rules compare them: exactly as NFD reads them in specs, tolerantly as hosts write them.

Source: Go's `strconv.Atoi` for numbers; for versions Masterminds semver v3 `NewVersion` in its loose form, of which
NFD's `extractVersion` (`pkg/apis/nfd/nodefeaturerule/expression.go`) keeps the three numbers only.
"""

from __future__ import annotations

_INT64 = 1 << 63
_UINT64 = 1 << 64
_LONGEST = 256
"""Bytes of the longest version text that Masterminds semver reads."""
_IDENTIFIER = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-")
_DIGITS = frozenset("0123456789")


def integer(text: str) -> int | None:
    """Read a base-10 integer of 64 bits with an optional sign; None where `text` is anything else."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits or not _DIGITS.issuperset(digits):
        return None
    digits = digits.lstrip("0") or "0"
    if len(digits) > 19:
        return None
    number = -int(digits) if text[0] == "-" else int(digits)
    return number if -_INT64 <= number < _INT64 else None


def _numbers(text: str) -> tuple[list[int], str] | None:
    """Split up to three leading numeric components, after an optional `v`, from the rest of `text`."""
    rest = text[1:] if text[:1] == "v" else text
    found: list[int] = []
    while len(found) < 3:
        end = 0
        while end < len(rest) and rest[end] in _DIGITS:
            end += 1
        if end == 0 or end > _LONGEST:
            return None
        number = int(rest[:end])
        if number >= _UINT64:
            return None
        found.append(number)
        rest = rest[end:]
        if rest[:1] != "." or rest[1:2] not in _DIGITS:
            break
        if len(found) < 3:
            rest = rest[1:]
    return found, rest


def _identifiers(text: str, *, zeros: bool) -> bool:
    """Whether `text` is identifiers joined by dots; numeric ones may start with a zero only if `zeros`."""
    for part in text.split("."):
        if not part or not _IDENTIFIER.issuperset(part):
            return False
        if not zeros and len(part) > 1 and part[0] == "0" and _DIGITS.issuperset(part):
            return False
    return True


def _three(numbers: list[int]) -> tuple[int, int, int]:
    padded = [*numbers, 0, 0]
    return padded[0], padded[1], padded[2]


def parse(text: str) -> tuple[int, int, int]:
    """Read a version as NFD reads it: one to three numbers, pre-release and build metadata checked and dropped.

    Raises ValueError where NFD would answer with an error.
    """
    split = _numbers(text) if len(text.encode("utf-8", "surrogatepass")) <= _LONGEST else None
    if split is None:
        raise ValueError("not a version")
    numbers, rest = split
    rest, plus, metadata = rest.partition("+")
    if rest and not (rest[0] == "-" and _identifiers(rest[1:], zeros=False)):
        raise ValueError("not a version")
    if plus and not _identifiers(metadata, zeros=True):
        raise ValueError("not a version")
    return _three(numbers)


def parse_host(text: str) -> tuple[int, int, int] | None:
    """Read a version that a host reports; None where it does not start with a number.

    What `parse` reads is read the same. Beyond that, anything may follow the leading numeric components if it starts
    with a letter or one of `-_+~.`, as in `5.14.0-362.el9.x86_64` or `5.15.167.4-microsoft`; only the first three
    components count. An epoch (`1:2.3`) or a list (`1,2`) is no version.
    """
    split = _numbers(text) if len(text) <= _LONGEST else None
    if split is None:
        return None
    numbers, rest = split
    head = rest[:1]
    if head == ".":
        follows = rest[1:2]
        if not (follows.isascii() and follows.isalnum()):
            return None
    elif head and not (head in "-_+~" or (head.isascii() and head.isalpha())):
        return None
    return _three(numbers)
