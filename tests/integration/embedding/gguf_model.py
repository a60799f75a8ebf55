"""all-MiniLM-L6-v2 as a GGUF file, from the weights that the embedded server has: what llama.cpp, and so Ollama, reads."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import gguf

from cocosearch.embedder.graph import DIMENSIONS, HEADS, LAYER_NORM_EPSILON, LAYERS
from cocosearch.embedder.weights import find_model_files, read_safetensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW_TOKENS = 512  # max_position_embeddings of the model; Ollama reads so many
FEED_FORWARD = 1536
# llama.cpp's word piece vocabulary marks where a word begins, the model's where it goes on (conversion of BERT in llama.cpp).
WORD_BEGINS, WORD_GOES_ON = "\N{LOWER ONE EIGHTH BLOCK}", "##"
EMBEDDINGS = {
    "embeddings.word_embeddings.weight": gguf.MODEL_TENSOR.TOKEN_EMBD,
    "embeddings.position_embeddings.weight": gguf.MODEL_TENSOR.POS_EMBD,
    "embeddings.token_type_embeddings.weight": gguf.MODEL_TENSOR.TOKEN_TYPES,
    "embeddings.LayerNorm": gguf.MODEL_TENSOR.TOKEN_EMBD_NORM,
}
LAYER = {
    "attention.self.query": gguf.MODEL_TENSOR.ATTN_Q,
    "attention.self.key": gguf.MODEL_TENSOR.ATTN_K,
    "attention.self.value": gguf.MODEL_TENSOR.ATTN_V,
    "attention.output.dense": gguf.MODEL_TENSOR.ATTN_OUT,
    "attention.output.LayerNorm": gguf.MODEL_TENSOR.ATTN_OUT_NORM,
    "intermediate.dense": gguf.MODEL_TENSOR.FFN_UP,
    "output.dense": gguf.MODEL_TENSOR.FFN_DOWN,
    "output.LayerNorm": gguf.MODEL_TENSOR.LAYER_OUT_NORM,
}


def write_gguf(path: Path) -> None:
    """Write the model, its matrices in 32 bits."""
    files = find_model_files()
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_context_length(WINDOW_TOKENS)
    writer.add_embedding_length(DIMENSIONS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(LAYER_NORM_EPSILON)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    _add_vocabulary(writer, files.tokenizer)
    _add_tensors(writer, dict(read_safetensors(files.weights)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Path) -> None:
    numbers: dict[str, int] = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    words = sorted(numbers, key=numbers.__getitem__)
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(2)
    writer.add_token_list([_marked(word) for word in words])
    writer.add_token_types([gguf.TokenType.CONTROL if _is_special(word) else gguf.TokenType.NORMAL for word in words])
    writer.add_unk_token_id(numbers["[UNK]"])
    writer.add_sep_token_id(numbers["[SEP]"])
    writer.add_pad_token_id(numbers["[PAD]"])
    writer.add_bos_token_id(numbers["[CLS]"])
    writer.add_mask_token_id(numbers["[MASK]"])


def _is_special(word: str) -> bool:
    return word in {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}


def _marked(word: str) -> str:
    if word.startswith("[") and word.endswith("]"):
        return word
    return word.removeprefix(WORD_GOES_ON) if word.startswith(WORD_GOES_ON) else WORD_BEGINS + word


def _add_tensors(writer: gguf.GGUFWriter, tensors: "dict[str, NDArray[np.float32]]") -> None:
    for name, kind in EMBEDDINGS.items():
        _add(writer, tensors, name, gguf.TENSOR_NAMES[kind])
    for layer in range(LAYERS):
        for name, kind in LAYER.items():
            _add(writer, tensors, f"encoder.layer.{layer}.{name}", gguf.TENSOR_NAMES[kind].format(bid=layer))


def _add(writer: gguf.GGUFWriter, tensors: "dict[str, NDArray[np.float32]]", name: str, to: str) -> None:
    if name in tensors:
        writer.add_tensor(f"{to}.weight", tensors[name])
        return
    for part in ("weight", "bias"):
        writer.add_tensor(f"{to}.{part}", tensors[f"{name}.{part}"])
