"""The documents say what the code does, and lead where they say."""

import re
import shlex
from pathlib import Path

import pytest
from tools.write_command_line import PAGE, page, parsers

from cocosearch.cli.main import command_parser
from cocosearch.database.pgvector import MIN_PGVECTOR, written
from cocosearch.operations.configuration import settings_table
from cocosearch.search.types import Degraded

REPOSITORY = Path(__file__).parents[3]
README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
DOCUMENTS = sorted(
    [*REPOSITORY.glob("*.md"), *DOCS.glob("*.md"), *REPOSITORY.glob("roles/*/*.md"), *REPOSITORY.glob("*/README.md")],
    key=lambda path: path.relative_to(REPOSITORY),
)
# Where people read which pgvector is needed.
PGVECTOR = ("docs/configuration.md", "docs/install.md", "docs/decisions.md", "roles/cocosearch/README.md", "roles/postgresql/README.md")
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->"


def name_of(document: Path) -> str:
    return str(document.relative_to(REPOSITORY))


def prose(document: Path) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """Of its headings, as GitHub and others make them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(document: Path) -> list[str]:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert dead_links(document) == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# One heading\n[a](#one-heading) [b](#two) [c](b.md) [d](a.md#one-heading) [e](https://example.org)\n")
    assert dead_links(document) == ["#two", "b.md"]


def test_the_readme_is_short_and_names_every_document() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count("\n") <= 150
    assert {path.name for path in DOCS.glob("*.md")} <= set(re.findall(r"\(docs/([\w-]+\.md)", text))


def test_the_table_of_settings_is_the_generated_one() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1, f"docs/configuration.md needs one block between {BEGIN.strip()} and {END}"
    written = text.split(BEGIN)[1].split(END)[0]
    assert written.strip() == settings_table().strip(), (
        "docs/configuration.md is out of date: put the output of `.venv/bin/python -m cocosearch.operations.configuration` between "
        f"{BEGIN.strip()} and {END}"
    )


def test_the_page_of_commands_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `.venv/bin/python tools/write_command_line.py`"


def test_every_reason_for_a_lesser_answer_has_its_remedy() -> None:
    table = (DOCS / "troubleshoot.md").read_text(encoding="utf-8").split("| `degraded` |")[1]
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == list(Degraded)


def commands() -> list[tuple[str, list[str]]]:
    """Each command line of a document that calls `cocosearch`, with the document."""
    found = []
    for document in DOCUMENTS:
        for block in re.findall(r"^```sh\n(.*?)^```$", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                called = re.search(r"(?:^|[ /])cocosearch (?=[a-z])(.*)$", line.split("  #")[0])
                if called and "docker compose" not in line and "claude mcp add" not in line:
                    found.append((f"{name_of(document)}: {line}", shlex.split(re.split(r' && | \| |\)"', called[1])[0])))
    return found


@pytest.mark.parametrize(("line", "arguments"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_of_a_document_is_one(line: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        command_parser().parse_args(arguments)
    except SystemExit:
        pytest.fail(f"{line}\n{capsys.readouterr().err}")


def test_commands_are_looked_at() -> None:
    assert len(commands()) > 15
    assert {parser.prog for parser in parsers(command_parser())} > {"cocosearch search", "cocosearch token rotate"}
    with pytest.raises(SystemExit):
        command_parser().parse_args(["no-such-command"])


@pytest.mark.parametrize("document", PGVECTOR)
def test_the_pgvector_that_is_needed_is_the_programs(document: str) -> None:
    named = re.findall(r"(?:with|needs?|has) pgvector (?:\u2265 )?(\d+(?:\.\d+)*)", (REPOSITORY / document).read_text(encoding="utf-8"))
    assert set(named) == {written(MIN_PGVECTOR)}
