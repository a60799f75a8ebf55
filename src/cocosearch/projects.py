"""Projects on disk: where `cocosearch.yaml` is found, what it may say, and which directories may be indexed."""

import os
import pwd
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml
from pathspec import GitIgnoreSpec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cocosearch.errors import ConfigurationError, PathNotAllowedError

CONFIG_NAME = "cocosearch.yaml"
MAX_CONFIG_BYTES = 65_536
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
MAX_PATTERNS = 200


class ProjectConfig(BaseModel):
    """What `cocosearch.yaml` may hold: only what belongs to the project, never an endpoint or a path outside of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(default=None, pattern=NAME_PATTERN, description="Name of the project; default: the directory's.")
    include: tuple[str, ...] = Field(
        default=(), max_length=MAX_PATTERNS, description="Only files that match one of these patterns (gitignore syntax)."
    )
    exclude: tuple[str, ...] = Field(
        default=(), max_length=MAX_PATTERNS, description="No file that matches one of these patterns (gitignore syntax)."
    )
    chunk_size: int | None = Field(
        default=None, ge=200, le=8000, description="Target length of a chunk in characters; the model's window limits it."
    )


@dataclass(frozen=True, slots=True)
class Project:
    """A directory to index, with its configuration; `config_path` is None where there is no file."""

    name: str
    root: Path
    config: ProjectConfig
    config_path: Path | None

    @property
    def pattern_base(self) -> Path:
        """Directory that `include` and `exclude` are relative to: where `cocosearch.yaml` lies."""
        return self.config_path.parent if self.config_path else self.root


def find_config(start: Path) -> Path | None:
    """`cocosearch.yaml` in the directory, else in the root of the git work tree around it; works without git."""
    root = git_root(start)
    candidates = [start / CONFIG_NAME, *([root / CONFIG_NAME] if root is not None else [])]
    # os.path: a directory that this user may not enter has no configuration for it.
    return next((candidate for candidate in candidates if os.path.isfile(candidate)), None)  # noqa: PTH113


def git_root(start: Path) -> Path | None:
    """The innermost directory at or above `start` that holds `.git` (a directory, or the file of a work tree)."""
    return next((directory for directory in (start, *start.parents) if os.path.exists(directory / ".git")), None)  # noqa: PTH110


def load_project(root: Path, name: str | None = None) -> Project:
    """The project at a directory.

    Raises:
        ConfigurationError: the directory's `cocosearch.yaml` or the name is malformed, or there is no such directory for this user.
    """
    root = _readable_directory(root)
    config_path = find_config(root)
    config = read_config(config_path) if config_path else ProjectConfig()
    config_name = config.name if config_path and config_path.parent == root else None
    chosen = name or config_name or _name_from_directory(root)
    if not re.fullmatch(NAME_PATTERN, chosen):
        raise ConfigurationError(
            f"'{chosen}' cannot be a project's name: use up to 64 lower-case letters, digits, '.', '_' and '-', not beginning with a mark."
        )
    return Project(name=chosen, root=root, config=config, config_path=config_path)


def _readable_directory(path: Path) -> Path:
    """The real directory, if this user may list and enter it."""
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            raise NotADirectoryError(path)
        if os.access(path, os.R_OK | os.X_OK, effective_ids=True):
            return path.resolve()
    except PermissionError:
        pass
    except OSError:
        raise ConfigurationError(f"'{path}' is not a directory. Give the directory of a project.") from None
    user = _user_name()
    raise ConfigurationError(
        f"'{path}' cannot be read by the user '{user}'. Let it in, for example: sudo setfacl -R -m u:{user}:rX DIRECTORY "
        f"(and u:{user}:x on the directories above)."
    )


def _user_name() -> str:
    """Name of this process's user; its number where the system has no name for it, as in a container."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _name_from_directory(root: Path) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", root.name.lower()).lstrip("._-")[:64]
    return name or "project"


def read_config(path: Path) -> ProjectConfig:
    """Read and check a `cocosearch.yaml`.

    Raises:
        ConfigurationError: with the file, the key and, for an unknown key, the one that was probably meant.
    """
    if path.is_symlink():
        raise ConfigurationError(f"{path} is a symbolic link; a project's configuration must be a file of the project.")
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_CONFIG_BYTES} bytes.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except (
        yaml.YAMLError,
        ValueError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:  # PyYAML's own types miss values it cannot make
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{path} is not valid YAML: {reason}") from None
    if content is None:
        return ProjectConfig()
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must hold keys and values, for example `name: my-project`.")
    unknown = [str(key) for key in content if key not in ProjectConfig.model_fields]
    if unknown:
        close = get_close_matches(unknown[0], ProjectConfig.model_fields, n=1, cutoff=0.5)
        hint = f"Did you mean '{close[0]}'?" if close else f"Known keys: {', '.join(ProjectConfig.model_fields)}."
        raise ConfigurationError(f"{path}: unknown key '{unknown[0]}'. {hint}")
    try:
        config = ProjectConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: '{location}' is not valid: {first['msg']}.") from None
    for pattern in (*config.include, *config.exclude):
        _check_pattern(path, pattern)
    return config


def _check_pattern(path: Path, pattern: str) -> None:
    if ".." in pattern.removeprefix("!").split("/") or "\0" in pattern or not pattern.strip():
        raise ConfigurationError(f"{path}: the pattern '{pattern}' must name files inside the project, without '..'.")
    try:
        GitIgnoreSpec.from_lines([pattern])
    except (ValueError, re.error):
        raise ConfigurationError(f"{path}: '{pattern}' is not a pattern of gitignore.") from None


def resolve_allowed_root(path: str, allowed_roots: Sequence[Path]) -> Path:
    """The real directory of a path that a client gave.

    Raises:
        PathNotAllowedError: missing, not a directory, or outside the allowed roots: one message for all, so that it tells nothing of the
            disk. With no roots configured, the message names the setting.
    """
    if not allowed_roots:
        raise PathNotAllowedError("No directory may be indexed over MCP yet: set COCOSEARCH_ALLOWED_ROOTS on the server.")
    refused = PathNotAllowedError(
        f"'{path}' is not a directory below an allowed root of the server ({', '.join(str(root) for root in allowed_roots)})."
    )
    if "\0" in path or not Path(path).is_absolute():
        raise refused
    try:
        resolved = Path(path).resolve(strict=True)
        allowed = any(resolved.is_relative_to(root.resolve()) for root in allowed_roots) and resolved.is_dir()
    except (OSError, RuntimeError, ValueError):  # RuntimeError: a loop of links; ValueError: half of a surrogate pair
        raise refused from None
    if not allowed:
        raise refused
    return resolved
