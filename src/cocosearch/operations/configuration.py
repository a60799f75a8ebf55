"""The settings in force, each with where it came from, and the table of them in docs/configuration.md."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError

from cocosearch.access.text import line
from cocosearch.errors import ConfigurationError
from cocosearch.process.listening import is_loopback
from cocosearch.projects import find_config, read_config
from cocosearch.settings import Settings, Transport, invalid_settings, unknown_settings, variable_name
from cocosearch.urls import without_password


@dataclass(frozen=True, slots=True)
class Value:
    """One setting in force."""

    name: str
    value: str
    source: str


def effective_configuration(settings: Settings, directory: Path) -> list[Value]:
    """Settings of the process, then those of the project that the directory belongs to.

    Raises:
        ConfigurationError: the project's `cocosearch.yaml` is malformed.
    """
    values = []
    for field in Settings.model_fields:
        variable = variable_name(field)
        source = f"environment ({variable})" if os.environ.get(variable) is not None else "default"
        values.append(Value(field, _shown(field, getattr(settings, field)), source))
    path = find_config(directory.resolve())
    if path is not None:
        config = read_config(path)
        for field in type(config).model_fields:
            source = str(path) if field in config.model_fields_set else "default"
            values.append(Value(f"project.{field}", _plain(getattr(config, field)), source))
    return values


def read_environment(files: Sequence[Path]) -> dict[str, str]:
    """The variables of environment files as the roles and the image write them, for systemd and sh alike: NAME='value', one a line.

    Raises:
        ConfigurationError: a file cannot be read, or a line is something else; a value with a line end, for example.
    """
    environment: dict[str, str] = {}
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
        for number, text in enumerate(lines, start=1):
            try:
                words = shlex.split(text, comments=True)
            except ValueError:
                words = ["", ""]
            if not words:
                continue
            name, equals, value = words[0].partition("=")
            if len(words) > 1 or not equals or not name.isidentifier():
                raise ConfigurationError(f"Line {number} of {path} is no NAME='value': a value has to stand in one line.")
            environment[name] = value
    return environment


def refused_settings(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each setting of the services that the program refuses; empty where all are right."""
    given = {field: environment[name] for field in Settings.model_fields if (name := variable_name(field)) in environment}
    refused = unknown_settings(environment)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        return refused + invalid_settings(error)
    try:
        conninfo_to_dict(settings.database_url)
    except psycopg.ProgrammingError:
        # What libpq says of it may hold a piece of a password.
        refused.append(
            f"{variable_name('database_url')} is not valid: it is no libpq URI. In a password, percent-encode / @ : % and spaces."
        )
    if settings.transport is not Transport.STDIO and not is_loopback(settings.host) and settings.token_file is None:
        refused.append(
            f"{variable_name('host')}={settings.host!r} can be reached from other machines, so {variable_name('token_file')} has to name a "
            "file with tokens (`cocosearch token create FILE` makes one)."
        )
    return refused


def write_configuration(values: Sequence[Value]) -> None:
    """A line for each value."""
    name_width = max(len(value.name) for value in values)
    value_width = max(len(value.value) for value in values)
    for value in values:
        sys.stdout.write(line(f"{value.name:<{name_width}}  {value.value:<{value_width}}  {value.source}"))


def settings_table() -> str:
    """The Markdown table of all settings that stands in docs/configuration.md."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for field, info in Settings.model_fields.items():
        default = "`~/.local/state/cocosearch`" if info.default_factory else f"`{_plain(info.default)}`"
        lines.append(f"| `{variable_name(field)}` | {default if default != '``' else 'none'} | {info.description} |")
    return "\n".join(lines) + "\n"


def _shown(field: str, value: object) -> str:
    return without_password(str(value)) if field.endswith("_url") else _plain(value)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


if __name__ == "__main__":
    sys.stdout.write(settings_table())
