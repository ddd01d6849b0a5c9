"""Export: a checkpoint written as the GGUF that llama.cpp and Ollama load.

In: the network's weights and the tokenizer. Out: one file. Never: changes a weight beyond its type.
"""

from __future__ import annotations

import json
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


def export_gguf(checkpoint: Path, tokenizer: Path, target: Path) -> None:
    """Write the model file."""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    size = Size(**state["size"])
    writer = gguf.GGUFWriter(target, "llama")
    _write_shape(writer, size)
    writer.add_string(FINGERPRINT_KEY, prompt_fingerprint())
    _write_tokenizer(writer, json.loads(tokenizer.read_text(encoding="utf-8")))
    weights: dict[str, Tensor] = state["network"]
    _add(writer, "token_embd.weight", weights["embedding"])
    _add(writer, "output_norm.weight", weights["final_norm"])
    for n in range(size.layers):
        _write_layer(
            writer,
            n,
            {key.split(".", 2)[2]: value for key, value in weights.items() if key.startswith(f"layers.{n}.")},
            size,
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_shape(writer: gguf.GGUFWriter, size: Size) -> None:
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
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


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


def _write_layer(writer: gguf.GGUFWriter, n: int, weights: dict[str, Tensor], size: Size) -> None:
    query, key, value = weights["qkv"]
    names = {
        "attn_norm": weights["attention_norm"],
        "attn_q": _interleave(query, size.heads),
        "attn_k": _interleave(key, size.heads),
        "attn_v": value,
        "attn_output": weights["out"],
        "ffn_norm": weights["feed_norm"],
        "ffn_gate": weights["gate"],
        "ffn_up": weights["up"],
        "ffn_down": weights["down"],
    }
    for name, tensor in names.items():
        _add(writer, f"blk.{n}.{name}.weight", tensor)


def _interleave(weight: Tensor, heads: int) -> Tensor:
    """Return a query or key matrix whose rotated pairs are neighbours, as llama.cpp's llama has them."""
    rows, columns = weight.shape
    return weight.view(heads, 2, rows // heads // 2, columns).transpose(1, 2).reshape(rows, columns)


def _add(writer: gguf.GGUFWriter, name: str, tensor: Tensor) -> None:
    array = tensor.float().contiguous().numpy()
    writer.add_tensor(name, array.astype(np.float32 if tensor.ndim == 1 else np.float16))
