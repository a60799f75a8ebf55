"""Rate and latency of an embedding server that speaks Ollama's API (the embedded one, or Ollama itself).

    python benchmarks/embedder_rate.py --url http://127.0.0.1:11434 --model all-minilm [--pid PID] [--seconds 10]

Texts are slices of the Python standard library, cut to a number of tokens that the server itself counts. Prints, as a Markdown table:
texts a second in batches of 32 at 220 tokens, latency of a query on an idle server, and of the same query while batches are running.
With `--pid` also the server's processor time a text, which says something on a machine that does other work too, and its memory.
"""

import argparse
import inspect
import os
import statistics
import subprocess
import tarfile
import threading
import time
import typing
from pathlib import Path

import httpx

BATCH = 32
QUERY = "where are the settings read from the environment?"


class Server:
    """The server under test."""

    def __init__(self, url: str, model: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=600, trust_env=False)
        self.model = model

    def embed(self, texts: list[str]) -> int:
        """Embed and return the number of tokens that the server counted."""
        answer = self.client.post("/api/embed", json={"model": self.model, "input": texts})
        answer.raise_for_status()
        return int(answer.json()["prompt_eval_count"])


def sample_texts(server: Server, tokens: int) -> list[str]:
    """Return texts of about `tokens` tokens each: lines of library source, added until the server counts enough."""
    texts = []
    for module in (argparse, inspect, statistics, subprocess, tarfile, threading, typing):
        lines = inspect.getsource(module).splitlines()
        for begin in range(0, min(len(lines), 240), 40):
            text = "\n".join(lines[begin : begin + 40])
            words = text.split(" ")
            low, high = 1, len(words)
            while low < high:  # the longest run of words that stays within the number
                middle = (low + high + 1) // 2
                low, high = (middle, high) if server.embed([" ".join(words[:middle])]) <= tokens else (low, middle - 1)
            texts.append(" ".join(words[:low]))
    return texts[:BATCH]


def measure_rate(server: Server, texts: list[str], seconds: float) -> tuple[float, int]:
    """Return texts a second over batches of 32, one request at a time, and how many texts that were."""
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        server.embed(texts)
        count += len(texts)
    return count / (time.perf_counter() - begin), count


def measure_latency(server: Server, seconds: float) -> list[float]:
    """Return the milliseconds of single queries."""
    taken, begin = [], time.perf_counter()
    while time.perf_counter() - begin < seconds:
        sent = time.perf_counter()
        server.embed([QUERY])
        taken.append(1000 * (time.perf_counter() - sent))
        time.sleep(0.02)
    return taken


def measure_latency_under_load(server: Server, other: Server, texts: list[str], seconds: float) -> list[float]:
    """Return the milliseconds of single queries while another client sends batch after batch."""
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            other.embed(texts)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        return measure_latency(server, seconds)
    finally:
        stop.set()
        thread.join()


def percentiles(values: list[float]) -> str:
    """Return the median and the 95th percentile as text."""
    return f"{statistics.median(values):.1f} / {statistics.quantiles(values, n=20)[-1]:.1f}"


def resident_megabytes(pid: int) -> str:
    """Return the resident memory of a process and its peak, as text."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return " / ".join(str(int(fields[name].split()[0]) // 1024) for name in ("VmRSS", "VmHWM"))


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:11434")
    parser.add_argument("--model", default="all-minilm")
    parser.add_argument("--pid", type=int, help="of the server, to read its memory")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--tokens", type=int, default=220)
    arguments = parser.parse_args()
    server, other = (Server(arguments.url, arguments.model) for _ in range(2))
    texts = sample_texts(server, arguments.tokens)
    mean_tokens = server.embed(texts) / len(texts)
    before = processor_seconds(arguments.pid) if arguments.pid else 0.0
    rate, count = measure_rate(server, texts, arguments.seconds)
    spent = f"{1000 * (processor_seconds(arguments.pid) - before) / count:.1f}" if arguments.pid else "not read"
    idle = measure_latency(server, arguments.seconds / 2)
    loaded = measure_latency_under_load(server, other, texts, arguments.seconds / 2)
    columns = (
        "tokens",
        "texts/s",
        "processor ms a text",
        "query idle p50 / p95 ms",
        "query under batches p50 / p95 ms",
        "memory now / peak MB",
    )
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    memory = resident_megabytes(arguments.pid) if arguments.pid else "not read"
    print(f"| {mean_tokens:.0f} | {rate:.1f} | {spent} | {percentiles(idle)} | {percentiles(loaded)} | {memory} |")


if __name__ == "__main__":
    main()
