"""The language of a file: by its name, its first line, its editor's mark, and its text where several languages share an extension."""

import re

from cocosearch.lexicon import names
from cocosearch.lexicon.table import TEXT, Table, table

# What rules look at; linguist takes as much.
HEAD_CHARACTERS = 50_000
_LINE = 500
_MODE_LINES = 5
_EMACS = re.compile(r"-\*-(.*?)-\*-")
_VIM = re.compile(r"(?:^|[ \t])(?:vi|[vV]im|ex)(?:[<=>]?\d+)?:.*?(?:[ \t:])(?:filetype|ft|syntax)[ \t]*=[ \t]*(\w+)")
_VERSION = re.compile(r"[-\d.]+$")
_ENV_WORD = re.compile(r"-[a-zA-Z0]*|--\S+|\w+=\S*")
_NIX_SHELL = re.compile(r"nix-shell\b.*\s-i\s*(\S+)")
_EXECUTED = re.compile(r"\bexec\s+([\w./-]+)(?:[ \t]+-\S+)*[\s\"']+\$0")
_BEGINNING = re.compile(r"[.\-_]")
_OPENINGS = (
    ("php", re.compile(r"<\?php\b")),
    ("xml", re.compile(r"<\?xml\b")),
    ("html", re.compile(r"<!doctype\s+html\b|<html\b", re.IGNORECASE)),
    ("svg", re.compile(r"<svg\b")),
    ("xml", re.compile(r"<!DOCTYPE\s+TS\b|<TS\s+version")),
)
# A build file's variant is of the build's language, its template or its description is not.
_NO_VARIANTS = frozenset({"asciidoc", "erb", "jinja2", "markdown", "perl", "rst"})


def detect_language(path: str, text: str | None = None) -> str:
    """Lower-case language of a file, as users filter by it; `text` where nothing tells.

    Args:
        path: of the file; only its last part counts.
        text: the file's, for what a name alone does not tell; its beginning and its last lines are looked at.
    """
    known = table()
    name = path.rsplit("/", 1)[-1]
    head = "" if text is None else text[:HEAD_CHARACTERS].removeprefix("\ufeff")
    named = _by_file_name(name, known)
    extension, candidates = _by_extension(name, known)
    if named and (extension or not head.startswith("#!")):
        return named
    if candidates and (text is None or (len(candidates) == 1 and extension not in known.generic and candidates != (TEXT,))):
        return TEXT if extension in known.generic else candidates[0]
    if text is None:
        return named or _by_outer_extension(name, text, known)
    told = (_by_first_line(head, known, candidates), _by_mode_line(text, known))
    return _among(extension, candidates, told, head) or named or next(filter(None, told), None) or _fallback(name, text, head, known)


def _among(extension: str, candidates: tuple[str, ...], told: tuple[str | None, ...], head: str) -> str | None:
    """One of the languages that share the extension."""
    if not candidates or candidates == (TEXT,):
        return None
    for language in (*told, *_openings(head)):
        if language in candidates:
            return language
    from cocosearch.lexicon.contents import language_by_rules  # loads the matcher, which few files need

    known = table()
    return language_by_rules(extension, head) or (None if extension in known.generic else candidates[0])


def _fallback(name: str, text: str, head: str, known: Table) -> str:
    return next(iter(_openings(head)), None) or _by_outer_extension(name, text, known)


def _by_file_name(name: str, known: Table) -> str | None:
    lowered = name.lower()
    exact = known.file_names.get(name) or names.FILE_NAMES.get(lowered)
    if exact:
        return exact
    beginning = _BEGINNING.split(lowered, maxsplit=1)[0]
    if beginning not in names.FILE_NAME_BEGINNINGS:
        return None
    _, candidates = _by_extension(name, known)
    return None if _NO_VARIANTS.intersection(candidates) else names.FILE_NAMES[beginning]


def _by_extension(name: str, known: Table) -> tuple[str, tuple[str, ...]]:
    """The longest extension that is known, and the languages that share it, the likeliest first."""
    lowered = name.lower()
    position = lowered.find(".")
    while position >= 0:
        extension = lowered[position:]
        if position > 0 or extension.count(".") > 1:
            candidates = known.extensions.get(extension)
            if candidates or extension in known.generic:
                return extension, candidates or (TEXT,)
        position = lowered.find(".", position + 1)
    return "", ()


def _by_outer_extension(name: str, text: str | None, known: Table) -> str:
    """`config.yml.example` is YAML: the name without what says nothing."""
    stem, dot, last = name.rpartition(".")
    if not stem or f"{dot}{last}".lower() not in names.OUTER_EXTENSIONS:
        return TEXT
    inner = _by_file_name(stem, known)
    return inner or (detect_language(stem, text) if _by_extension(stem, known)[0] else TEXT)


def _by_first_line(head: str, known: Table, candidates: tuple[str, ...]) -> str | None:
    """The language of the program that a `#!` line names."""
    program = interpreter(head)
    if program is None:
        return None
    for word in (program, _VERSION.sub("", program)):
        languages = known.interpreters.get(word)
        if languages:
            return next((language for language in languages if language in candidates), languages[0])
    return None


def interpreter(head: str) -> str | None:
    """Name of the program that runs a text, by its first line; through env, and what a shell hands the text on to."""
    if not head.startswith("#!"):
        return None
    lines = [line[:_LINE] for line in head[: _LINE * _MODE_LINES].splitlines()[:_MODE_LINES]]
    words = lines[0][2:].split()
    program = _program(words)
    if program in {"env", "busybox"}:
        rest = words[1:]
        while rest and _ENV_WORD.fullmatch(rest[0]):
            rest = [rest[0][2:], *rest[1:]] if rest[0].startswith("-S") and len(rest[0]) > 2 else rest[1:]  # noqa: PLR2004 - `-Sdeno run`
        program = _program(rest)
    if program == "nix-shell":
        return next((_program([match[1]]) for line in lines if (match := _NIX_SHELL.search(line))), None)
    if program == "sh":
        program = next((_program([match[1]]) for line in lines if (match := _EXECUTED.search(line))), "sh")
    return program


def _program(words: list[str]) -> str | None:
    return words[0].replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".exe") if words else None


def _by_mode_line(text: str, known: Table) -> str | None:
    """The language that a mark for Emacs or Vim names, in the first or the last lines."""
    edges = _LINE * _MODE_LINES
    lines = text[:edges].splitlines()[:_MODE_LINES] + (text[-edges:].splitlines()[-_MODE_LINES:] if len(text) > edges else [])
    for line in lines:
        for mode in _modes(line[:_LINE]):
            languages = known.words.get(mode.strip().lower().replace("-", "").removesuffix("mode"), ())
            if languages and languages[0] != TEXT:
                return languages[0]
    return None


def _modes(line: str) -> list[str]:
    modes = [match[1] for match in _VIM.finditer(line)]
    if match := _EMACS.search(line):
        variables = match[1]
        if ":" not in variables:
            return [variables, *modes]
        pairs = (variable.partition(":") for variable in variables.split(";"))
        return [*(value for key, _, value in pairs if key.strip().lower() == "mode"), *modes]
    return modes


def _openings(head: str) -> list[str]:
    begin = head[: _LINE * _MODE_LINES].lstrip()
    return [language for language, pattern in _OPENINGS if pattern.match(begin)]
