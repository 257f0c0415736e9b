"""Builds the man pages: fills what the code knows into the pages and hands them to go-md2man.

build.py DIRECTORY      writes the pages there; needs go-md2man (Debian: go-md2man)
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "src"))


def plain(text):
    """Escape what Markdown would take for its own."""
    return "".join(["\\" + char if char in "\\`*_<>|[]" else char for char in text])


def definitions(rows):
    """Give a list of terms, which are Markdown already, each with its plain meaning."""
    return "\n\n".join([f"{term}\n: {plain(meaning)}" for term, meaning in rows])


def option(action):
    """Name an option, or an argument by its place, as the synopsis does."""
    if not action.option_strings:
        return f"*{plain(action.metavar)}*"
    names = ", ".join([f"**{plain(name)}**" for name in action.option_strings])
    if action.nargs == 0:
        return names
    return f"{names} {plain('|'.join(action.choices)) if action.choices else '*' + plain(action.metavar) + '*'}"


def options(parser):
    """List the options and arguments of a command in the order of its help."""
    left_out = (argparse._HelpAction, argparse._SubParsersAction)  # noqa: SLF001 - argparse has no other names for them
    shown = [one for one in parser._actions if not isinstance(one, left_out)]  # noqa: SLF001 - nor another list
    return definitions([(option(one), one.help) for one in shown])


def commands():
    """Describe every command as the parser knows it."""
    from hostfit.cli.main import COMMANDS, parser

    top = parser(every=True)
    known = next(one for one in top._actions if one.dest == "command").choices  # noqa: SLF001 - see options()
    sections = [f"{options(top)}"]
    for name, summary in COMMANDS.items():
        usage = plain(" ".join(known[name].format_usage().removeprefix("usage: ").split()))
        sections.append(f"### hostfit {name}\n\n{plain(summary[0].upper() + summary[1:])}.\n\n{usage}")
        sections.append(options(known[name]))
    return "\n\n".join(sections)


def differences():
    """List where hostfit differs from NFD on purpose."""
    from hostfit.core.differences import DIFFERENCES as OF_RULES
    from hostfit.facts.differences import DIFFERENCES as OF_FACTS

    return "\n\n".join([
        f"NFD: {plain(one.nfd)}\n: **hostfit**: {plain(one.hostfit)} {plain(one.why)}" for one in (*OF_RULES, *OF_FACTS)
    ])  # fmt: skip


def features():
    """List the vocabulary."""
    from hostfit.facts import vocabulary

    return definitions([
        (f"**{plain(info.name)}** ({', '.join(info.kinds)})", f"{info.meaning}; from {info.source}")
        for info in vocabulary.features()
    ])  # fmt: skip


FILLED = {"@COMMANDS@": commands, "@DIFFERENCES@": differences, "@FEATURES@": features}


def page(source):
    """Give one page's Markdown with its lists filled in, and the version in its foot."""
    from hostfit.version import VERSION

    text = source.read_text().replace('"hostfit"', f'"hostfit {VERSION}"', 1)
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
        head, title, rest = done.stdout.partition("\n.TH ")
        line, _, body = rest.partition("\n")
        # The macros of .TH hyphenate and justify again; names and paths are to be found by searching.
        (target / source.stem).write_text(f"{head}{title}{line}\n.nh\n.ad l\n{body}")


if __name__ == "__main__":
    main()
