"""Builds the man pages: fills the tables of the code into the pages and hands them to go-md2man.

build.py DIRECTORY      writes the pages there; needs go-md2man (Debian: go-md2man)
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "src"))


def table(headers, rows):
    """Give a Markdown table; a bar inside a cell is escaped."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "---|" * len(headers)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def commands():
    """List the commands as the parser knows them."""
    from hostfit.cli.main import COMMANDS

    return table(("command", "purpose"), sorted(COMMANDS.items()))


def plain(text):
    """Escape what Markdown would take for its own."""
    return "".join(["\\" + char if char in "\\`*_<>|[]" else char for char in text])


def differences():
    """List where hostfit differs from NFD on purpose."""
    from hostfit.core.differences import DIFFERENCES as OF_RULES
    from hostfit.facts.differences import DIFFERENCES as OF_FACTS

    rows = [*OF_RULES, *OF_FACTS]
    return "\n\n".join(
        [f"**NFD**: {plain(one.nfd)}\n**hostfit**: {plain(one.hostfit)} {plain(one.why)}" for one in rows]
    )


def features():
    """List the vocabulary."""
    from hostfit.facts import vocabulary

    return "\n\n".join([
        f"**{plain(info.name)}** ({', '.join(info.kinds)})\n{plain(info.meaning)}; from {plain(info.source)}"
        for info in vocabulary.features()
    ])  # fmt: skip


FILLED = {"@COMMANDS@": commands, "@DIFFERENCES@": differences, "@FEATURES@": features}


def page(source):
    """Give one page's Markdown with its tables filled in."""
    text = source.read_text()
    for mark, fill in FILLED.items():
        if mark in text:
            text = text.replace(mark, fill())
    return text


def main():
    """Write every page into the directory named."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted(HERE.glob("*.md")):
        done = subprocess.run(["go-md2man"], input=page(source), capture_output=True, text=True, check=True)
        (target / source.stem).write_text(done.stdout)


if __name__ == "__main__":
    main()
