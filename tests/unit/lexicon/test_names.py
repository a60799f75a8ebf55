"""Words that people and models write for languages, and the names that the index has for them."""

import subprocess
import sys

import pytest

from cocosearch.indexing.chunking.definitions.grammars import languages
from cocosearch.lexicon.languages import also_written_as, display_names, languages_named

MEANINGS = {
    "ts": ("typescript", "tsx"),
    "TypeScript": ("typescript", "tsx"),
    "tsx": ("tsx",),
    ".ts": ("typescript", "tsx"),
    "js": ("javascript",),
    "jsx": ("javascript",),
    "node": ("javascript",),
    "py": ("python",),
    "Python": ("python",),
    "python3": ("python",),
    ".py": ("python",),
    "golang": ("go",),
    "c#": ("csharp",),
    "cs": ("csharp",),
    "C Sharp": ("csharp",),
    "C++": ("cpp",),
    ".cpp": ("cpp",),
    "c": ("c",),
    "C/C++": ("c", "cpp"),
    "javascript, typescript": ("javascript", "typescript", "tsx"),
    "f#": ("fsharp",),
    "sh": ("bash",),
    "zsh": ("bash",),
    "shell": ("bash", "fish", "tcsh"),
    "yml": ("yaml",),
    "Objective-C": ("objective-c", "objective-c++"),
    "objective c": ("objective-c", "objective-c++"),
    "objc": ("objective-c", "objective-c++"),
    "ocaml": ("ocaml",),
    "Visual Basic .NET": ("vbnet",),
    "rb": ("ruby",),
    "rs": ("rust",),
    "kt": ("kotlin",),
    "tf": ("terraform",),
    "terraform": ("terraform",),
    "hcl": ("hcl", "terraform"),
    "docker": ("dockerfile",),
    "Protocol Buffers": ("protobuf",),
    "proto": ("protobuf",),
    "jsonc": ("json",),
    "scss": ("css",),
    "md": ("markdown",),
    "txt": ("text",),
    "plain text": ("text",),
    "postgres": ("sql",),
    "make": ("makefile",),
    "System Verilog": ("systemverilog",),
    "vue": ("vue",),
    "  Rust ": ("rust",),
    "klingon": (),
    "": (),
    " . ": (),
    "python or klingon": (),
    ",": (),
}


@pytest.mark.parametrize("word", MEANINGS)
def test_a_word_means_what_people_mean_by_it(word: str) -> None:
    assert languages_named(word) == MEANINGS[word]


def test_a_name_of_the_index_means_itself_first() -> None:
    wrong = {name: languages_named(name) for name in display_names() if name not in languages_named(name)[:1]}
    assert wrong == {}


def test_every_language_with_definitions_has_a_name() -> None:
    assert set(languages()) <= set(display_names())


def test_a_header_serves_several_languages() -> None:
    assert {"objective-c", "matlab"} <= set(languages_named(".m"))
    assert set(languages_named(".h")) >= {"c", "cpp", "objective-c"}
    assert also_written_as("cpp") == (("c", ".h"),)
    assert also_written_as("python") == ()


def test_the_table_is_not_read_before_a_language_is_asked_for() -> None:
    code = "import sys, cocosearch.cli.main, cocosearch.lexicon.languages as l; from cocosearch.lexicon.table import table; "
    check = "assert table.cache_info().currsize == 0 and 're2' not in sys.modules; l.languages_named('py'); assert 're2' not in sys.modules"
    subprocess.run([sys.executable, "-c", code + check], check=True, timeout=60)
