"""What has to hold at the end, whatever happened: rows and vectors equal those of a clean run, and nothing was lost on the way."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.appliance.client import Assistant
from tests.appliance.facts import wait_until
from tests.soak.machine import Machine
from tests.soak.people import Searcher

SETTLED_SECONDS = 600.0
GROWTH, ALLOWANCE_BYTES = 1.25, 20 * 2**20
# A sentence begins with a capital letter or a name in quotes, and says more than a word.
SHORTEST_SENTENCE = 20
LEAKS = ("Traceback", "psycopg", 'File "', "does not exist\nLINE")

# All that is stored of a project's code, a line for each row; ids and times are another run's own.
ROWS = """
SELECT 'file' AS kind, md5(row(path, language, chunk_count, skip_reason)::text) AS row
  FROM files WHERE project_id = {project}
UNION ALL
SELECT 'chunk', md5(row(path, ordinal, language, start_line, end_line, symbols, enclosing, text, embedded_digest, terms, weights)::text)
  FROM chunks WHERE project_id = {project}
UNION ALL
SELECT 'definition', md5(row(path, definitions.kind, name, qualified_name, start_line, end_line, name_line)::text)
  FROM definitions WHERE project_id = {project}
UNION ALL
SELECT 'vector', md5(row(chunk.path, chunk.ordinal, vector.embedding)::text)
  FROM chunks AS chunk JOIN projects ON projects.id = chunk.project_id
  LEFT JOIN embeddings AS vector ON vector.model_id = projects.model_id AND vector.text_digest = chunk.embedded_digest
  WHERE chunk.project_id = {project}
"""
WITHOUT_VECTOR = """
SELECT count(*) FROM chunks AS chunk JOIN projects ON projects.id = chunk.project_id
  LEFT JOIN embeddings AS vector ON vector.model_id = projects.model_id AND vector.text_digest = chunk.embedded_digest
  WHERE chunk.project_id = {project} AND vector.embedding IS NULL
"""
REFUSED = "SELECT count(*) FROM embeddings WHERE embedding IS NULL"
FORGET = """
DELETE FROM embeddings USING chunks WHERE chunks.project_id = {project} AND embeddings.text_digest = chunks.embedded_digest
"""


@dataclass(frozen=True)
class Finding:
    """One thing that has to hold: whether it does, and what was seen."""

    what: str
    holds: bool
    seen: str


def settle(assistant: Assistant, project: str) -> None:
    """Wait until the project's index is complete and was looked at once more."""
    first = str(assistant.call("index_status", project=project)["checked_at"])

    def settled() -> bool:
        status = assistant.call("index_status", project=project)
        return bool(status["state"] == "ready" and str(status["checked_at"]) > first and status["chunks"] == status["chunks_embedded"])

    wait_until(settled, SETTLED_SECONDS, f"the index of {project} to be complete")


def compare_with_clean_run(machine: Machine, assistant: Assistant, project: str, directory: str) -> Sequence[Finding]:
    """Index the same files from nothing, their vectors too, and compare every row. The index is the clean one afterwards."""
    number = _number(machine, project)
    lost = machine.sql(WITHOUT_VECTOR.format(project=number))
    refused = machine.sql(REFUSED)
    worn = machine.sql(ROWS.format(project=number)).splitlines()
    forget = FORGET.format(project=number)
    machine.run("cocosearch", "clear", project, "--yes")
    machine.sql(forget)
    # The project's number is gone with its rows: what was its own has no other owner.
    machine.sql("DELETE FROM embeddings WHERE NOT EXISTS (SELECT FROM chunks WHERE embedded_digest = text_digest)")
    machine.run("cocosearch", "index", directory)
    settle(assistant, project)
    clean = machine.sql(ROWS.format(project=_number(machine, project))).splitlines()
    return (
        Finding("every chunk has its vector", lost == "0", f"{lost} without"),
        Finding("no text is held to be refused", refused == "0", f"{refused} refused"),
        Finding(
            "rows and vectors equal those of a clean run",
            sorted(worn) == sorted(clean) and bool(clean),
            f"{len(worn)} rows, {len(clean)} in the clean run, {len(set(worn) ^ set(clean))} differ",
        ),
    )


def _number(machine: Machine, project: str) -> str:
    return machine.sql(f"SELECT id FROM projects WHERE name = '{project}'")  # noqa: S608 - a name of the soak's own


def every_refusal_has_a_sentence(searcher: Searcher) -> Finding:
    """What an assistant was told where it got no answer, or less than a whole one."""
    told = {answer.words for answer in searcher.answers if answer.kind in {"refused", "less"}}
    bad = [
        words
        for words in told
        if len(words) < SHORTEST_SENTENCE or not words.rstrip().endswith((".", "`", ")")) or any(leak in words for leak in LEAKS)
    ]
    return Finding("whatever was refused had a sentence", not bad, "; ".join(sorted(told)) if not bad else f"no sentence: {bad}")


def memory_is_flat(samples: Mapping[str, Sequence[int]]) -> Finding:
    """The median of the last third beside that of the second, by service: what grows for ever shows, a fresh process does not."""
    grown, seen = [], []
    for unit, values in samples.items():
        third = max(1, len(values) // 3)
        middle, last = statistics.median(values[third : 2 * third] or values), statistics.median(values[-third:])
        seen.append(f"{unit.removesuffix('.service')} {middle / 2**20:.0f} → {last / 2**20:.0f} MiB")
        if last > middle * GROWTH + ALLOWANCE_BYTES:
            grown.append(unit)
    return Finding("memory is flat", not grown, ", ".join(seen))
