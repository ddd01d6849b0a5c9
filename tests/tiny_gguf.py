"""A language model of a few hundred kilobytes, written from nothing, for tests that need a real engine.

In: a path, a seed, a context length. Out: a GGUF file that llama.cpp loads: a llama of two layers with
random weights and one token per byte. It talks nonsense, but inside any schema; a seed always writes the
same file.
"""

from __future__ import annotations

import random
import struct
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

WIDTH, LAYERS, HEADS, KV_HEADS, FEED_FORWARD = 64, 2, 4, 2, 128
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_NORMAL, _CONTROL = 1, 3
_UINT32, _INT32, _FLOAT32, _STRING, _ARRAY = 4, 5, 6, 8, 9
_ALIGNMENT = 32
#: how much likelier than others these bytes are, so that strings and arrays end soon
_ENDINGS = {b'"': 0.8, b"]": 0.75, b"}": 0.75}

_Tensor: TypeAlias = "tuple[str, tuple[int, ...], array[float]]"


def write_tiny_gguf(path: Path, *, seed: int = 0, context_tokens: int = 4096) -> Path:
    """Write the model and return its path."""
    metadata = list(_describe_model(context_tokens))
    tensors = list(_make_tensors(random.Random(seed)))
    head = bytearray(struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata)))
    for entry in metadata:
        head += entry
    offset = 0
    for name, shape, weights in tensors:
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
        offset += _pad_length(len(weights) * weights.itemsize)
    with path.open("wb") as file:
        file.write(head.ljust(_pad_length(len(head)), b"\0"))
        for _, _, weights in tensors:
            content = weights.tobytes()
            file.write(content.ljust(_pad_length(len(content)), b"\0"))
    return path


def byte_letters() -> list[str]:
    """Return the letter that stands for each byte in a byte-level vocabulary, by byte."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


def _describe_model(context_tokens: int) -> Iterator[bytes]:
    letters = byte_letters()
    pairs = [(letters[0x20], letters[0x20])]
    tokens = [*letters, *("".join(pair) for pair in pairs), *SPECIAL_TOKENS]
    kinds = [_NORMAL] * (len(tokens) - len(SPECIAL_TOKENS)) + [_CONTROL] * len(SPECIAL_TOKENS)
    end_of_text, _, end_of_turn = (tokens.index(token) for token in SPECIAL_TOKENS)
    yield _entry("general.architecture", _STRING, _string("llama"))
    yield _entry("general.name", _STRING, _string("tiny"))
    for key, number in {
        "general.alignment": _ALIGNMENT,
        "llama.context_length": context_tokens,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": FEED_FORWARD,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KV_HEADS,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "tokenizer.ggml.bos_token_id": end_of_text,
        "tokenizer.ggml.eos_token_id": end_of_turn,
        "tokenizer.ggml.padding_token_id": end_of_text,
    }.items():
        yield _entry(key, _UINT32, struct.pack("<I", number))
    yield _entry("llama.attention.layer_norm_rms_epsilon", _FLOAT32, struct.pack("<f", 1e-5))
    yield _entry("tokenizer.ggml.model", _STRING, _string("gpt2"))
    yield _entry("tokenizer.ggml.pre", _STRING, _string("smollm"))
    yield _entry("tokenizer.ggml.tokens", _ARRAY, _array(_STRING, [_string(token) for token in tokens]))
    yield _entry(
        "tokenizer.ggml.token_type", _ARRAY, _array(_INT32, [struct.pack("<i", kind) for kind in kinds])
    )
    yield _entry(
        "tokenizer.ggml.merges", _ARRAY, _array(_STRING, [_string(" ".join(pair)) for pair in pairs])
    )
    yield _entry("tokenizer.chat_template", _STRING, _string(CHAT_TEMPLATE))


def _make_tensors(chance: random.Random) -> Iterator[_Tensor]:
    vocabulary = 256 + 1 + len(SPECIAL_TOKENS)
    kv_width = WIDTH // HEADS * KV_HEADS

    def matrix(name: str, columns: int, rows: int, scale: float) -> _Tensor:
        weights = array("f", (chance.uniform(-scale, scale) for _ in range(columns * rows)))
        return f"{name}.weight", (columns, rows), weights

    def norm(name: str) -> _Tensor:
        return f"{name}.weight", (WIDTH,), array("f", [1.0] * WIDTH)

    # Column 0 of every embedding is a constant that the layers hardly move: column 0 of the output
    # then acts as a bias for each token.
    name, shape, embedding = matrix("token_embd", WIDTH, vocabulary, 1.0)
    embedding[0::WIDTH] = array("f", [4.0] * vocabulary)
    yield name, shape, embedding
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        yield norm(block + "attn_norm")
        yield matrix(block + "attn_q", WIDTH, WIDTH, 0.3)
        yield matrix(block + "attn_k", WIDTH, kv_width, 0.3)
        yield matrix(block + "attn_v", WIDTH, kv_width, 0.3)
        yield matrix(block + "attn_output", WIDTH, WIDTH, 0.08)
        yield norm(block + "ffn_norm")
        yield matrix(block + "ffn_gate", WIDTH, FEED_FORWARD, 0.3)
        yield matrix(block + "ffn_up", WIDTH, FEED_FORWARD, 0.3)
        yield matrix(block + "ffn_down", FEED_FORWARD, WIDTH, 0.08)
    yield norm("output_norm")
    name, shape, output = matrix("output", WIDTH, vocabulary, 0.2)
    for byte, weight in _ENDINGS.items():
        output[ord(byte) * WIDTH] = weight
    yield name, shape, output


def _entry(key: str, kind: int, content: bytes) -> bytes:
    return _string(key) + struct.pack("<I", kind) + content


def _string(text: str) -> bytes:
    content = text.encode()
    return struct.pack("<Q", len(content)) + content


def _array(kind: int, elements: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(elements)) + b"".join(elements)


def _pad_length(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT


if __name__ == "__main__":
    write_tiny_gguf(Path(sys.argv[1]))
