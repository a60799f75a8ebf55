"""Quality of retrieval on a benchmark that others made, and what each arm and each signal brings to it.

    python -m benchmarks.retrieval BENCH --corpus CORPUS [--whole WHOLE [--without NAME …]]

BENCH holds `queries.jsonl`, `evaluate.py` and `cosqa/` (questions over single functions); CORPUS a directory for each repository that the
queries name, WHOLE the same with tests, documents and examples. Starts everything it needs: PostgreSQL in a container
(tools/test-postgres) and the embedded embedding server. Vectors are kept in .cache/retrieval, so that a second run embeds nothing.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from benchmarks import vectors
from tests.integration import services

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.migrations import migrate
from cocosearch.database.models import RegisteredModel, register_model
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.search.candidates import find_candidates
from cocosearch.search.filters import Filters
from cocosearch.search.query import Query, TermWeights, analyse
from cocosearch.search.ranking import WEIGHTS, Weights, rank
from cocosearch.search.types import Arm, Candidate, QueryVector
from cocosearch.settings import Settings

TOP = 10
BOTH, LEXICAL, DENSE = frozenset(Arm), frozenset({Arm.LEXICAL}), frozenset({Arm.DENSE})
NO_NOISE = dict.fromkeys(WEIGHTS.noise, 1.0)
NOTHING = replace(
    WEIGHTS, quoted_definition=0.0, definition=0.0, quoted_file=0.0, file_name=0.0, coherence=0.0, saturation=1.0, noise=NO_NOISE
)
# What is compared: arms and constants, by name.
ARMS: Mapping[str, tuple[frozenset[Arm], Weights]] = {
    "**hybrid**": (BOTH, WEIGHTS),
    "lexical arm alone": (LEXICAL, WEIGHTS),
    "dense arm alone": (DENSE, replace(WEIGHTS, dense=1.0, dense_of_name=1.0)),
    "hybrid, no signal": (BOTH, NOTHING),
    "lexical, no signal (BM25)": (LEXICAL, NOTHING),
    "dense, no signal": (DENSE, replace(NOTHING, dense=1.0, dense_of_name=1.0)),
}
ABLATION: Mapping[str, tuple[frozenset[Arm], Weights]] = {
    "without quoted_definition": (BOTH, replace(WEIGHTS, quoted_definition=0.0)),
    "without definition": (BOTH, replace(WEIGHTS, definition=0.0)),
    "without quoted_file": (BOTH, replace(WEIGHTS, quoted_file=0.0)),
    "without file_name": (BOTH, replace(WEIGHTS, file_name=0.0)),
    "without coherence": (BOTH, replace(WEIGHTS, coherence=0.0)),
    "without saturation": (BOTH, replace(WEIGHTS, saturation=1.0)),
    "without noise": (BOTH, replace(WEIGHTS, noise=NO_NOISE)),
    "names like sentences": (BOTH, replace(WEIGHTS, dense_of_name=WEIGHTS.dense)),
    "lexical, without coherence": (LEXICAL, replace(WEIGHTS, coherence=0.0)),
    "lexical, without quoted_definition": (LEXICAL, replace(WEIGHTS, quoted_definition=0.0)),
}
Lines: TypeAlias = Mapping[int, tuple[int, int]]


@dataclass(frozen=True)
class Prepared:
    """A query with the candidates of each choice of arms."""

    identity: str
    query: Query
    found: Mapping[frozenset[Arm], tuple[TermWeights, list[Candidate]]]
    lines: Lines


def main() -> None:
    """Index, search, score, print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--whole", type=Path)
    parser.add_argument("--without", nargs="*", default=[], metavar="NAME", help="repositories to leave out of WHOLE")
    parser.add_argument("--results", type=Path, default=vectors.CACHE / "results", help="directory of the result files")
    arguments = parser.parse_args()
    evaluate = _module(arguments.bench / "evaluate.py")
    queries = _read(arguments.bench / "queries.jsonl")
    arguments.results.mkdir(parents=True, exist_ok=True)
    with services.postgres() as postgres_url, services.embedder() as embedder_url, tempfile.TemporaryDirectory() as scratch:
        bench = _Bench(postgres_url, embedder_url, Path(scratch), arguments.results)
        prepared = bench.prepare("corpus", arguments.corpus, queries)
        bench.table("The benchmark's own scope", evaluate, queries, prepared, {**ARMS, **ABLATION})
        if arguments.whole:
            there = {directory.name for directory in arguments.whole.iterdir()} - set(arguments.without)
            common = [query for query in queries if query["repo"] in there]
            by_identity = {entry.identity: entry for entry in prepared}
            bench.table(f"The same repositories ({len(there)}), own scope", evaluate, common, [by_identity[q["id"]] for q in common], ARMS)
            whole = bench.prepare("whole", arguments.whole, common)
            bench.table(f"Whole repositories ({len(there)})", evaluate, common, whole, {**ARMS, **ABLATION})
        functions = _read(arguments.bench / "cosqa" / "queries.jsonl")
        corpus = _written_out(arguments.bench / "cosqa" / "codebase.jsonl", Path(scratch) / "functions")
        bench.table("CoSQA", evaluate, functions, bench.prepare("cosqa", corpus, functions), {**ARMS, **ABLATION})


@dataclass(frozen=True)
class _Bench:
    postgres_url: str
    embedder_url: str
    scratch: Path
    results: Path

    def prepare(self, name: str, corpus: Path, queries: Sequence[Mapping[str, Any]]) -> list[Prepared]:
        """Index the repositories that the queries name, each as a project, and find all candidates."""
        with services.fresh_database(self.postgres_url) as url:
            settings = Settings(
                database_url=url, ollama_url=self.embedder_url, model="all-minilm", state_dir=self.scratch / name, max_file_bytes=2_000_000
            )
            with connect(settings) as connection, OllamaClient(settings) as client:
                migrate(connection)
                model = client.describe_model()
                model_id = register_model(connection, model)
                cached = vectors.cache_of(model)
                if cached.exists():
                    vectors.load(connection, model_id, cached)
                for repository in sorted({query["repo"] for query in queries}):
                    result = index_project(settings, load_project(corpus / repository, repository))
                    sys.stderr.write(f"{name} {repository}: {result.files} files, {result.embedded} texts embedded\n")
                    if result.embedded:
                        vectors.keep(connection, model_id, cached)
                vectors.drop_unused(connection)
                connection.execute("VACUUM (ANALYZE) chunks, embeddings, definitions, term_statistics")
                return [_prepared(connection, client, RegisteredModel(model_id, model.dimensions), query) for query in queries]

    def table(
        self,
        title: str,
        evaluate: ModuleType,
        queries: Sequence[Mapping[str, Any]],
        prepared: Sequence[Prepared],
        variants: Mapping[str, tuple[frozenset[Arm], Weights]],
    ) -> None:
        """Print NDCG@10 by chunk / by file, macro over repositories, by category, and where no word of the query is in the file's name."""
        categories = sorted({query["category"] for query in queries})
        overlap = "stem_overlap" in queries[0]
        heads = ["all", *categories, *(["no shared word"] if overlap else [])]
        print(f"\n### {title}: {len(queries)} queries\n\n| ranking | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
        for name, (arms, weights) in variants.items():
            results = [_result(entry, arms, weights) for entry in prepared]
            file = self.results / f"{title} {name}.jsonl".replace("*", "").replace(" ", "-").replace(",", "")
            file.write_text("".join(json.dumps(line) + "\n" for line in results))
            rows = evaluate.evaluate(queries, results)
            by_category = evaluate.table(rows, "category")
            scores = [evaluate.macro(rows), *(by_category[category] for category in categories)]
            if overlap:
                scores.append(evaluate.table(rows, "stem_overlap")["no"])
            print(f"| {name} | " + " | ".join(f"{score['chunk']:.3f} / {score['file']:.3f}" for score in scores) + " |", flush=True)


def _prepared(connection: Connection, client: OllamaClient, model: RegisteredModel, line: Mapping[str, Any]) -> Prepared:
    query = analyse(line["query"])
    vector = QueryVector(client.embed_query(line["query"]), model)
    row = connection.execute("SELECT id, chunks FROM projects WHERE name = %s", [line["repo"]]).fetchone()
    assert row is not None
    found = {}
    for arms in (BOTH, LEXICAL, DENSE):
        with connection.transaction():
            found[arms] = find_candidates(connection, query, vector, Filters(project_id=row[0]), arms=arms, chunks=row[1])
    ids = sorted({candidate.chunk_id for _, candidates in found.values() for candidate in candidates})
    lines = {
        row[0]: (row[1], row[2]) for row in connection.execute("SELECT id, start_line, end_line FROM chunks WHERE id = ANY(%s)", [ids])
    }
    return Prepared(line["id"], query, found, lines)


def _result(entry: Prepared, arms: frozenset[Arm], weights: Weights) -> dict[str, Any]:
    terms, candidates = entry.found[arms]
    best = rank(entry.query, terms, candidates, weights)[:TOP]
    return {
        "id": entry.identity,
        "results": [
            {
                "path": found.candidate.path,
                "start_line": entry.lines[found.candidate.chunk_id][0],
                "end_line": entry.lines[found.candidate.chunk_id][1],
                "score": found.signals.score,
            }
            for found in best
        ],
    }


def _written_out(codebase: Path, directory: Path) -> Path:
    for line in _read(codebase):
        file = directory / "cosqa" / line["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(line["code"])
    return directory


def _read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _module(file: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("evaluate", file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
