"""The command `cocosearch`: arguments and dispatch. Heavy imports happen in the command that needs them."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cocosearch import __version__
from cocosearch.access.text import line, printable
from cocosearch.errors import CocosearchError, ConfigurationError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite
    from fastmcp import FastMCP

Command: TypeAlias = Callable[[argparse.Namespace], int]

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 failed, 2 wrong usage or configuration."""
    options = command_parser().parse_args(arguments)
    command: Command = options.command
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # code may hold what the terminal's encoding does not
    try:
        status = command(options)
        sys.stdout.flush()
    except ConfigurationError as error:
        sys.stderr.write(line(f"cocosearch: {error}"))
        return EXIT_USAGE
    except CocosearchError as error:
        sys.stderr.write(line(f"cocosearch: {error}"))
        return EXIT_FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\ncocosearch: interrupted. An index that was being made is taken up by the next run.\n")
        return 130
    except BrokenPipeError:  # the reader of our output has enough, as in `cocosearch search … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor does the interpreter write to it at its end
        return EXIT_OK
    return status


def _index(options: argparse.Namespace) -> int:
    from cocosearch.cli.commands import index, index_checked, index_in_background

    if options.checked:
        return index_checked(Path(options.path), options.name, options.checked, background=options.background, as_json=options.json)
    if options.background:
        return index_in_background(Path(options.path), options.name, as_json=options.json)
    return index(Path(options.path), options.name, as_json=options.json)


def _search(options: argparse.Namespace) -> int:
    from cocosearch.cli.commands import search
    from cocosearch.search.types import SearchRequest

    request = SearchRequest(
        query=options.query,
        limit=options.limit,
        project=options.project,
        language=options.language,
        path_glob=options.path,
        symbol=options.symbol,
        kind=options.kind,
        whole_definitions=options.whole,
        max_tokens=options.max_tokens,
    )
    return search(request, explain=options.explain, as_json=options.json)


def _kind(given: str) -> str | None:
    """A kind of definitions; they are loaded only where one is given."""
    from cocosearch.indexing.chunking.definitions import kind_named, kind_not_known

    if not given.strip():
        return None
    kind = kind_named(given)
    if kind is None:
        raise argparse.ArgumentTypeError(kind_not_known(given))
    return kind


class _KindNames:
    """The kinds that there are, in a help text: loaded only where one is shown."""

    def __str__(self) -> str:
        from cocosearch.indexing.chunking.definitions import Kind

        return ", ".join(Kind)


def _list(options: argparse.Namespace) -> int:
    from cocosearch.cli.commands import list_all

    return list_all(as_json=options.json)


def _status(options: argparse.Namespace) -> int:
    from cocosearch.cli.commands import status

    return status(options.project, as_json=options.json)


def _clear(options: argparse.Namespace) -> int:
    from cocosearch.cli.commands import clear

    return clear(options.project, confirmed=options.yes)


def _mcp(options: argparse.Namespace) -> int:
    # Told without the settings' module, whose import alone would take half of the time that a stdio client's first answer may take.
    if (options.transport or os.environ.get("COCOSEARCH_TRANSPORT") or "stdio") == "stdio":
        from cocosearch.serving.early import serve_stdio

        serve_stdio(lambda: _load_stdio_server(options))
        return EXIT_OK
    from cocosearch.cli.service_commands import mcp

    return mcp(transport=options.transport, host=options.host, port=options.port)


def _load_stdio_server(options: argparse.Namespace) -> "FastMCP[Any]":
    from cocosearch.serving import load_stdio_server
    from cocosearch.settings import Transport, load_settings

    return load_stdio_server(load_settings(transport=Transport.STDIO, host=options.host, port=options.port))


def _indexer(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import indexer

    return indexer(drain=options.drain)


def _health(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import health

    return health(parts=options.parts, as_json=options.json)


def _doctor(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import doctor

    return doctor(as_json=options.json)


def _config_check(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import config_check

    return config_check(tuple(map(Path, options.files or ())))


def _config_show(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import config_show

    return config_show(as_json=options.json)


def _database_bootstrap(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import database_bootstrap

    return database_bootstrap(options.admin_url)


def _database_check(_: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import database_check

    return database_check()


def _database_plan(_: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import database_plan

    return database_plan()


def _database_migrate(_: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import database_migrate

    return database_migrate()


def _model_ensure(_: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import model_ensure

    return model_ensure()


def _token_create(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import token_create

    return token_create(Path(options.file))


def _token_rotate(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import token_rotate

    return token_rotate(Path(options.file), keep=options.keep)


def _token_check(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import token_check

    return token_check(Path(options.file))


def _token_show(_: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import token_show

    return token_show()


def _reindex(options: argparse.Namespace) -> int:
    from cocosearch.cli.service_commands import reindex

    return reindex(every_index=options.all, as_json=options.json)


def _version(_: argparse.Namespace) -> int:
    sys.stdout.write(f"cocosearch {__version__}\n")
    return EXIT_OK


class _Parser(argparse.ArgumentParser):
    """Writes what it quotes of the command line without what a terminal would obey."""

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        super()._print_message(printable(message), file)


def command_parser() -> argparse.ArgumentParser:
    """Parser of the whole command line."""
    parser: argparse.ArgumentParser = _Parser(
        prog="cocosearch", description="Search your code by meaning and by name. Nothing leaves this machine."
    )
    parser.add_argument("--version", action="version", version=f"cocosearch {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_user_commands(commands)
    _add_service_commands(commands)
    return parser


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it


def _add_user_commands(commands: _Commands) -> None:
    index = _add(commands, "index", _index, "index a project, or bring its index up to date")
    index.add_argument("path", metavar="PATH", help="directory of the project")
    index.add_argument("--name", help="name of the project (default: from cocosearch.yaml, else the directory's)")
    index.add_argument("--background", action="store_true", help="leave the work to the indexer and return at once")
    index.add_argument("--checked", metavar="DEVICE:INODE", help=argparse.SUPPRESS)  # from access/on_behalf: the directory it looked at
    _add_json(index)
    _add_search(commands)
    _add_json(_add(commands, "list", _list, "list the indexed projects"))
    status = _add(commands, "status", _status, "show progress, freshness and last error of one project, or of all")
    status.add_argument("project", metavar="PROJECT", nargs="?")
    _add_json(status)
    clear = _add(commands, "clear", _clear, "remove a project from the index (its files stay)")
    clear.add_argument("project", metavar="PROJECT")
    clear.add_argument("--yes", action="store_true", help="do not ask")
    mcp = _add(commands, "mcp", _mcp, "serve MCP, over stdio unless COCOSEARCH_TRANSPORT or --transport say otherwise")
    mcp.add_argument("--transport", choices=["stdio", "http", "sse"])
    mcp.add_argument("--host", help="address to listen on (COCOSEARCH_HOST)")
    mcp.add_argument("--port", type=int, help="port to listen on (COCOSEARCH_PORT)")
    _add_json(_add(commands, "doctor", _doctor, "check everything, and say what to do"))
    config = _add_group(commands, "config", "show and check settings")
    _add_json(_add(config, "show", _config_show, "show each setting and where its value comes from"))
    check = _add(config, "check", _config_check, "check the settings of the services")
    check.add_argument(
        "--environment-file", dest="files", action="append", metavar="FILE", help="read them from FILE, as systemd does; the last one wins"
    )
    _add(commands, "version", _version, "print the version")


def _add_search(commands: _Commands) -> None:
    search = _add(commands, "search", _search, "search by meaning and by name")
    search.add_argument("query", metavar="QUERY", help="a question in words, or an identifier")
    search.add_argument("-n", "--limit", type=int, default=10, help="number of hits, 1 to 50 (default: 10)")
    search.add_argument("-p", "--project", help="only in this project")
    search.add_argument("-l", "--language", help="only in this language, for example python")
    search.add_argument("--path", metavar="GLOB", help="only in files that match, for example 'src/**/*.py'")
    search.add_argument("--symbol", metavar="NAME", help="only code that defines this name")
    kind = search.add_argument("--kind", type=_kind, help="only code that defines something of this kind: %(kinds)s")
    vars(kind)["kinds"] = _KindNames()  # argparse fills a help text in from its action's attributes
    search.add_argument("--whole", action="store_true", help="show the whole definition that a hit is a part of")
    search.add_argument("--max-tokens", type=int, metavar="N", help="leave out the last hits that do not fit into N tokens")
    search.add_argument("--explain", action="store_true", help="show how each score came about")
    _add_json(search)


def _add_service_commands(commands: _Commands) -> None:
    health = _add(commands, "health", _health, "show the health of the server on this machine")
    health.add_argument("--parts", action="store_true", help="check the parts directly, without asking the server")
    _add_json(health)
    indexer = _add(commands, "indexer", _indexer, "keep every project's index fresh (the service cocosearch-indexer)")
    indexer.add_argument("--drain", action="store_true", help="end when no project waits any more")
    database = _add_group(commands, "database", "set up the database")
    bootstrap = _add(database, "bootstrap", _database_bootstrap, "create role, database and extension, as a superuser")
    bootstrap.add_argument(
        "--admin-url", required=True, metavar="URL", help="libpq URI of a superuser's connection to the database postgres"
    )
    _add(database, "migrate", _database_migrate, "create or upgrade the tables")
    _add(database, "check", _database_check, "check whether the database can be used, and say what to run if not")
    _add(database, "plan", _database_plan, "show what would be embedded again if this program and these settings came into use")
    reindex = _add(commands, "reindex", _reindex, "rebuild the vector indexes while search goes on (on a host: as root)")
    reindex.add_argument("--all", action="store_true", help="rebuild every index of the database")
    _add_json(reindex)
    model = _add_group(commands, "model", "manage the embedding model")
    _add(model, "ensure", _model_ensure, "wait for Ollama, pull the model if it is missing, load it")
    token = _add_group(commands, "token", "manage the tokens for MCP over HTTP")
    create = _add(token, "create", _token_create, "make a token file, unless it exists")
    create.add_argument("file", metavar="FILE")
    rotate = _add(token, "rotate", _token_rotate, "replace all tokens with a new one")
    rotate.add_argument("file", metavar="FILE")
    rotate.add_argument("--keep", action="store_true", help="keep the old tokens valid as well")
    check = _add(token, "check", _token_check, "check whether the server would accept a token file")
    check.add_argument("file", metavar="FILE")
    _add(token, "show", _token_show, "print the tokens that the server accepts (COCOSEARCH_TOKEN_FILE), one a line")


def _add(commands: _Commands, name: str, command: Command, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(command=command)
    return parser


def _add_group(commands: _Commands, name: str, summary: str) -> _Commands:
    parser = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write JSON")
