"""Export: a checkpoint written as the GGUF that llama.cpp and Ollama load.

In: the network's weights and the tokenizer. Out: one file. Never: changes a weight beyond its type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import gguf
import numpy as np
import torch
from models.builtin.network import Size
from models.builtin.prompt_fingerprint import prompt_fingerprint
from models.builtin.tokenizer import END, START, TEMPLATE
from torch import Tensor

#: the window that the file declares; answers were trained within about 900 tokens
CONTEXT = 4096
#: where the file says which prompt it was trained on
FINGERPRINT_KEY = "holocron.prompt_fingerprint"
_NAMES = {
    "attn_norm": "attention_norm",
    "attn_output": "out",
    "ffn_norm": "feed_norm",
    "ffn_gate": "gate",
    "ffn_up": "up",
    "ffn_down": "down",
}


class MatrixType(StrEnum):
    """How the matrices are kept; vectors stay in full."""

    HALF = "f16"
    #: half the size of f16, for networks over ten million weights
    EIGHT_BIT = "q8_0"


def export_gguf(checkpoint: Path, tokenizer: Path, target: Path, kept: MatrixType = MatrixType.HALF) -> None:
    """Write the model file."""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    size = Size(**state["size"])
    writer = gguf.GGUFWriter(target, "llama")
    _write_shape(writer, size, kept)
    writer.add_string(FINGERPRINT_KEY, prompt_fingerprint())
    _write_tokenizer(writer, json.loads(tokenizer.read_text(encoding="utf-8")))
    for name, tensor in _named_tensors(state["network"], size):
        _add(writer, name, tensor, kept)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_shape(writer: gguf.GGUFWriter, size: Size, kept: MatrixType) -> None:
    writer.add_name("holocron-builtin")
    writer.add_description(
        "Reads numbered evidence and a contract, answers with cited JSON; made by models/builtin of Holocron"
    )
    writer.add_license("MIT")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(size.width)
    writer.add_block_count(size.layers)
    writer.add_feed_forward_length(size.hidden)
    writer.add_head_count(size.heads)
    writer.add_head_count_kv(size.heads)
    writer.add_rope_dimension_count(size.width // size.heads)
    writer.add_rope_freq_base(size.rope_base)
    writer.add_layer_norm_rms_eps(size.epsilon)
    writer.add_vocab_size(size.vocabulary)
    half = kept is MatrixType.HALF
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if half else gguf.LlamaFileType.MOSTLY_Q8_0)


def _write_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict) -> None:
    model = tokenizer["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in (START, END) else normal for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index(START))
    writer.add_eos_token_id(tokens.index(END))
    writer.add_pad_token_id(tokens.index(END))
    writer.add_add_bos_token(value=False)
    writer.add_add_eos_token(value=False)
    writer.add_chat_template(TEMPLATE)


def _named_tensors(weights: dict[str, Tensor], size: Size) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor under the name that llama.cpp's llama architecture gives it."""
    yield "token_embd.weight", weights["embedding"]
    yield "output_norm.weight", weights["final_norm"]
    for n in range(size.layers):
        query, key, value = weights[f"layers.{n}.qkv"]
        yield f"blk.{n}.attn_q.weight", _interleave(query, size.heads)
        yield f"blk.{n}.attn_k.weight", _interleave(key, size.heads)
        yield f"blk.{n}.attn_v.weight", value
        for theirs, ours in _NAMES.items():
            yield f"blk.{n}.{theirs}.weight", weights[f"layers.{n}.{ours}"]


def _interleave(weight: Tensor, heads: int) -> Tensor:
    """Return a query or key matrix whose rotated pairs are neighbours, as llama.cpp's llama has them."""
    rows, columns = weight.shape
    return weight.view(heads, 2, rows // heads // 2, columns).transpose(1, 2).reshape(rows, columns)


def _add(writer: gguf.GGUFWriter, name: str, tensor: Tensor, kept: MatrixType) -> None:
    array = tensor.float().contiguous().numpy()
    if tensor.ndim == 1:
        writer.add_tensor(name, array)
    elif kept is MatrixType.HALF:
        writer.add_tensor(name, array.astype(np.float16))
    else:
        eight = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(array, eight), raw_dtype=eight)
