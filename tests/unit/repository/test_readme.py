"""The README says what the code does."""

from pathlib import Path

from cocosearch.operations.configuration import settings_table

README = Path(__file__).parents[3] / "README.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->"


def test_the_table_of_settings_is_the_generated_one() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1, f"README.md needs one block between {BEGIN.strip()} and {END}"
    written = text.split(BEGIN)[1].split(END)[0]
    assert written.strip() == settings_table().strip(), (
        "README.md is out of date: put the output of `.venv/bin/python -m cocosearch.operations.configuration` between "
        f"{BEGIN.strip()} and {END}"
    )
