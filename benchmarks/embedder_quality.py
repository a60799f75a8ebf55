"""Dense retrieval quality of an embedding server that speaks Ollama's API, on a set of questions and functions.

    python benchmarks/embedder_quality.py DIRECTORY --url http://127.0.0.1:11434 --model all-minilm [--output results.jsonl]

DIRECTORY holds `queries.jsonl` (`id`, `query`, `targets: [{path}]`) and `codebase.jsonl` (`path`, `code`); each entry of the codebase is
one document, cut by the server at its window. Prints NDCG@10, recall@10 and the rate; `--output` keeps the ten best of each query.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray

TOP = 10
BATCH = 64


@dataclass(frozen=True)
class Query:
    """A question and the paths that answer it."""

    identity: str
    text: str
    answers: frozenset[str]


def read_lines(path: Path) -> list[dict[str, object]]:
    """Read a file of one JSON object a line."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_queries(path: Path) -> list[Query]:
    """Read the questions."""
    return [
        Query(identity=line["id"], text=line["query"], answers=frozenset(target["path"] for target in line["targets"]))
        for line in map(json.loads, path.read_text().splitlines())
    ]


def embed(client: httpx.Client, model: str, texts: list[str]) -> NDArray[np.float32]:
    """Return one row a text."""
    rows = []
    for begin in range(0, len(texts), BATCH):
        answer = client.post("/api/embed", json={"model": model, "input": texts[begin : begin + BATCH]})
        answer.raise_for_status()
        rows += answer.json()["embeddings"]
        sys.stderr.write(f"\r{len(rows)}/{len(texts)}")
    sys.stderr.write("\n")
    return np.array(rows, dtype=np.float32)


def ndcg(ranked: list[str], answers: frozenset[str]) -> float:
    """Return the normalised discounted cumulative gain of the ten best, every answer being worth the same."""
    discounts = 1 / np.log2(np.arange(TOP) + 2)
    gain = sum(discounts[rank] for rank, path in enumerate(ranked) if path in answers)
    return float(gain / discounts[: len(answers)].sum())


def main() -> None:
    """Embed, rank, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:11434")
    parser.add_argument("--model", default="all-minilm")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    queries = read_queries(arguments.directory / "queries.jsonl")
    codebase = read_lines(arguments.directory / "codebase.jsonl")
    paths = [str(entry["path"]) for entry in codebase]
    with httpx.Client(base_url=arguments.url, timeout=600, trust_env=False) as client:
        begin = time.perf_counter()
        documents = embed(client, arguments.model, [str(entry["code"]) for entry in codebase])
        rate = len(codebase) / (time.perf_counter() - begin)
        questions = embed(client, arguments.model, [query.text for query in queries])
    scores = questions @ documents.T
    ranked = [[paths[index] for index in np.argsort(-row, kind="stable")[:TOP]] for row in scores]
    gains = [ndcg(found, query.answers) for found, query in zip(ranked, queries, strict=True)]
    recalls = [len(query.answers.intersection(found)) / len(query.answers) for found, query in zip(ranked, queries, strict=True)]
    print(f"{len(queries)} queries, {len(codebase)} documents, {rate:.1f} documents/s")
    print(f"NDCG@10 {np.mean(gains):.4f}, recall@10 {np.mean(recalls):.4f}")
    if arguments.output is not None:
        lines = [
            json.dumps({"id": query.identity, "results": [{"path": path, "start_line": None, "end_line": None} for path in found]})
            for query, found in zip(queries, ranked, strict=True)
        ]
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
