"""Writes the completions of the command line for bash, zsh and fish, from its parser and its vocabulary.

build.py DIRECTORY      writes hostfit.bash, _hostfit and hostfit.fish there
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "src"))

from hostfit.cli.main import COMMANDS, parser  # noqa: E402 - the package lies beside, not on the path

FILES, DIRECTORIES, FEATURES = "files", "directories", "features"


class Argument:
    """An option (`names` is not empty) or a positional argument: what it is for and what may follow."""

    def __init__(self, action):
        self.names = action.option_strings
        self.help = " ".join((action.help or "").split())
        self.metavar = action.metavar or action.dest.upper()
        self.takes = action.nargs != 0
        self.many = action.nargs in ("*", "+") or type(action).__name__ == "_AppendAction"
        self.values = list(action.choices or [])
        self.kind = ""
        for kind, beginning in ((FILES, "FILE"), (DIRECTORIES, "DIR"), (FEATURES, "FEATURE")):
            if str(self.metavar).startswith(beginning):
                self.kind = kind


def arguments(one):
    """The arguments of a parser, without its table of commands."""
    return [Argument(action) for action in one._actions if action.dest != "command"]  # noqa: SLF001 - no other way in


def tree():
    """The options of the top, and of every command its arguments."""
    top = parser(every=True)
    known = next(one for one in top._actions if one.dest == "command").choices  # noqa: SLF001 - see arguments()
    return arguments(top), {name: arguments(known[name]) for name in COMMANDS}


def features():
    """Names of the vocabulary."""
    from hostfit.facts import vocabulary

    return " ".join([info.name for info in vocabulary.features()])


def quoted(text):
    """Quote for a shell between single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def bash(top, commands):
    """One function: find the command, then complete the value of an option, an option, or an argument."""

    def words(arguments):
        return " ".join([name for one in arguments for name in one.names])

    def reply(one):
        if one.kind == FILES:
            return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word")'
        if one.kind == DIRECTORIES:
            return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$word")'
        values = "$features" if one.kind == FEATURES else " ".join(one.values)
        return f'mapfile -t COMPREPLY < <(compgen -W "{values}" -- "$word")' if values else "COMPREPLY=()"

    lines = [
        "# Completes hostfit's command line in bash.",
        "_hostfit() {",
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= options= index",
        f'    local commands="{" ".join(commands)}"',
        f'    local features="{features()}"',
        "    for ((index = 1; index < COMP_CWORD; index++)); do",
        "        case ${COMP_WORDS[index]} in",
    ]
    lines += [f"        {'|'.join(one.names)}) ((++index)) ;;" for one in top if one.takes]
    lines += [
        "        -*) ;;",
        "        *) command=${COMP_WORDS[index]} && break ;;",
        "        esac",
        "    done",
        '    case "$command $before" in',
    ]
    for name, known in [("", top), *commands.items()]:
        for one in known:
            if one.names and one.takes:
                patterns = "|".join([f'"{name} {spelled}"' for spelled in one.names])
                lines.append(f"    {patterns}) {reply(one)}; return ;;")
    lines += ["    esac", "    case $command in", f'    "") options="{words(top)}" ;;']
    lines += [f'    {name}) options="{words(known)}" ;;' for name, known in commands.items()]
    lines += [
        "    esac",
        "    case $command:$word in",
        '    *:-*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;',
        '    :*) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;',
    ]
    for name, known in commands.items():
        lines += [f"    {name}:*) {reply(one)} ;;" for one in known if not one.names and (one.kind or one.values)][:1]
    return "\n".join([*lines, "    esac", "}", "complete -F _hostfit hostfit", ""])


def zsh(top, commands):
    """Specifications for _arguments, one command a case."""

    def plain(text):
        return "".join(["\\" + char if char in "\\:[]" else char for char in text])

    def action(one):
        kinds = {FILES: "_files", DIRECTORIES: "_files -/", FEATURES: "($features)"}
        return kinds.get(one.kind) or (f"({' '.join(one.values)})" if one.values else " ")

    def specification(one):
        value = f":{plain(str(one.metavar))}:{action(one)}"
        if not one.names:
            return [quoted(("*" if one.many else "") + value)]
        repeated = "*" if one.many else ""
        alone = f"({' '.join(one.names)})" if not one.many and len(one.names) > 1 else ""
        tail = f"[{plain(one.help)}]" + (value if one.takes else "")
        return [quoted(f"{alone}{repeated}{name}{tail}") for name in one.names]

    def call(arguments, *more):
        listed = [*[piece for one in arguments for piece in specification(one)], *more]
        return " \\\n        ".join(["_arguments -s", *listed])

    lines = [
        "#compdef hostfit",
        "_hostfit() {",
        "    local curcontext=$curcontext state line",
        "    typeset -A opt_args",
        f"    local -a commands features=({features()})",
        "    commands=(",
        *[f"        {quoted(f'{name}:{plain(COMMANDS[name])}')}" for name in commands],
        "    )",
        f"    {call(top, quoted('1: :->command'), quoted('*:: :->arguments'))} && return",
        "    case $state in",
        "    command) _describe command commands ;;",
        "    arguments)",
        "        case $line[1] in",
    ]
    for name, known in commands.items():
        lines += [f"        {name})", f"        {call(known)} ;;"]
    return "\n".join([*lines, "        esac ;;", "    esac", "}", '_hostfit "$@"', ""])


def fish(top, commands):
    """One `complete` line for each option, command and argument."""
    seen = f"__fish_seen_subcommand_from {' '.join(commands)}"

    def line(condition, *words):
        return " ".join(["complete -c hostfit", f'-n "{condition}"', *words])

    def follows(one):
        if one.kind == FILES:
            return ["-r", "-F"]
        if one.kind == DIRECTORIES:
            return ["-x", "-a", "'(__fish_complete_directories)'"]
        values = "$__hostfit_features" if one.kind == FEATURES else " ".join(one.values)
        return ["-x", "-a", f'"{values}"'] if values else ["-x"]

    def option(condition, one):
        names = [("-l " if name.startswith("--") else "-s ") + name.lstrip("-") for name in one.names]
        return line(condition, *names, *(follows(one) if one.takes else []), "-d", quoted(one.help))

    lines = [
        "# Completes hostfit's command line in fish.",
        f"set -g __hostfit_features {features()}",
        "complete -c hostfit -f",
        *[option(f"not {seen}", one) for one in top],
        *[line(f"not {seen}", "-a", name, "-d", quoted(COMMANDS[name])) for name in commands],
    ]
    for name, known in commands.items():
        here = f"__fish_seen_subcommand_from {name}"
        lines += [option(here, one) for one in known if one.names]
        lines += [
            line(here, "-F") if one.kind == FILES else line(here, *follows(one)[1:])
            for one in known
            if not one.names and (one.kind or one.values)
        ]
    return "\n".join([*lines, ""])


def main():
    """Write the three files into the directory named."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    top, commands = tree()
    for name, render in {"hostfit.bash": bash, "_hostfit": zsh, "hostfit.fish": fish}.items():
        (target / name).write_text(render(top, commands))


if __name__ == "__main__":
    main()
