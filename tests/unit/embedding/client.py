"""A client of a scripted server that speaks Ollama's protocol, and what such a server answers in trouble."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from tests.unit.embedding.ollama_server import Answer, Script, ollama

from cocosearch.embedding.ollama import OllamaClient
from cocosearch.settings import Settings

CRASH = (500, {"error": "llama runner process no longer running: 2"})
TOO_LONG = (400, {"error": "the input length exceeds the context length"})
BUSY = (503, {"error": "server busy, please try again.  maximum pending requests exceeded"})
EOF = (400, {"error": 'do embedding request: Post "http://127.0.0.1:37519/v1/embeddings": EOF'})
RESET = (
    400,
    {"error": 'do embedding request: Post "http://127.0.0.1:37519/v1/embeddings": read: connection reset by peer'},
)
NOT_STARTED = (500, {"error": "llama-server process has terminated: exit status 1"})


@contextmanager
def client_of(script: Script, **given: object) -> Iterator[OllamaClient]:
    with ollama(script) as url, OllamaClient(Settings.model_validate({"ollama_url": url, **given})) as client:
        yield client


def unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    return [value / length for value in vector]


def refusing(word: str, refusal: Answer, script: Script) -> None:
    """Refuse every batch that holds a text with the word."""
    usual = script.embed_as_usual
    script.embed = lambda body: refusal if any(word in text for text in body["input"]) else usual(body)
