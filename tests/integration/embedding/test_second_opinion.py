"""What llama.cpp makes of the same weights: vectors, window and errors as Ollama's own runner has them."""

import math
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.integration.embedding.conftest import Runner, serve
from tests.integration.embedding.gguf_model import WINDOW_TOKENS

from cocosearch.embedder.graph import Precision
from cocosearch.embedder.inference import Embedder, load

TEXTS = (
    "def reconcile(ledger: Ledger) -> Balance:\n    return ledger.entries.sum()\n",
    "where is a session's cookie checked?",
    "Größe der Dateien, naïve café, 日本語のコメント",
    "SELECT id, name FROM projects WHERE state = 'ready' -- all of them",
    "x",
)
# Both compute in 32 bits, in another order.
FLOAT32_MIN_COSINE = 0.99995
INT8_MIN_COSINE = 0.975


@pytest.fixture(scope="module", params=list(Precision))
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return load(request.param, tmp_path_factory.mktemp("graph"))


def test_the_embedded_servers_vectors_are_those_of_llama_cpp(runner: Runner, embedder: Embedder) -> None:
    bound = FLOAT32_MIN_COSINE if embedder.facts.precision is Precision.FLOAT32 else INT8_MIN_COSINE
    for text, vector in zip(TEXTS, runner.vectors(list(TEXTS)), strict=True):
        cosine = float(embedder.embed(text).vector @ np.array(vector)) / math.hypot(*vector)
        assert cosine >= bound, text


def test_a_text_does_not_depend_on_its_company(runner: Runner) -> None:
    together = runner.vectors(list(TEXTS))
    for text, vector in zip(TEXTS, together, strict=True):
        assert np.allclose(runner.vectors([text])[0], vector, atol=1e-4), text


def test_the_runner_takes_a_window_and_not_a_token_more(runner: Runner) -> None:
    words = WINDOW_TOKENS - 2  # [CLS] and [SEP] are tokens, too
    assert runner.post([" ".join(["word"] * words)]).status_code == httpx.codes.OK
    refused = runner.post([" ".join(["word"] * (words + 1))])
    assert refused.is_error
    # What Ollama puts in its own words before a text gets so far, for its clients to know.
    assert "too large" in refused.text or "exceed" in refused.text


def test_a_runner_that_cannot_read_its_model_ends(tmp_path: Path) -> None:
    """As Ollama saw it: the program ends before it listens, and there is nobody to ask."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and then nothing that is a model")
    with pytest.raises(RuntimeError, match="ended with 1 before it was ready"), serve(broken):
        pass
