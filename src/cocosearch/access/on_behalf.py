"""`cocosearch index` and `cocosearch clear` for people who are not root; sudo runs this as root, with arguments from anybody.

The service may read more than a person may. So the person's own right is proved here before the service is asked: to have a directory
indexed, one must be able to read all in it that the service could read; to clear a project, one must own its directory. Then this process
becomes the service's user for good and runs the program, which holds on to the very directory that was looked at.

Usage: python -I -m cocosearch.access.on_behalf PROGRAM index|clear ARGUMENT…, with SUDO_UID from sudo.
"""

import argparse
import json
import os
import pwd
import resource
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from cocosearch.access.people import Person, act_as, become, first_closed, open_directory

SERVICE = "cocosearch"
EXIT_REFUSED, EXIT_USAGE = 1, 2


class RefusedError(Exception):
    """The person may not have this done; the message is a sentence."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Prove the caller's right and run the program in this process's place."""
    program, *given = arguments
    options = _parser().parse_args(given)
    try:
        caller, service = _caller(), _service()
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two for each level of directories
        command = _index(options, caller, service) if options.command == "index" else _clear(options, program, caller, service)
    except RefusedError as error:
        sys.stderr.write(f"cocosearch: {_printable(str(error))}\n")
        sys.exit(EXIT_REFUSED)
    os.chdir("/")
    become(service)
    os.execve(program, [program, *command], _environment())  # noqa: S606 - the program is the installation's own


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cocosearch", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    index = commands.add_parser("index", allow_abbrev=False)
    index.add_argument("path", metavar="PATH", help="directory of the project")
    index.add_argument("--name", help="name of the project (default: from cocosearch.yaml, else the directory's)")
    index.add_argument("--background", action="store_true", help="do not wait for the service that does the work")
    index.add_argument("--json", action="store_true", help="for a machine to read")
    clear = commands.add_parser("clear", allow_abbrev=False)
    clear.add_argument("project", metavar="PROJECT")
    clear.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _caller() -> Person:
    """Who ran sudo, by sudo's word."""
    number = os.environ.get("SUDO_UID", "")
    if os.geteuid() != 0 or not number.isdecimal():
        raise RefusedError("this is run by sudo alone: use the command `cocosearch`.")
    try:
        return Person.of(pwd.getpwuid(int(number)))
    except KeyError:
        raise RefusedError(f"this machine has no user of the number {number}.") from None


def _service() -> Person:
    try:
        return Person.of(pwd.getpwnam(SERVICE))
    except KeyError:
        raise RefusedError(f"this machine has no user '{SERVICE}': is the appliance installed?") from None


def _index(options: argparse.Namespace, caller: Person, service: Person) -> list[str]:
    """Arguments of the program that has the directory indexed, once the caller has proved to read it."""
    try:
        directory = open_directory(options.path, caller)
    except OSError as error:
        raise RefusedError(f"'{options.path}' cannot be opened by you ({caller.name}): {error.strerror}.") from None
    path = _real_path(directory, options.path)
    try:
        closed = first_closed(directory, caller, service)
    except OSError as error:
        raise RefusedError(f"'{path}' could not be looked through: {error.strerror}.") from None
    if closed is not None:
        raise RefusedError(
            f"'{path}/{closed}' is closed to you ({caller.name}), and the service could read it: only who can read all of a directory "
            "may have it indexed. Index the part that is open to you, or ask its owner."
        )
    # It stays open in the program, so that no other directory can come to its number meanwhile.
    os.set_inheritable(directory, True)
    status = os.fstat(directory)
    switches = [f"--{name}" for name in ("background", "json") if getattr(options, name)]
    named = [] if options.name is None else [f"--name={options.name}"]
    return ["index", f"--checked={status.st_dev}:{status.st_ino}", *switches, *named, "--", path]


def _clear(options: argparse.Namespace, program: str, caller: Person, service: Person) -> list[str]:
    """Arguments of the program that clears the project, once the caller has proved to own its directory."""
    root = _root_of(options.project, program, service)
    act_as(caller)
    try:
        status = Path(root).lstat()
    except OSError:
        status = None
    finally:
        act_as(None)
    if status is None or not stat.S_ISDIR(status.st_mode) or status.st_uid != caller.user_id or _real_path_of(root) != root:
        raise RefusedError(f"'{options.project}' is the index of {root}, and that directory is not yours: its owner or root may clear it.")
    return ["clear", *(["--yes"] if options.yes else []), "--", options.project]


def _root_of(project: str, program: str, service: Person) -> str:
    """The project's directory, as the service knows it."""
    command = [program, "status", "--json", "--", project]
    identity = {"user": service.user_id, "group": service.group_id, "extra_groups": list(service.groups)}
    done = subprocess.run(command, capture_output=True, check=False, cwd="/", env=_environment(), **identity)  # type: ignore[call-overload]
    if done.returncode != 0:
        sys.stderr.buffer.write(done.stderr)
        sys.exit(done.returncode)
    root = json.loads(done.stdout)["root"]
    if not isinstance(root, str):
        raise RefusedError(f"the directory of '{project}' is not known.")
    return root


def _real_path(directory: int, given: str) -> str:
    """Where an open directory is now, without links."""
    path = str(Path(f"/proc/self/fd/{directory}").readlink())
    try:
        path.encode()
        found = Path(path).lstat()
    except UnicodeEncodeError:
        raise RefusedError(f"'{path}' has a name that is not UTF-8; rename it to have it indexed.") from None
    except OSError as error:
        raise RefusedError(f"'{given}' is gone: {error.strerror}.") from None
    if not os.path.samestat(found, os.fstat(directory)):
        raise RefusedError(f"'{given}' was moved in this moment; try again.")
    return path


def _real_path_of(path: str) -> str | None:
    try:
        return os.path.realpath(path, strict=True)
    except OSError:
        return None


def _environment() -> dict[str, str]:
    """Nothing of the caller's but the kind of terminal."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "TERM": os.environ.get("TERM", "dumb"), "LC_ALL": "C.UTF-8"}


def _printable(text: str) -> str:
    """A name may hold anything: what could command a terminal is shown as an escape."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


if __name__ == "__main__":
    main(sys.argv[1:])
