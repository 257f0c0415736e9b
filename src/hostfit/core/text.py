"""Untrusted text made safe to show: no control, bidi or zero-width character reaches a terminal or log."""

from __future__ import annotations

from hostfit.core import limits

_INVISIBLE = frozenset(
    [0xAD, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070)]
    + [*range(0xFFF9, 0xFFFD), *range(0xE0000, 0xE0080)]
)
"""Soft hyphen, zero-width, bidi controls and isolates (U+202A-E, U+2066-9), separators, tag characters."""


def escape(text: str, limit: int = limits.DIAGNOSTIC_VALUE) -> str:
    r"""Give `text` on one line, with every unsafe character as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.

    A text longer than `limit` characters is cut and ends in `...`. The backslash itself is doubled, so
    the result is unambiguous (security rule R15).
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and "\\" not in text:
        return text
    shown = []
    for char in text[:limit]:
        code = ord(char)
        if char == "\\":
            shown.append("\\\\")
        elif code < 0x20 or 0x7F <= code < 0xA0:
            shown.append(f"\\x{code:02x}")
        elif 0xD800 <= code < 0xE000 or code in _INVISIBLE or not (char.isprintable() or char == " "):
            shown.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
        else:
            shown.append(char)
    if len(text) > limit:
        shown.append("...")
    return "".join(shown)


def quoted(text: str, limit: int = limits.DIAGNOSTIC_VALUE) -> str:
    """Give `text` escaped and in double quotes."""
    return '"' + escape(text, limit).replace('"', '\\"') + '"'
