"""Builds the man pages: fills what the code knows into the pages and hands them to go-md2man.

build.py DIRECTORY      writes the pages there; needs go-md2man (Debian: go-md2man)
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "src")]

import tables  # noqa: E402 - it lies beside this file
from tables import definitions, plain  # noqa: E402 - see above


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


def usage(parser):
    """The synopsis of a command in one line."""
    return plain(" ".join(parser.format_usage().removeprefix("usage: ").split()))


def parsers():
    """The parser of the command line, and by name that of each command with its summary."""
    from hostfit.cli.main import COMMANDS, parser

    top = parser(every=True)
    known = next(one for one in top._actions if one.dest == "command").choices  # noqa: SLF001 - see options()
    return top, {name: (known[name], summary) for name, summary in COMMANDS.items()}


def commands():
    """Describe every command as the parser knows it."""
    top, known = parsers()
    sections = [f"{options(top)}"]
    for name, (parser, summary) in known.items():
        sections.append(f"### hostfit {name}\n\n{plain(summary[0].upper() + summary[1:])}.\n\n{usage(parser)}")
        sections.append(options(parser))
    return "\n\n".join(sections)


def section(name):
    """The text of a section of hostfit(1)."""
    return (HERE / "hostfit.1.md").read_text().partition(f"# {name}\n\n")[2].partition("\n# ")[0].strip()


def about(name):
    """What hostfit(1) says of a command: the paragraphs in which a sentence begins with its name."""
    own = re.compile(rf"(?:^|\.\s)\*\*{name}\*\* ")
    return "\n\n".join([text for text in section("DESCRIPTION").split("\n\n") if own.search(text)])


def command_page(name, parser, summary):
    """The page of one command, for those who ask for it by its own name."""
    title = f'hostfit-{name} 1 "" "hostfit" "User Commands"'
    last = "WHAT DOCTOR FINDS" if name == "doctor" else "EXIT STATUS"
    return "\n\n".join([
        f"{title}\n{'=' * len(title)}",
        f"# NAME\n\nhostfit-{name} - {plain(summary)}",
        f"# SYNOPSIS\n\n{usage(parser)}",
        f"# DESCRIPTION\n\n{about(name)}\n\n**hostfit**(1) describes all commands together, with files and examples.",
        f"# OPTIONS\n\n{options(parser)}",
        f"# {last}\n\n{section(last)}",
        "# SEE ALSO\n\n**hostfit**(1), **hostfit**(7)\n",
    ])  # fmt: skip


def pages():
    """Give each page's name and Markdown, with its lists filled in."""
    known = parsers()[1].items()
    texts = {source.stem: source.read_text() for source in sorted(HERE.glob("*.md"))}
    texts |= {f"hostfit-{name}.1": command_page(name, parser, summary) for name, (parser, summary) in known}
    for name, text in texts.items():
        for mark, fill in {"@COMMANDS@": commands, **tables.FILLED}.items():
            if mark in text:
                text = text.replace(mark, fill())  # noqa: PLW2901 - filled step by step
        yield name, text


def main():
    """Write every page into the directory named, with the version in its foot."""
    from hostfit.version import VERSION

    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        dated = text.replace('"hostfit"', f'"hostfit {VERSION}"', 1)
        done = subprocess.run(["go-md2man"], input=dated, capture_output=True, text=True, check=True)
        head, title, rest = done.stdout.partition("\n.TH ")
        line, _, body = rest.partition("\n")
        # The macros of .TH hyphenate and justify again; names and paths are to be found by searching.
        (target / name).write_text(f"{head}{title}{line}\n.nh\n.ad l\n{body}")


if __name__ == "__main__":
    main()
