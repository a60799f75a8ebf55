"""The settings in force, each with where it came from, and the README's table of them."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cocosearch.output import line
from cocosearch.projects import find_config, read_config
from cocosearch.settings import Settings, variable_name
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


def write_configuration(values: Sequence[Value]) -> None:
    """A line for each value."""
    name_width = max(len(value.name) for value in values)
    value_width = max(len(value.value) for value in values)
    for value in values:
        sys.stdout.write(line(f"{value.name:<{name_width}}  {value.value:<{value_width}}  {value.source}"))


def settings_table() -> str:
    """The Markdown table of all settings that stands in the README."""
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
