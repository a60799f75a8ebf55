"""The language of a file, by its name."""

import pytest

from cocosearch.lexicon.languages import detect_language


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"),
        ("src/a.js", "javascript"),
        ("a.ts", "typescript"),
        ("a.tsx", "tsx"),
        ("a.go", "go"),
        ("a.rs", "rust"),
        ("A.java", "java"),
        ("a.c", "c"),
        ("a.cpp", "cpp"),
        ("a.cs", "csharp"),
        ("a.rb", "ruby"),
        ("a.php", "php"),
        ("a.kt", "kotlin"),
        ("a.sh", "bash"),
        ("a.md", "markdown"),
        ("a.PY", "python"),
        ("Dockerfile", "dockerfile"),
        ("dockerfile.dev", "dockerfile"),
        ("Makefile", "makefile"),
        ("x/CMakeLists.txt", "cmake"),
        ("a.service", "systemd"),
        ("notes", "text"),
        ("a.unheard-of", "text"),
        ("py", "text"),
    ],
)
def test_the_language_is_told_by_the_name(path: str, language: str) -> None:
    assert detect_language(path) == language
