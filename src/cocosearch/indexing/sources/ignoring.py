"""The ignore files of a project, read with bounds, and what they say of a name in a directory (gitignore(5))."""

import errno
from dataclasses import dataclass
from typing import TypeAlias

from cocosearch.beneath import NotAFileError
from cocosearch.ignore_patterns import Rule, Rules, parse_rule, read_lines
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
    """The rules of one ignore file, as seen from a directory: `prefix` leads there from where the rules hold, "" or with a slash."""

    prefix: bytes
    rules: Rules


Layers: TypeAlias = tuple[Layer, ...]  # those that hold in a directory, innermost first


def below(layers: Layers, name: bytes) -> Layers:
    """The same rules as seen from a directory below."""
    return tuple(Layer(layer.prefix + name + b"/", layer.rules) for layer in layers)


def is_ignored(layers: Layers, name: bytes) -> bool:
    """Whether a name in the directory is ignored: the innermost file that says anything decides, and in it the last line.

    DIRECTORY_MARK follows the name of a directory.
    """
    for layer in layers:
        found = layer.rules.last_match(layer.prefix + name)
        if found >= 0:
            return layer.rules.rules[found].ignores
    return False


def with_file(layers: Layers, base: int, path: str, shown: str, notes: Notes) -> Layers:
    """The layers with those of the ignore file at a path below the descriptor `base`, if there is one; what it lacks is noted."""
    read = _read(base, path)
    if read.problem:
        notes.add(f"Ignore rules are missing: '{shown}' {read.problem}.")
    if not read.rules:
        return layers
    if sum(len(layer.rules.rules) for layer in layers) + len(read.rules.rules) > MAX_RULES_IN_FORCE:
        notes.add(f"Ignore rules are missing: '{shown}' and the files above it have more than {MAX_RULES_IN_FORCE} patterns.")
        return layers
    return (Layer(b"", read.rules), *layers)


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
