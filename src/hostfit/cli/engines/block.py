"""A marked block in a text file that is not ours: for templates, which no parser of TOML can read."""

from __future__ import annotations

BEGIN = "# begin hostfit, written by `hostfit setup`\n"
END = "# end hostfit\n"


def with_block(text: str, block: str) -> str:
    """Give the text with the block at its end, in the place of an older one."""
    text = without_block(text)
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{end}\n{BEGIN}{block}{END}"


def without_block(text: str) -> str:
    """Give the text without the block and the empty line before it."""
    start = text.find(BEGIN)
    end = text.find(END, start)
    if start < 0 or end < 0:
        return text
    before = text[:start]
    return (before[:-1] if before.endswith("\n\n") or before == "\n" else before) + text[end + len(END) :]
