"""The vectors, against values computed with other software (their origin stands in reference_vectors.json)."""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cocosearch.embedder.graph import Precision, model_digest
from cocosearch.embedder.inference import Embedder, InputTooLongError, load
from cocosearch.embedder.weights import EmbedderError, find_model_files, read_safetensors

FLOAT32_MIN_COSINE = 0.9999
INT8_MIN_COSINE = 0.975  # measured: 0.992 and more for texts, 0.982 for the empty one


@dataclass(frozen=True)
class Reference:
    name: str
    text: str
    tokens: int
    vector: list[float]


REFERENCES = [
    Reference(**entry) for entry in json.loads(Path(__file__).with_name("reference_vectors.json").read_text(encoding="utf-8"))["texts"]
]


@pytest.fixture(scope="module", params=list(Precision))
def embedder(request: pytest.FixtureRequest, cache: Path) -> Embedder:
    return load(request.param, cache)


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.name)
def test_equals_reference(embedder: Embedder, reference: Reference) -> None:
    bound = FLOAT32_MIN_COSINE if embedder.facts.precision is Precision.FLOAT32 else INT8_MIN_COSINE
    embedded = embedder.embed(reference.text)
    assert float(embedded.vector @ np.array(reference.vector)) >= bound
    assert math.isclose(float(np.linalg.norm(embedded.vector)), 1, abs_tol=1e-5)
    assert embedded.tokens == min(reference.tokens, 256)


def test_references_tell_texts_apart() -> None:
    """The bounds above mean something only if different texts are further apart than that."""
    vectors = {tuple(reference.vector) for reference in REFERENCES}
    matrix = np.array(sorted(vectors))
    assert len(matrix) >= 6
    assert (matrix @ matrix.T - np.eye(len(matrix))).max() < 0.9


def test_too_long_text_is_refused_when_it_may_not_be_cut(embedder: Embedder) -> None:
    exact = " ".join(["word"] * 254)
    assert embedder.embed(exact, truncate=False).tokens == 256
    with pytest.raises(InputTooLongError):
        embedder.embed(f"{exact} word", truncate=False)


def test_the_cut_keeps_the_beginning(embedder: Embedder) -> None:
    begin = " ".join(["word"] * 254)
    assert (embedder.embed(f"{begin} other tail").vector == embedder.embed(begin).vector).all()


def test_fewer_dimensions_have_unit_length_again(embedder: Embedder) -> None:
    whole, part = embedder.embed("text").vector, embedder.embed("text", dimensions=64).vector
    assert part.shape == (64,)
    assert np.allclose(part, whole[:64] / np.linalg.norm(whole[:64]), atol=1e-6)


def test_half_a_surrogate_pair_is_embedded(embedder: Embedder) -> None:
    assert embedder.embed("broken \ud83d text").vector.shape == (384,)


def test_the_graph_is_built_once_and_older_ones_go(tmp_path: Path) -> None:
    stale = tmp_path / "all-minilm-l6-v2-float32-0123456789abcdef.onnx"
    stale.write_bytes(b"")
    load(Precision.FLOAT32, tmp_path)
    (built,) = tmp_path.iterdir()
    assert built != stale
    os.utime(built, (1, 1))
    load(Precision.FLOAT32, tmp_path)
    assert [(path, path.stat().st_mtime) for path in tmp_path.iterdir()] == [(built, 1)]


def test_each_precision_has_a_digest_of_its_own() -> None:
    files = find_model_files()
    digests = {model_digest(files, precision) for precision in Precision}
    assert len(digests) == len(Precision)
    assert all(len(digest) == 64 for digest in digests)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x04\0\0\0\0\0\0\0abcd", "header is not JSON"),
        (
            b'\x3f\0\0\0\0\0\0\0{"t": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}   \0\0\0\0',
            "the tensor t lies outside the file",
        ),
    ],
)
def test_damaged_weights_are_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(EmbedderError, match=sentence):
        read_safetensors(path)
