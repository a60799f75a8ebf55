"""Arguments as models fill them: what is meant by them, or one sentence on what is wrong.

Models fill what is optional with `""`, `null` and `[]`, write numbers as text and texts as lists of one. The schemas that they see say the
plain type (some clients refuse a choice with null); these validators take more than the schemas say.
"""

import math
from typing import Any

from pydantic import BeforeValidator

from cocosearch.access.text import shown
from cocosearch.indexing.chunking.definitions import Kind, kind_named, kind_not_known
from cocosearch.lexicon.normalization import nfc

MAX_ECHO = 40
MAX_QUERY = 1_000_000
# Written instead of leaving an argument out.
_ABSENT = frozenset({"", "null", "None", "NULL", "undefined", "nil"})
_QUOTES = ("'", '"', "`")
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def query_text() -> BeforeValidator:
    """Text that must be there."""

    def read(value: object) -> str:
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            value = " ".join(value)
        text = _text(value)
        if not text:
            raise ValueError("the text is empty; say what to look for")
        return _bounded(text, MAX_QUERY)

    return BeforeValidator(read)


def required_text(most: int) -> BeforeValidator:
    """A name or a path that must be there."""

    def read(value: object) -> str:
        text = _name(value, several=False)
        if text is None:
            raise ValueError("it is empty; this tool needs it")
        return _bounded(text, most)

    return BeforeValidator(read)


def optional_text(most: int, *, several: bool = False) -> BeforeValidator:
    """A name or a pattern that may be left out; a list of `several` is one text with commas."""

    def read(value: object) -> str | None:
        text = _name(value, several=several)
        return None if text is None else _bounded(text, most)

    return BeforeValidator(read)


def optional_kind() -> BeforeValidator:
    """A kind of definition that may be left out."""

    def read(value: object) -> Kind | None:
        text = _name(value, several=False)
        if text is None:
            return None
        kind = kind_named(text)
        if kind is None:
            raise ValueError(kind_not_known(_echo(text).strip("'")))
        return kind

    return BeforeValidator(read)


def count(least: int, most: int, default: int | None, *, zero_is_absent: bool = False) -> BeforeValidator:
    """A whole number within its bounds; `default` where it is left out."""

    def read(value: object) -> int | None:
        value = _single(value)
        if value is None or (isinstance(value, str) and value.strip() in _ABSENT):
            return default
        number = _whole(value)
        if number == 0 and zero_is_absent:
            return default
        if not least <= number <= most:
            raise ValueError(f"{_echo(value)} is out of bounds; it must be between {least} and {most}")
        return number

    return BeforeValidator(read)


def flag() -> BeforeValidator:
    """True or false; false where it is left out."""

    def read(value: object) -> bool:
        value = _single(value)
        word = str(value).strip().lower() if isinstance(value, str | int | float | bool) else None
        if value is None or word == "" or (isinstance(value, str) and value.strip() in _ABSENT):
            return False
        if word in _TRUE or value == 1:
            return True
        if word in _FALSE or value == 0:
            return False
        raise ValueError(f"{_echo(value)} is neither true nor false")

    return BeforeValidator(read)


def _single(value: object) -> object:
    """The only member of a list; None for an empty one."""
    if isinstance(value, list) and len(value) <= 1:
        return _single(value[0]) if value else None
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{_echo(value)} is no number; give a whole one, such as 10")  # noqa: TRY004 - pydantic takes ValueError
    if isinstance(value, int):
        return value
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{_echo(value)} is no number; give a whole one, such as 10") from None
    if not math.isfinite(number) or number != int(number):
        raise ValueError(f"{_echo(value)} is no whole number")
    return int(number)


def _name(value: object, *, several: bool) -> str | None:
    """Text without blanks and quotes around it; None where it says that there is none."""
    value = _single(value)
    if isinstance(value, list):
        if not several or not all(isinstance(part, str) for part in value):
            raise ValueError(f"one is taken, and not {len(value)}")
        value = ",".join(part for part in (_name(part, several=False) for part in value) if part)
    text = _text(value)
    while len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:
        text = text[1:-1].strip()
    return None if text in _ABSENT else text


def _text(value: object) -> str:
    """The value as text that the database and the index take: NFC, without blanks around it, without NUL and halves of characters."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or (isinstance(value, int) and abs(value) >= 10**MAX_ECHO):
        raise ValueError(f"{_echo(value)} is no text")
    text = nfc(str(value)).strip()
    if "\x00" in text:
        raise ValueError("the text holds a NUL character; remove it")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the text holds half of a surrogate pair, which is no character; send valid Unicode")
    return text


def _bounded(text: str, most: int) -> str:
    if len(text) > most:
        raise ValueError(f"it has {len(text)} characters; at most {most} are taken")
    return text


def _echo(value: object) -> str:
    """A value as a sentence may quote it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        # Python writes no more than 4,300 digits.
        return str(value) if abs(value) < 10**MAX_ECHO else "a number of more than 40 digits"
    text = shown(str(value))
    quoted = text if len(text) <= MAX_ECHO else f"{text[:MAX_ECHO]}…"
    return f"'{quoted}'" if isinstance(value, str) else quoted


def plain_schema(schema: dict[str, Any], *, nullable: bool) -> dict[str, Any]:
    """A JSON schema without references and choices, for clients that know neither.

    Args:
        schema: as pydantic makes it.
        nullable: say `null` as one of a value's types; without, it is left out, and so is a default of null.
    """
    definitions: dict[str, Any] = schema.get("$defs", {})

    def plain(node: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(node, list):
            return [plain(part) for part in node]
        if not isinstance(node, dict):
            return node
        node = {name: value for name, value in node.items() if name != "$defs"}
        if "$ref" in node:
            node = {**definitions[node.pop("$ref").rpartition("/")[2]], **node}
            return plain(node)
        if "anyOf" in node:
            choices = [plain(choice) for choice in node.pop("anyOf")]
            (one,) = [choice for choice in choices if choice != {"type": "null"}]
            node = {**one, **node}
            if nullable:
                node["type"] = [node["type"], "null"]
        if node.get("default", ...) is None:
            del node["default"]
        if "title" in node and isinstance(node["title"], str):
            del node["title"]
        return {name: plain(value) for name, value in node.items()}

    result: dict[str, Any] = plain(schema)
    return result
