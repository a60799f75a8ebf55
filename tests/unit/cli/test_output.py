"""What commands print."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cocosearch.access.text import line, printable
from cocosearch.cli.output import as_json, write_hits, write_project, write_projects
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import ProjectStatus
from cocosearch.operations.configuration import Value
from cocosearch.search.types import Arm, Hit, IndexState, SearchResponse, Signals, Timings

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ESCAPE = "\x1b[2J\x1b]0;title\x07\r\x9b31m\u202e\n"


SIGNALS = Signals(lexical=0.25, cosine=0.5, mixed=1.0, quoted_definition=0.0, definition=0.1, quoted_file=0.0, file_name=0.0, noise=0.3)


def hit(**changed: str | None) -> Hit:
    given = {
        "project": "demo",
        "path": "src/a.py",
        "symbol": "answer",
        "enclosing": None,
        "text": "def answer():\n\treturn 42",
        "language": "python",
        **changed,
    }
    return Hit(start_line=3, end_line=4, score=0.75, arms=(Arm.LEXICAL, Arm.DENSE), signals=SIGNALS, **given)  # type: ignore[arg-type]


def status(name: str = "demo", root: str = "/srv/demo", last_error: str | None = None) -> ProjectStatus:
    return ProjectStatus(
        name=name,
        root=root,
        state=ProjectState.READY,
        model="all-minilm",
        files=3,
        chunks=9,
        chunks_embedded=8,
        files_total=3,
        files_done=3,
        skipped={"secret": 1, "binary": 2},
        requested_at=WHEN,
        started_at=WHEN,
        indexed_at=WHEN,
        checked_at=None,
        last_error=last_error,
    )


def response(*hits: Hit, note: str | None = None) -> SearchResponse:
    return SearchResponse(hits, note, None, (IndexState("demo", "ready", 9, 8, WHEN, None),), Timings(1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("é 日本 🎉\u3000wide\u00a0space", "é 日本 🎉\u3000wide\u00a0space"),
        ("\x1b[31mred", "�[31mred"),
        ("a\rb\x08\x07\x7f\x00", "a�b����"),
        ("\x9b31m", "�31m"),
        ("abc\u202edcba\u2066", "abc�dcba�"),
        ("half \ud800 pair", "half � pair"),
    ],
)
def test_what_a_terminal_would_obey_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_line_stays_one_line() -> None:
    assert line("a\nb\r\nc") == "a�b��c\n"


def harmful(text: str) -> list[str]:
    return [character for character in text if character in "\x1b\x07\r\x9b\u202e"]


def test_hits_are_shown_with_their_place_and_text(capsys: pytest.CaptureFixture[str]) -> None:
    write_hits(response(hit(), note="Found by words alone."))
    captured = capsys.readouterr()
    assert captured.out == "demo/src/a.py:3-4  answer  [0.75 lexical+dense]\n    def answer():\n    \treturn 42\n\n"
    assert captured.err == "Note: Found by words alone.\n"


def test_no_hits_say_so_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    write_hits(response())
    assert capsys.readouterr() == ("", "Nothing found.\n")


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"symbol": "answer", "enclosing": "Deep.Thought"}, "  answer in Deep.Thought  "),
        ({"symbol": None, "enclosing": "Deep.Thought"}, "  in Deep.Thought  "),
        ({"symbol": None, "enclosing": None}, "3-4  ["),
    ],
)
def test_a_hit_names_what_it_defines_and_what_it_is_a_part_of(
    capsys: pytest.CaptureFixture[str], names: dict[str, str | None], shown: str
) -> None:
    write_hits(response(hit(**names)))
    assert shown in capsys.readouterr().out.split("\n")[0]


def test_explained_signals_stand_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(SIGNALS, lexical=0.0, cosine=None, mixed=-0.5, coherence=0.05)
    write_hits(response(hit(), replace(hit(), signals=other)), explain=True)
    first, second = (shown for shown in capsys.readouterr().out.split("\n") if shown.startswith("    lexical"))
    assert "lexical  0.25  cosine  0.50  mixed  1.00  quoted definition  0.00  definition  0.10" in first
    assert "lexical  0.00  cosine  none  mixed -0.50" in second
    for field in fields(Signals):
        name = f" {field.name.replace('_', ' ')} "
        assert first.index(name) == second.index(name)
    write_hits(response(hit()))
    assert "cosine" not in capsys.readouterr().out


@pytest.mark.parametrize("field", ["project", "path", "symbol", "enclosing", "text"])
def test_no_part_of_a_hit_steers_the_terminal(capsys: pytest.CaptureFixture[str], field: str) -> None:
    write_hits(response(hit(**{field: f"a{ESCAPE}b"}), note=ESCAPE))
    captured = capsys.readouterr()
    assert harmful(captured.out + captured.err) == []


def test_no_part_of_a_project_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    project = status(name=f"a{ESCAPE}", root=f"/srv{ESCAPE}", last_error=f"failed: {ESCAPE}")
    write_projects([project])
    assert capsys.readouterr().out.count("\n") == 1
    write_project(project)
    out = capsys.readouterr().out
    assert harmful(out) == []
    assert out.count("\n") == 11


def test_what_could_not_be_honoured_is_shown_with_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    noted = replace(status(), notes=[f"Ignore rules are missing: '{ESCAPE}' cannot be read."])
    for write in (write_project, lambda project: write_projects([project])):
        write(noted)
        out = capsys.readouterr().out
        assert "Ignore rules are missing" in out
        assert harmful(out) == []


def test_a_project_is_shown_with_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    write_project(status())
    out = capsys.readouterr().out
    for part in (
        "demo\n",
        "ready",
        "/srv/demo",
        "all-minilm",
        "9 searchable, 1 without a vector",
        "by words now, by meaning 88 %",
        "2 binary, 1 secret",
        "never",
        "none",
    ):
        assert part in out


def test_an_empty_index_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    write_projects([])
    assert "cocosearch index PATH" in capsys.readouterr().out


def test_json_holds_every_field_with_moments_and_paths_as_text() -> None:
    read = json.loads(as_json([status()]))
    assert read[0]["indexed_at"].startswith("2026-01-02 03:04:05")
    assert read[0]["state"] == "ready"
    assert read[0]["skipped"] == {"secret": 1, "binary": 2}
    found = json.loads(as_json(response(hit(text=ESCAPE))))
    assert found["hits"][0]["arms"] == ["lexical", "dense"]
    assert found["hits"][0]["text"] == ESCAPE
    assert found["hits"][0]["signals"]["noise"] == 0.3
    assert found["indexes"][0]["chunks_embedded"] == 8
    assert json.loads(as_json(Value("a", str(Path("/é")), "b"))) == {"name": "a", "value": "/é", "source": "b"}


ACTING = "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0x9B, 0x202A, 0x202E, 0x2066, 0x200B, 0x2028, 0xFEFF, 0xE0041, 0xE000, 0xD800]))


def test_json_for_machines_has_no_character_that_acts_and_loses_none() -> None:
    project = status(name=f"a{ACTING}", root=f"/srv{ACTING}", last_error=f"日本 é 🙂 {ACTING}")
    document = as_json([project, response(hit(path=ACTING, text=ACTING, symbol=ACTING), note=ACTING)])
    assert [character for character in document if not (character.isprintable() or character == "\n")] == []
    read = json.loads(document)
    assert (read[0]["name"], read[0]["root"]) == (f"a{ACTING}", f"/srv{ACTING}")
    assert read[1]["hits"][0]["text"] == read[1]["note"] == ACTING
    assert "日本 é 🙂" in document
