"""What `include` and `exclude` of a project's `cocosearch.yaml` say of its paths."""

import os
from functools import lru_cache

from cocosearch.files.ignore_patterns import DIRECTORY_MARK, Rules, parse_rule
from cocosearch.projects import Project


class Selection:
    """Tells what a project's configuration takes out. The last pattern that matches a file, or a directory above it, decides."""

    def __init__(self, project: Project) -> None:
        root, base = project.root, project.pattern_base
        self._prefix = os.fsencode(root.relative_to(base).as_posix() + "/") if root != base else b""
        self._include = _Patterns(project.config.include) if project.config.include else None
        self._exclude = _Patterns(project.config.exclude) if project.config.exclude else None

    def takes(self, path: str) -> bool:
        """Whether a file, by its path in the project, is wanted."""
        if self._include is None and self._exclude is None:
            return True
        configured = self._prefix + os.fsencode(path)
        if self._include is not None and not self._include.name(configured):
            return False
        return self._exclude is None or not self._exclude.name(configured)


class _Patterns:
    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._rules = _compiled(patterns)
        self._last_of_directory: dict[bytes, int] = {b"": -1}

    def name(self, path: bytes) -> bool:
        """Whether they name the path."""
        found = max(self._of_directory(path.rpartition(b"/")[0]), self._rules.last_match(path))
        return found >= 0 and self._rules.rules[found].ignores

    def _of_directory(self, path: bytes) -> int:
        """The last rule that matches a directory or one above it."""
        unknown = []
        at = path
        while at not in self._last_of_directory:
            unknown.append(at)
            at = at.rpartition(b"/")[0]
        for below in reversed(unknown):
            above = self._last_of_directory[below.rpartition(b"/")[0]]
            self._last_of_directory[below] = max(above, self._rules.last_match(below + DIRECTORY_MARK))
        return self._last_of_directory[path]


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> Rules:
    rules = (parse_rule(pattern.encode("utf-8")) for pattern in patterns)
    return Rules([rule for rule in rules if rule is not None])
