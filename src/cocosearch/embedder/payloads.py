"""What requests may say, and the shapes of Ollama's answers."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cocosearch.embedder.graph import DIMENSIONS, HEADS, LAYERS, WINDOW_TOKENS, Precision
from cocosearch.embedder.inference import ModelFacts

MODEL = "all-minilm:latest"
MODEL_NAMES = frozenset({"all-minilm", "all-minilm:latest", "all-minilm:l6-v2", "all-minilm:22m"})
PARAMETERS = 22_565_376
LEVELS = {Precision.FLOAT32: "F32", Precision.INT8: "INT8"}
NEVER = "9999-12-31T23:59:59Z"
TOO_LONG = "the input length exceeds the context length"
BUSY = "server busy, please try again.  maximum pending requests exceeded"

Json = dict[str, object]
Value = TypeVar("Value", str, bool, int)


class RequestError(Exception):
    """A request that is answered with an error: its HTTP status and Ollama's sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def parse_object(body: bytes) -> Json:
    """Read a request's body.

    Raises:
        RequestError: the body is empty, or not a JSON object.
    """
    if not body:
        raise RequestError(400, "missing request body")
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:  # ValueError: bad JSON, and bad UTF-8 too
        raise RequestError(400, f"the request body is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise RequestError(400, "the request body is not a JSON object")
    return parsed


def optional(request: Json, name: str, kind: type[Value], default: Value) -> Value:
    """Return a field of one type, or `default` where it is missing or null.

    Raises:
        RequestError: the field has another type.
    """
    value = request.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RequestError(400, f"the field {name} must be of type {kind.__name__}")
    return value


def model_name(request: Json) -> str:
    """Return the model that a request names, by `model` or by the older `name`."""
    return optional(request, "model", str, "") or optional(request, "name", str, "")


def is_served(name: str) -> bool:
    """Say whether this is a name of the one model here, however Ollama lets it be written (types/model/name.go)."""
    # A host stands before a namespace, never before the model alone.
    return name.strip().lower().removeprefix("registry.ollama.ai/library/").removeprefix("library/") in MODEL_NAMES


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """A checked request for embeddings. `options` and `keep_alive` are accepted and mean nothing here."""

    model: str
    texts: tuple[str, ...]
    truncate: bool
    dimensions: int


def parse_embed(body: bytes) -> EmbedRequest:
    """Read the body of `/api/embed`.

    Raises:
        RequestError: it is malformed, or names a model that is not here.
    """
    request = parse_object(body)
    name = optional(request, "model", str, "")
    texts = _parse_input(request.get("input"))
    truncate = optional(request, "truncate", bool, default=True)
    dimensions = optional(request, "dimensions", int, 0)
    if not name:
        raise RequestError(404, "model '' not found")
    if not is_served(name):
        raise RequestError(404, f'model "{name}" not found, try pulling it first')
    return EmbedRequest(model=name, texts=texts, truncate=truncate, dimensions=dimensions if dimensions > 0 else DIMENSIONS)


def _parse_input(value: object) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise RequestError(400, "invalid input type")
    return tuple(value)


def details(facts: ModelFacts) -> Json:
    """Return the model's details, as in `/api/tags`."""
    return {
        "parent_model": "",
        "format": "onnx",
        "family": "bert",
        "families": ["bert"],
        "parameter_size": "22.6M",
        "quantization_level": LEVELS[facts.precision],
        "context_length": WINDOW_TOKENS,
        "embedding_length": DIMENSIONS,
    }


def modified_at(facts: ModelFacts) -> str:
    """Return the time of the weights in RFC 3339."""
    return datetime.fromtimestamp(facts.modified, UTC).isoformat()


def tags(facts: ModelFacts) -> Json:
    """Return the answer of `/api/tags`."""
    model = {
        "name": MODEL,
        "model": MODEL,
        "modified_at": modified_at(facts),
        "size": facts.size,
        "digest": facts.digest,
        "details": details(facts),
        "capabilities": ["embedding"],
    }
    return {"models": [model]}


def running(facts: ModelFacts) -> Json:
    """Return the answer of `/api/ps`: the model is always loaded."""
    model = {
        "name": MODEL,
        "model": MODEL,
        "size": facts.size,
        "digest": facts.digest,
        "details": details(facts),
        "expires_at": NEVER,
        "size_vram": 0,
        "context_length": WINDOW_TOKENS,
    }
    return {"models": [model]}


def show(facts: ModelFacts) -> Json:
    """Return the answer of `/api/show`."""
    info = {
        "general.architecture": "bert",
        "general.basename": "all-MiniLM-L6-v2",
        "general.parameter_count": PARAMETERS,
        "bert.attention.causal": False,
        "bert.attention.head_count": HEADS,
        "bert.block_count": LAYERS,
        "bert.context_length": WINDOW_TOKENS,
        "bert.embedding_length": DIMENSIONS,
        "tokenizer.ggml.model": "bert",
    }
    return {
        "license": "Apache-2.0",
        "details": details(facts),
        "model_info": info,
        "capabilities": ["embedding"],
        "modified_at": modified_at(facts),
    }
