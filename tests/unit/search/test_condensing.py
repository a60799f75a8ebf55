"""Long queries: what is kept of real stack traces, and of texts without anything that tells."""

import random
from pathlib import Path

import pytest

from cocosearch.search.condensing import MESSAGES, NAMES, condense

TRACES = Path(__file__).parent / "traces"
BOUND = MESSAGES + NAMES + 2

# The cause, and the names of the code that it happened in.
TOLD = {
    "python": ("E1042: quota exceeded (limit=42%)", "request failed for user 7", "check_quota", "check_left"),
    "java": ("Order 4711 has no invoice lines", "request failed for user 7", "InvoiceService", "requireLines"),
    "js": ("cannot render invoice total: total is undefined", "renderInvoiceTotal"),
    "go": ("index out of range [99] with length 3", "RingBuffer", "ring.go", "fill.go"),
    "rust": ("index out of bounds: the len is 3 but the index is 99", "RingBuffer", "push"),
    "csharp": ("Ledger 4711 cannot be closed twice", "(Parameter 'ledgerId')", "LedgerService", "CloseLedger", "LedgerController"),
}


@pytest.mark.parametrize("language", TOLD)
def test_a_trace_is_searched_by_its_messages_and_its_own_code(language: str) -> None:
    condensed = condense((TRACES / f"{language}.txt").read_text())
    assert [part for part in TOLD[language] if part not in condensed] == []
    assert len(condensed) <= BOUND
    assert "Traceback" not in condensed


@pytest.mark.parametrize("language", TOLD)
def test_a_trace_in_the_middle_of_a_question_is_found_too(language: str) -> None:
    talk = "This is what I see since this morning, and nobody knows more about it than I do.\n"
    condensed = condense(talk * 30 + (TRACES / f"{language}.txt").read_text() + talk * 30)
    assert TOLD[language][0] in condensed
    assert len(condensed) <= BOUND


def test_a_message_in_one_long_line_is_found() -> None:
    line = " ".join(f"step{number}" for number in range(500)) + " QuotaError: exceeded for user 7 " + "ok " * 1000
    assert "QuotaError: exceeded for user 7" in condense(line)


@pytest.mark.parametrize(
    "text", ["how does it give up " * 200, "x" * 5000, "!? " * 3000, "在庫管理" * 2000, "\n" * 5000 + "a", "a b " * 50_000]
)
def test_a_text_in_which_nothing_tells_is_searched_by_its_ends(text: str) -> None:
    condensed = condense(text)
    assert len(condensed) <= 2 * MESSAGES + 1
    assert condensed[:20] in text


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_sent_the_result_is_short(seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311 - data, not secrets
    pieces = [
        "Error: ",
        "\n",
        "at a.b(",
        ")",
        "::",
        "/x/y.py",
        '"',
        "panicked at",
        " ",
        "é",
        "在",
        "\t",
        'File "',
        "_",
        "A" * 500,
        "0x1F",
        "\\",
        "$",
    ]
    text = "".join(generator.choices(pieces, k=generator.randrange(2000, 60_000)))
    assert len(condense(text)) <= max(BOUND, 2 * MESSAGES + 1)
