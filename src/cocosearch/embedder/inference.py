"""From a text to its vector: tokenise, cut to the window, run the graph."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cocosearch.embedder.graph import DIMENSIONS, WINDOW_TOKENS, Precision, cached_graph, model_digest
from cocosearch.embedder.weights import find_model_files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class InputTooLongError(Exception):
    """The text has more tokens than the window, and the caller asked not to cut it."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the server tells about its model."""

    digest: str
    """SHA-256 over weights, tokenizer, graph and precision: another digest means other vectors."""
    precision: Precision
    size: int
    """Bytes of the graph file."""
    modified: float
    """When the weights were installed, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text's vector and the number of tokens it was computed from."""

    vector: "NDArray[np.float32]"
    tokens: int


@dataclass(frozen=True, slots=True)
class Embedder:
    """The loaded model. `embed` may be called from many threads at once; each call uses one core."""

    facts: ModelFacts
    encode: Callable[[str], list[int]]
    run: Callable[["NDArray[np.int32]"], "NDArray[np.float32]"]

    def embed(self, text: str, *, truncate: bool = True, dimensions: int = DIMENSIONS) -> Embedded:
        """Return the vector of `text`, of unit length; `dimensions` below 384 keeps its first ones and scales them back to unit length.

        Raises:
            InputTooLongError: `truncate` is false and the text has more than 256 tokens, [CLS] and [SEP] included.
        """
        import numpy as np

        # JSON can carry half a surrogate pair, which is no text and which the tokenizer refuses.
        ids = self.encode(text.encode("utf-8", "replace").decode("utf-8"))
        if len(ids) > WINDOW_TOKENS:
            if not truncate:
                raise InputTooLongError
            ids = [*ids[: WINDOW_TOKENS - 1], ids[-1]]
        vector = self.run(np.array([ids], dtype=np.int32))[0]
        if dimensions < len(vector):
            vector = vector[:dimensions] / np.linalg.norm(vector[:dimensions])
        return Embedded(vector=vector, tokens=len(ids))


def available_cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def load(precision: Precision, cache_dir: Path) -> Embedder:
    """Load the model, building its graph below `cache_dir` the first time.

    Raises:
        EmbedderError: the extra `embedded` is not installed, or the cache directory cannot be written.
    """
    files = find_model_files()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the threads are ours: one text, one core
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    digest = model_digest(files, precision)
    path = cached_graph(files, precision, digest, cache_dir)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(files.tokenizer))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def encode(text: str) -> list[int]:
        return list(tokenizer.encode(text).ids)

    def run(ids: "NDArray[np.int32]") -> "NDArray[np.float32]":
        return np.asarray(session.run(["embedding"], {"input_ids": ids})[0][0:1], dtype=np.float32)

    facts = ModelFacts(digest=digest, precision=precision, size=path.stat().st_size, modified=files.weights.stat().st_mtime)
    return Embedder(facts=facts, encode=encode, run=run)
