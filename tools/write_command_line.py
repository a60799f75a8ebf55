"""Write docs/command-line.md: the commands of `cocosearch` and what they take. For a person, after a change of the command line.

Not by `--help` itself, whose form changes with the version of Python.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from cocosearch.cli.main import command_parser

PAGE = Path(__file__).parents[1] / "docs/command-line.md"
HEAD = """# Command line

What `cocosearch COMMAND --help` says, written by [write_command_line.py](../tools/write_command_line.py). How to use it: [use](use.md),
[operate](operate.md).
"""
# argparse has no public way to what a parser takes.
_Commands = argparse._SubParsersAction  # noqa: SLF001


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of its commands, in their order."""
    yield parser
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, _Commands):
            for command in action.choices.values():
                yield from parsers(command)


def page() -> str:
    """The page as it should be now."""
    return "\n".join([HEAD, *map(_section, parsers(command_parser()))])


def _section(parser: argparse.ArgumentParser) -> str:
    rows = list(_rows(parser))
    table = ["| | |", "|---|---|", *rows] if rows else []
    return "\n".join([f"## {parser.prog}", "", f"{parser.description}", "", *table, *([""] if table else [])])


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, _Commands):
            for command in action._choices_actions:  # noqa: SLF001
                anchor = f"{parser.prog} {command.dest}".replace(" ", "-")
                yield f"| [`{command.dest}`](#{anchor}) | {command.help} |"
        elif action.help != argparse.SUPPRESS and "--help" not in action.option_strings:
            explained = parser._get_formatter()._expand_help(action) if action.help else ""  # noqa: SLF001
            yield f"| `{_written(action)}` | {explained} |"


def _written(action: argparse.Action) -> str:
    """As one writes it: `-n, --limit LIMIT`, `PATH`, `[PROJECT]`."""
    value = action.metavar if isinstance(action.metavar, str) else "|".join(action.choices or []) or action.dest.upper()
    if not action.option_strings:
        return f"[{value}]" if action.nargs == "?" else value
    names = ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {value}".replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
