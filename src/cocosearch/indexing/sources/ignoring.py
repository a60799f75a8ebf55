"""The ignore files of a project, read with bounds, and what they say of a name in a directory (gitignore(5))."""

import errno
from dataclasses import dataclass, replace
from typing import TypeAlias

from cocosearch.files.beneath import NotAFileError
from cocosearch.files.ignore_patterns import Rule, Rules, parse_rule, read_lines
from cocosearch.indexing.sources.stamps import StampedCache, TooLargeError
from cocosearch.indexing.sources.types import Notes

GITIGNORE = ".gitignore"
MAX_FILE_BYTES = 512 * 1024
MAX_FILE_RULES = 10_000
# Of all ignore files that hold in one directory.
MAX_RULES_IN_FORCE = 20_000

_MAX_CACHED_BYTES = 2 * 1024 * 1024
_NO_RULES = Rules(())


@dataclass(frozen=True, slots=True)
class _Read:
    rules: Rules
    problem: str | None


_cache: StampedCache[_Read] = StampedCache(_MAX_CACHED_BYTES)


@dataclass(frozen=True, slots=True)
class Layer:
    """The rules of one ignore file, and how they see a path of the project: less its first `cut` bytes, and with `lead` before it."""

    rules: Rules
    cut: int = 0
    lead: bytes = b""


# Those that hold in a directory, innermost first. All directories below share them: there may be very many that wait to be walked.
Layers: TypeAlias = tuple[Layer, ...]
# The same for names in one directory: what leads to the directory from where the rules hold, and the rules.
View: TypeAlias = tuple[tuple[bytes, Rules], ...]


def view(layers: Layers, directory: bytes) -> View:
    """The rules as they hold for names in a directory, whose path ends with a slash, or is empty for the root."""
    return tuple((layer.lead + directory[layer.cut :], layer.rules) for layer in layers)


def from_above(layers: Layers, name: bytes) -> Layers:
    """The rules that hold in a directory as seen from the directory of this name in it, which is nearer to the project's root."""
    return tuple(replace(layer, lead=layer.lead + name + b"/") for layer in layers)


def within(layers: Layers, directory: bytes) -> Layers:
    """The rules of a work tree's top, where that is this directory of the project."""
    return tuple(replace(layer, cut=len(directory)) for layer in layers)


def is_ignored(view: View, name: bytes) -> bool:
    """Whether a name in the directory is ignored: the innermost file that says anything decides, and in it the last line.

    DIRECTORY_MARK follows the name of a directory.
    """
    for prefix, rules in view:
        found = rules.last_match(prefix + name)
        if found >= 0:
            return rules.rules[found].ignores
    return False


def with_file(layers: Layers, base: int, path: str, shown: str, notes: Notes, *, cut: int = 0) -> Layers:
    """The layers with those of the ignore file at a path below the descriptor `base`, if there is one; what it lacks is noted.

    `cut` is the length of the path, with its slash, of the directory of the project where the rules hold.
    """
    read = _read(base, path)
    if read.problem:
        notes.add(f"Ignore rules are missing: '{shown}' {read.problem}.")
    if not read.rules:
        return layers
    if sum(len(layer.rules.rules) for layer in layers) + len(read.rules.rules) > MAX_RULES_IN_FORCE:
        notes.add(f"Ignore rules are missing: '{shown}' and the files above it have more than {MAX_RULES_IN_FORCE} patterns.")
        return layers
    return (Layer(read.rules, cut), *layers)


def _read(base: int, path: str) -> _Read:
    try:
        return _cache.read(base, path, MAX_FILE_BYTES, _parse)
    except (FileNotFoundError, NotADirectoryError):
        return _Read(_NO_RULES, None)
    except TooLargeError as error:
        return _Read(_NO_RULES, str(error))
    except NotAFileError:
        return _Read(_NO_RULES, "is not a regular file")
    except OSError as error:
        # Git does not follow it either.
        return _Read(_NO_RULES, "is a symbolic link" if error.errno == errno.ELOOP else "cannot be read")


def _parse(content: bytes) -> _Read:
    rules: list[Rule] = []
    problem = None
    for line in read_lines(content):
        try:
            rule = parse_rule(line)
        except ValueError as error:
            problem = f"has a line that is no pattern: {error}"
            continue
        if rule is None:
            continue
        if len(rules) == MAX_FILE_RULES:
            problem = f"has more than {MAX_FILE_RULES} patterns, of which the first are honoured"
            break
        rules.append(rule)
    return _Read(Rules(rules), problem)
