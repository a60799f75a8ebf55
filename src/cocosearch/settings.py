"""Settings of one process, from `COCOSEARCH_*`: the one list of knobs (the table in docs/configuration.md is generated from it)."""

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cocosearch.errors import ConfigurationError

PREFIX = "COCOSEARCH_"
_HOST_AND_PORT = r"(\[[^\]]*\]|[^:\[\]]*)(:\d{0,5})?"


class Transport(StrEnum):
    """How `cocosearch mcp` speaks MCP; `sse` serves the legacy endpoint beside streamable HTTP."""

    STDIO = "stdio"
    HTTP = "http"
    SSE = "sse"


class LogLevel(StrEnum):
    """Levels of the log on stderr."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _default_state_dir() -> Path:
    """State directory of a plain user (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "cocosearch"


class Settings(BaseSettings):
    """Settings of a process with their defaults; every field is the environment variable `COCOSEARCH_<FIELD NAME IN CAPITALS>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=None, extra="ignore", frozen=True)

    database_url: str = Field(
        default="postgresql:///cocosearch",
        description="PostgreSQL with pgvector 0.8 or later, as a libpq URI.",
    )
    ollama_url: str = Field(
        default="http://127.0.0.1:11434",
        pattern=r"^https?://[^/\s]+(/[^\s]*)?$",
        description="Ollama, or the embedded embedding server.",
    )
    model: str = Field(default="nomic-embed-text", min_length=1, max_length=200, description="Embedding model, as Ollama names it.")
    document_prompt: str | None = Field(
        default=None,
        max_length=2000,
        description="What the model wants in front of code, `\\n` for a line end; unset: known by the model's family.",
    )
    query_prompt: str | None = Field(
        default=None,
        max_length=2000,
        description="What the model wants in front of a query, likewise.",
    )
    transport: Transport = Field(
        default=Transport.STDIO,
        description="`stdio`, `http` (streamable HTTP at `/mcp`) or `sse` (also the legacy `/sse`).",
    )
    host: str = Field(
        default="127.0.0.1",
        pattern=r"^[^\s/]*$",
        description="Address to listen on; beyond loopback only with a token file.",
    )
    port: int = Field(default=8080, ge=1, le=65535, description="TCP port of the HTTP transports.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Names under which clients reach this server beside its own addresses, separated by commas.",
    )
    token_file: Path | None = Field(default=None, description="File with bearer tokens, one a line, at least 32 characters each.")
    allowed_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Directories below which MCP clients may have projects indexed, separated by colons.",
    )
    state_dir: Path = Field(default_factory=_default_state_dir, description="Directory of the indexing engine's state.")
    database_dir: Path | None = Field(
        default=None, description="Directory of the database's files, where they are on this machine: room on its disk is watched."
    )
    models_dir: Path | None = Field(default=None, description="Directory of the embedding server's models, likewise.")
    low_space_bytes: int = Field(
        default=1024**3,
        ge=0,
        description="A disk with less room is warned of; with less than an eighth of it nothing more is indexed. 0: disks are not watched.",
    )
    max_file_bytes: int = Field(default=1_048_576, ge=1024, le=67_108_864, description="Larger files are not indexed.")
    max_project_files: int = Field(default=200_000, ge=1, le=5_000_000, description="A project with more files is refused.")
    engine_map_bytes: int = Field(
        default=4 * 1024**3,
        ge=64 * 1024**2,
        description="Virtual size limit of the indexing engine's state of one project.",
    )
    embed_batch: int = Field(default=16, ge=1, le=128, description="Texts in one embedding request.")
    embed_timeout_seconds: float = Field(
        default=300.0, gt=0, description="Longest wait for one embedding request (a model may have to load)."
    )
    query_timeout_seconds: float = Field(
        default=10.0, gt=0, description="Longest wait for the embedding of a query before lexical results are returned alone."
    )
    statement_timeout_seconds: float = Field(default=15.0, gt=0, description="Longest run of one search statement in the database.")
    refresh_seconds: float = Field(default=0.5, ge=0.2, description="Pause between two inspections of a project's files by the indexer.")
    max_searches: int = Field(
        default=16, ge=1, le=256, description="Searches served at once; more wait, and are refused after ten seconds."
    )
    max_queued_jobs: int = Field(default=100, ge=1, description="Indexing jobs that may wait; more are refused.")
    log_level: LogLevel = Field(default=LogLevel.INFO, description="`debug`, `info`, `warning` or `error`; the log goes to stderr.")

    @field_validator("ollama_url")
    @classmethod
    def _a_usable_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.port == 0:  # .port raises a ValueError where it is no port
            raise ValueError("it names no host and port")
        return value

    @field_validator("database_url")
    @classmethod
    def _a_usable_database_url(cls, value: str) -> str:
        """What libpq would read from a password with a `/` in it is another host, port and database, which its errors then repeat."""
        if not re.match(r"postgres(ql)?://", value):
            if "=" not in value:
                raise ValueError("it is neither a URI nor a list of name=value")
            return value
        authority, _, rest = value.split("://", 1)[1].partition("/")
        hosts = authority.rpartition("@")[2].split("?")[0].split(",")
        are_hosts = all(re.fullmatch(_HOST_AND_PORT, host) for host in hosts)
        if "@" in rest.split("?")[0] or not are_hosts or re.search(r"\s|%(?![0-9A-Fa-f]{2})", value):
            raise ValueError("in a password, percent-encode / @ : % and spaces")
        return value

    @field_validator("document_prompt", "query_prompt")
    @classmethod
    def _line_ends(cls, value: str | None) -> str | None:
        return value and value.replace("\\n", "\n")

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allowed_roots", mode="before")
    @classmethod
    def _split_colons(cls, value: object) -> object:
        return tuple(part for part in value.split(":") if part) if isinstance(value, str) else value

    @field_validator("allowed_roots")
    @classmethod
    def _absolute_roots(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        for root in value:
            if not root.is_absolute():
                raise ValueError(f"'{root}' is not an absolute path")
        return value

    @field_validator("token_file", "database_dir", "models_dir", mode="before")
    @classmethod
    def _empty_means_none(cls, value: object) -> object:
        return value or None


def variable_name(field: str) -> str:
    """Environment variable of a settings field."""
    return PREFIX + field.upper()


def load_settings(**overrides: str | int | Path | None) -> Settings:
    """Settings from the environment, with overrides from command line flags (None = not given).

    Raises:
        ConfigurationError: a value is malformed, or a `COCOSEARCH_*` variable is unknown.
    """
    unknown = unknown_settings(os.environ)
    if unknown:
        raise ConfigurationError(unknown[0])
    given: dict[str, Any] = {field: value for field, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ConfigurationError(invalid_settings(error)[0]) from None


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each `COCOSEARCH_*` variable that is no setting."""
    known = {variable_name(field) for field in Settings.model_fields}
    sentences = []
    for name in sorted(name for name in environment if name.startswith(PREFIX) and name not in known):
        from difflib import get_close_matches

        close = get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else " `cocosearch config show` lists the known ones."
        sentences.append(f"Unknown setting {name} in the environment.{hint}")
    return sentences


def invalid_settings(error: ValidationError) -> list[str]:
    """A sentence for each value that is refused."""
    sentences = []
    for found in error.errors():
        field = str(found["loc"][0])
        value = "" if field.endswith("_url") else f"={found['input']!r}"  # a malformed URL may hold a password anywhere
        sentences.append(f"{variable_name(field)}{value} is not valid: {found['msg']}. {Settings.model_fields[field].description}")
    return sentences


@cache
def settings() -> Settings:
    """The settings of this process, read once from the environment."""
    return load_settings()
