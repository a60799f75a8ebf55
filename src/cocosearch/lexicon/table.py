"""The table of languages: linguist's data, with our names and choices. Read when it is first asked for."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cocosearch.lexicon import names

TEXT = "text"
_NOT_IN_WORDS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """A language that a text is of when each of `all_of` matches it and none of `none_of` does."""

    language: str
    all_of: tuple[str, ...]
    none_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Languages by all that tells them; extensions with their dot, in lower case."""

    index_names: tuple[str, ...]
    words: dict[str, tuple[str, ...]]  # as `word_of` writes them
    extensions: dict[str, tuple[str, ...]]
    generic: frozenset[str]  # extensions that name a language only together with its text
    file_names: dict[str, str]
    interpreters: dict[str, tuple[str, ...]]
    rules: dict[str, tuple[Rule, ...]]


def word_of(name: str) -> str:
    """A user's word for a language without what people write differently: case, spaces, hyphens, a leading dot."""
    return _NOT_IN_WORDS.sub("", name.strip().lstrip(".").casefold())


def index_name(name: str) -> str:
    """Our name of a language that linguist names."""
    return names.INDEX_NAMES.get(name) or _NOT_IN_WORDS.sub("-", name.lower())


@cache
def table() -> Table:
    """The table; kept."""
    data = json.loads((files(__package__) / "linguist.json").read_text(encoding="utf-8"))
    languages: dict[str, dict[str, Any]] = data["languages"]
    extensions = _extensions(languages)
    rules = {
        extension: tuple(Rule(index_name(rule["language"]), tuple(rule.get("all", ())), tuple(rule.get("none", ()))) for rule in written)
        for extension, written in data["rules"].items()
    }
    return Table(
        index_names=tuple(sorted({*map(index_name, languages), *names.EXTENSIONS.values(), *names.FILE_NAMES.values(), TEXT})),
        words=_words(languages, extensions),
        extensions=extensions,
        generic=_generic(extensions, rules),
        file_names=_file_names(languages),
        interpreters=_grouped((word, index_name(name)) for name, each in languages.items() for word in each.get("interpreters", ())),
        rules=rules,
    )


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, dict[str, None]] = {}
    for key, value in pairs:
        grouped.setdefault(key, {})[value] = None
    return {key: tuple(values) for key, values in grouped.items()}


def _extensions(languages: dict[str, dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    grouped = _grouped(
        (extension.lower(), index_name(name)) for name, each in languages.items() for extension in each.get("extensions", ())
    )
    for extension, language in names.EXTENSIONS.items():
        grouped[extension] = (language,)
    for extension, language in names.PREFERRED.items():
        grouped[extension] = tuple(dict.fromkeys((language, *grouped.get(extension, ()))))
    return grouped | names.SHARED


def _generic(extensions: dict[str, tuple[str, ...]], rules: dict[str, tuple[Rule, ...]]) -> frozenset[str]:
    """Where a single language has the extension, and linguist asks its text all the same, the extension alone says nothing."""
    asked = {extension for extension, written in rules.items() if len(written) == 1 and len(extensions.get(extension, ())) == 1}
    return frozenset(asked - names.EXTENSIONS.keys() - names.PREFERRED.keys()) | names.GENERIC


def _file_names(languages: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Names as linguist writes them, and ours in lower case."""
    return {**{file: index_name(name) for name, each in languages.items() for file in each.get("filenames", ())}, **names.FILE_NAMES}


def _words(languages: dict[str, dict[str, Any]], extensions: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What users may write: our names and linguist's, their aliases, and extensions; what comes first wins."""
    words: dict[str, tuple[str, ...]] = {word_of(word): family for word, family in names.FAMILIES.items()}

    def add(word: str, *meant: str) -> None:
        expanded = (each for language in meant for each in names.FAMILIES.get(language, (language,)))
        words.setdefault(word_of(word), tuple(dict.fromkeys(expanded)))

    for language in (*names.EXTENSIONS.values(), *names.FILE_NAMES.values(), *map(index_name, languages), TEXT):
        add(language, language)
    for alias, language in names.ALIASES.items():
        add(alias, language)
    for name in languages:
        add(name, index_name(name))
    for name, each in languages.items():
        for alias in each.get("aliases", ()):
            add(alias, index_name(name))
    for extension, candidates in extensions.items():
        add(extension, *candidates)
    for name, each in languages.items():
        for interpreter in each.get("interpreters", ()):
            add(interpreter, index_name(name))
    return words
