"""Run the server: `python -m cocosearch.embedder --host 127.0.0.1 --port 11434 --cache-dir DIR`."""

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from cocosearch.embedder.graph import Precision
from cocosearch.embedder.inference import available_cores, load
from cocosearch.embedder.weights import EmbedderError
from cocosearch.process.listening import bound_socket, is_loopback
from cocosearch.process.logs import log_to_stderr
from cocosearch.process.notifying_server import NotifyingServer

DRAIN_SECONDS = 5

log = logging.getLogger("cocosearch.embedder")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cocosearch.embedder",
        description="Serve all-MiniLM-L6-v2 on the CPU behind the part of Ollama's HTTP API that concerns embeddings.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; there is no authentication, so keep to loopback")
    parser.add_argument("--port", type=int, default=11434, help="port to listen on; 0 takes a free one and names it in the log")
    parser.add_argument("--cache-dir", type=Path, required=True, help="directory for the model's graph, built once (100 MB)")
    parser.add_argument(
        "--precision", type=Precision, choices=list(Precision), default=Precision.INT8, help="of the inference (default: int8)"
    )
    parser.add_argument("--prepare", action="store_true", help="build the model's graph in the directory, and serve nothing")
    parser.add_argument("--threads", type=int, default=available_cores(), help="texts computed at once, each on one core")
    return parser.parse_args(arguments)


def bind(host: str, port: int) -> socket.socket:
    """Take the address, without listening yet: until the model is loaded, clients are refused rather than kept waiting.

    Raises:
        EmbedderError: the address is no address, or the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return bound_socket(family, address)
    except OSError as error:
        raise EmbedderError(f"Cannot listen on {host} port {port}: {error}. Free the port or give another --host or --port.") from error


def serve(arguments: argparse.Namespace) -> None:
    """Load the model and serve it until a signal.

    Raises:
        EmbedderError: the model cannot be loaded or the port not be had.
    """
    from cocosearch.embedder.server import EmbeddingServer

    with bind(arguments.host, arguments.port) as channel:
        embedder = load(arguments.precision, arguments.cache_dir)
        embedder.embed("warm")
        host, port = channel.getsockname()[:2]
        app = EmbeddingServer(embedder, arguments.threads).application(local_only=is_loopback(host))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=DRAIN_SECONDS, lifespan="on"
        )
        shown = f"[{host}]" if ":" in host else host
        announcement = f"Serving all-MiniLM-L6-v2 ({arguments.precision}, {arguments.threads} threads) at http://{shown}:{port}"
        asyncio.run(NotifyingServer(config, announcement).serve(sockets=[channel]))


def end_cleanly(_signal: int, _frame: FrameType | None) -> None:
    """Turn a request to stop into exit code 0, also while the model is still being loaded."""
    raise SystemExit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    signal.signal(signal.SIGTERM, end_cleanly)
    signal.signal(signal.SIGINT, end_cleanly)
    log_to_stderr()
    options = parse_arguments(arguments)
    try:
        if options.prepare:
            load(options.precision, options.cache_dir)
        else:
            serve(options)
    except EmbedderError as error:
        log.error("%s", error)  # noqa: TRY400  the sentence says it all, a traceback would bury it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
