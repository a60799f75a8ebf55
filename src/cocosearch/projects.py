"""Projects on disk: where `cocosearch.yaml` is found, what it may say, and which directories may be indexed."""

import errno
import os
import pwd
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cocosearch.errors import ConfigurationError, PathNotAllowedError
from cocosearch.files.beneath import NotAFileError, directory, read_file, status
from cocosearch.files.git_places import git_own_directory, git_root
from cocosearch.files.ignore_patterns import parse_rule

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
    return next((candidate for candidate in candidates if _holds_config(candidate)), None)


def _holds_config(candidate: Path) -> bool:
    """Whether there is a file, or a link, which is then refused; a directory that this user may not enter has no configuration for it."""
    try:
        with directory(candidate.parent) as base:
            found = status(base, candidate.name)
    except OSError:
        return False
    return found is not None and (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode))


def load_project(root: Path, name: str | None = None) -> Project:
    """The project at a directory.

    Raises:
        ConfigurationError: the directory's `cocosearch.yaml` or the name is malformed, or there is no such directory for this user.
    """
    root = _readable_directory(root)
    own = git_own_directory(root)
    if own is not None:
        raise ConfigurationError(bare_repository_message(root, own))
    config_path = find_config(root)
    config = read_config(config_path) if config_path else ProjectConfig()
    config_name = config.name if config_path and config_path.parent == root else None
    chosen = name or config_name or _name_from_directory(root)
    if not re.fullmatch(NAME_PATTERN, chosen):
        raise ConfigurationError(
            f"'{chosen}' cannot be a project's name: use up to 64 lower-case letters, digits, '.', '_' and '-', not beginning with a mark."
        )
    return Project(name=chosen, root=root, config=config, config_path=config_path)


def load_known_project(root: Path, name: str) -> Project:
    """The project at a root that is indexed already: the same directory as ever, not where a link in its place leads to.

    Raises:
        ConfigurationError: as for `load_project`, or the root has become a symbolic link, or lies behind one.
    """
    _refuse_moved(root, _readable_directory(root))
    project = load_project(root, name)
    _refuse_moved(root, project.root)  # it may have been swapped in this moment
    return project


def _refuse_moved(root: Path, real: Path) -> None:
    if real != root:
        raise ConfigurationError(
            f"{root} has become a symbolic link, or lies behind one. The existing index is kept; index {real} instead."
        )


def bare_repository_message(root: Path, own: Path) -> str:
    """Why a directory cannot be indexed that is git's own, or lies in it."""
    where = "is a bare git repository" if own == root else f"lies in git's own directory {own}"
    return f"{root} {where}: it holds git's records, no files of a project. Clone the repository, and index the clone."


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


def real_directory(path: Path) -> Path:
    """The directory that a user's path names, without links; what is wrong with it is said by `load_project`."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return path.absolute()


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
    try:
        with directory(path.parent) as base:
            data = read_file(base, path.name, MAX_CONFIG_BYTES)
    except NotAFileError:
        raise ConfigurationError(f"{path} is not a file.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigurationError(f"{path} is a symbolic link; a project's configuration must be a file of the project.") from None
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_CONFIG_BYTES} bytes.")
    try:
        content = yaml.safe_load(data.decode("utf-8"))
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
        encoded = pattern.encode("utf-8")
        rule = None if encoded.startswith(b"#") or b"\n" in encoded else parse_rule(encoded)
    except ValueError as error:
        raise ConfigurationError(f"{path}: '{pattern}' is not a pattern of gitignore: {error}.") from None
    if rule is None or any(_has_range_backwards(bracket) for bracket in re.findall(r"\[([^\]]+)\]", pattern)):
        raise ConfigurationError(f"{path}: '{pattern}' is not a pattern of gitignore, or can match nothing.")


def _has_range_backwards(bracket: str) -> bool:
    return any(mark == "-" and low > high for low, mark, high in zip(bracket, bracket[1:], bracket[2:], strict=False))


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
