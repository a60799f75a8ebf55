"""The ONNX graph of all-MiniLM-L6-v2, built from its weights, and the cache that keeps it.

A BERT encoder (6 layers, 384 wide, 12 heads), mean pooling over the tokens, vectors of unit length. It takes one text at a time:
no padding, hence no mask, and a text's vector never depends on the texts that happen to travel with it.
The graph uses ONNX Runtime's fused operators (domain `com.microsoft`): they exist on the CPU and are what its own optimiser would
put in their place.
"""

import contextlib
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cocosearch.embedder.weights import EmbedderError, ModelFiles, read_safetensors, sha256_of_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import onnx
    from numpy.typing import NDArray

    Tensors: TypeAlias = Mapping[str, NDArray[np.float32]]

GRAPH_VERSION = 1  # raise it whenever the graph, its quantisation or the tokenising changes a vector
LAYERS = 6
HEADS = 12
DIMENSIONS = 384
WINDOW_TOKENS = 256  # including [CLS] and [SEP]
LAYER_NORM_EPSILON = 1e-12
OPSET = 17
IR_VERSION = 8
FUSED = "com.microsoft"


class Precision(StrEnum):
    """How the matrix multiplications are done."""

    FLOAT32 = "float32"
    INT8 = "int8"


def model_digest(files: ModelFiles, precision: Precision) -> str:
    """Return the SHA-256 (hexadecimal) over everything that decides a vector: weights, tokenizer, graph version, precision."""
    parts = (sha256_of_file(files.weights), sha256_of_file(files.tokenizer), f"graph-{GRAPH_VERSION}", precision.value)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def cached_graph(files: ModelFiles, precision: Precision, digest: str, cache_dir: Path) -> Path:
    """Return the path of the graph file below `cache_dir`, built now if it is not there.

    Raises:
        EmbedderError: the cache directory cannot be written.
    """
    stem = f"all-minilm-l6-v2-{precision.value}-"
    path = cache_dir / f"{stem}{digest[:16]}.onnx"
    if path.is_file():
        return path
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with scratch_directory(cache_dir) as scratch:
            _write_graph(files, precision, scratch, path)
    except OSError as error:
        raise EmbedderError(f"The model's graph cannot be written to {cache_dir}: {error}. Give a writable --cache-dir.") from error
    for stale in cache_dir.glob(f"{stem}*.onnx"):
        if stale != path:
            stale.unlink(missing_ok=True)
    return path


@contextlib.contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """Give a directory on the same file system as `parent`, removed at the end, so that a finished file moves in one step."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=parent) as name:
        yield Path(name)


def _write_graph(files: ModelFiles, precision: Precision, scratch: Path, path: Path) -> None:
    import onnx

    built = scratch / "float32.onnx"
    onnx.save_model(build_graph(read_safetensors(files.weights)), built)
    if precision is Precision.INT8:
        quantised = scratch / "int8.onnx"
        quantise(built, quantised)
        built = quantised
    with built.open("rb") as stream:
        os.fsync(stream.fileno())
    built.replace(path)


def quantise(source: Path, target: Path) -> None:
    """Write `source` with its matrix multiplications in 8-bit integers; the embedding tables stay float32.

    Weights are unsigned, with a scale for each column: processors without VNNI saturate when they add two products of a signed and an
    unsigned byte in 16 bits, and 7-bit weights, the other remedy, were measured to cost retrieval quality (benchmarks/embedder.md).
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.disable(logging.WARNING)  # it advises shape inference, which cannot see through fused operators
    try:
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Attention"],
            weight_type=QuantType.QUInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},  # nor can the type inference
        )
    finally:
        logging.disable(logging.NOTSET)


def build_graph(tensors: "Tensors") -> "onnx.ModelProto":
    """Build the graph: `input_ids` (int32, 1 by tokens) to `embedding` (float32, 1 by 384, of unit length)."""
    from onnx import TensorProto, helper

    builder = _Builder(tensors)
    hidden = builder.embeddings()
    for layer in range(LAYERS):
        hidden = builder.encoder_layer(layer, hidden)
    builder.pool(hidden)
    graph = helper.make_graph(
        builder.nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT32, [1, "tokens"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, DIMENSIONS])],
        builder.initializers,
    )
    imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="cocosearch")


class _Builder:
    """Collects nodes and initializers; each method returns the name of its output."""

    def __init__(self, tensors: "Tensors") -> None:
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: "NDArray[np.generic]") -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.tensors[name])

    def node(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: object) -> str:
        from onnx import helper

        made = helper.make_node(kind, inputs, [output], name=output, domain=domain)
        made.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self.nodes.append(made)
        return output

    def embeddings(self) -> str:
        import numpy as np

        words = self.node("Gather", [self.weight("embeddings.word_embeddings.weight"), "input_ids"], "words")
        # Every token is of type 0, so that row is added to the positions once, here.
        positions = self.tensors["embeddings.position_embeddings.weight"] + self.tensors["embeddings.token_type_embeddings.weight"][0]
        table = self.constant("positions", positions[:WINDOW_TOKENS])
        shape = self.node("Shape", ["input_ids"], "token_count", start=1, end=2)
        begin, axis = self.constant("zero", np.array([0], np.int64)), self.constant("axis", np.array([0], np.int64))
        used = self.node("Slice", [table, begin, shape, axis], "used_positions")
        summed = self.node("Add", [words, used], "embedded")
        scale, shift = (self.weight(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias"))
        return self.node("LayerNormalization", [summed, scale, shift], "embedded_normal", axis=-1, epsilon=LAYER_NORM_EPSILON)

    def encoder_layer(self, index: int, hidden: str) -> str:
        import numpy as np

        prefix = f"encoder.layer.{index}."
        own = [f"{prefix}attention.self.{part}." for part in ("query", "key", "value")]
        weights = self.constant(f"{prefix}qkv.weight", np.concatenate([self.tensors[f"{part}weight"].T for part in own], axis=1))
        biases = self.constant(f"{prefix}qkv.bias", np.concatenate([self.tensors[f"{part}bias"] for part in own]))
        attended = self.node("Attention", [hidden, weights, biases], f"{prefix}attended", domain=FUSED, num_heads=HEADS)
        projected = self._multiply(attended, f"{prefix}attention.output.dense")
        hidden = self._add_and_normalise(projected, hidden, f"{prefix}attention.output")
        widened = self._multiply(hidden, f"{prefix}intermediate.dense")
        bias = self.weight(f"{prefix}intermediate.dense.bias")
        activated = self.node("BiasGelu", [widened, bias], f"{prefix}activated", domain=FUSED)
        narrowed = self._multiply(activated, f"{prefix}output.dense")
        return self._add_and_normalise(narrowed, hidden, f"{prefix}output")

    def _multiply(self, hidden: str, dense: str) -> str:
        import numpy as np

        # PyTorch keeps a linear layer's weights as (outputs, inputs).
        weights = self.constant(f"{dense}.weight", np.ascontiguousarray(self.tensors[f"{dense}.weight"].T))
        return self.node("MatMul", [hidden, weights], f"{dense}.product")

    def _add_and_normalise(self, product: str, residual: str, part: str) -> str:
        inputs = [product, residual, *(self.weight(f"{part}.{name}") for name in ("LayerNorm.weight", "LayerNorm.bias", "dense.bias"))]
        return self.node("SkipLayerNormalization", inputs, f"{part}.normal", domain=FUSED, epsilon=LAYER_NORM_EPSILON)

    def pool(self, hidden: str) -> None:
        mean = self.node("ReduceMean", [hidden], "mean", axes=[1], keepdims=0)
        self.node("LpNormalization", [mean], "embedding", axis=-1, p=2)
