"""The reader of a model file's front."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from holocron.errors import ModelDamaged, ModelError, ModelNotFound
from holocron.llm.gguf import hash_model, read_gguf
from tiny_gguf import SPECIAL_TOKENS, write_tiny_gguf


def test_reads_what_the_model_says_of_itself(tmp_path: Path) -> None:
    """The architecture, the window, the vocabulary and the tokens that steer a conversation are found."""
    header = read_gguf(write_tiny_gguf(tmp_path / "m.gguf", context_tokens=1024))
    assert (header.architecture, header.context_length, header.vocabulary_size) == ("llama", 1024, 260)
    assert header.control_tokens == SPECIAL_TOKENS


def test_the_digest_is_the_files_own(tiny_path: Path) -> None:
    """Anyone can compare the digest with sha256sum."""
    assert hash_model(tiny_path) == hashlib.sha256(tiny_path.read_bytes()).hexdigest()


def test_the_tiny_model_is_the_same_every_time(tmp_path: Path) -> None:
    """A seed makes one file, and another seed another."""
    paths = [write_tiny_gguf(tmp_path / str(n), seed=seed) for n, seed in enumerate((1, 1, 2))]
    first, again, other = (path.read_bytes() for path in paths)
    assert first == again != other


def _cut(part: float) -> Callable[[bytes], bytes]:
    return lambda content: content[: int(len(content) * part)]


def _put(place: int, layout: str, *values: int) -> Callable[[bytes], bytes]:
    packed = struct.pack(layout, *values)
    return lambda content: content[:place] + packed + content[place + len(packed) :]


def _replace(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old, new, 1)


DAMAGES = {
    "empty": lambda _: b"",
    "another format": lambda _: b"PK\x03\x04" * 1000,
    "text": lambda _: b"not a model" * 100,
    "only the letters": lambda _: b"GGUF",
    "cut in half": _cut(0.5),
    "cut in the header": _cut(0.01),
    "last byte missing": lambda content: content[:-1],
    "unknown version": _put(4, "<I", 99),
    "other byte order": _put(4, ">I", 3),
    "no weights": _put(8, "<Q", 0),
    "endless values": _put(16, "<Q", 2**60),
    "endless tensors": _put(8, "<Q", 2**60),
    "endless first key": _put(24, "<Q", 2**62),
    "random header": lambda content: content[:24] + random.Random(0).randbytes(4000) + content[4024:],
    "no architecture": _replace(b"general.architecture", b"general.architectury"),
    "no window": _replace(b"llama.context_length", b"llama.context_lengty"),
    "same token twice": _replace(struct.pack("<Q", 1) + b"B", struct.pack("<Q", 1) + b"C"),
    "unknown value type": _replace(b"llama.context_length\x04", b"llama.context_length\x77"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_said_to_be_damaged(
    damage: Callable[[bytes], bytes], tiny_path: Path, tmp_path: Path
) -> None:
    """Whatever is wrong with the file, the answer is one sentence that names it, and a mend."""
    path = tmp_path / "damaged.gguf"
    path.write_bytes(damage(tiny_path.read_bytes()))
    with pytest.raises(ModelDamaged, match=r"damaged\.gguf") as caught:
        read_gguf(path)
    assert caught.value.hint


def test_a_model_that_cannot_write_is_refused(tiny_path: Path, tmp_path: Path) -> None:
    """An embedding model or a projector has no vocabulary to answer with."""
    path = tmp_path / "embedding.gguf"
    path.write_bytes(tiny_path.read_bytes().replace(b"tokenizer.ggml.tokens", b"tokenizer.ggml.tokenz", 1))
    with pytest.raises(ModelDamaged, match="no model that can write"):
        read_gguf(path)


@pytest.mark.parametrize("name", ["missing.gguf", "."], ids=["missing", "a folder"])
def test_no_file_is_said_to_be_missing(name: str, tmp_path: Path) -> None:
    """A path that is not there, or is a folder, is not found."""
    with pytest.raises(ModelNotFound):
        read_gguf(tmp_path / name)


def test_random_damage_to_the_front_raises_nothing_else(tiny_path: Path, tmp_path: Path) -> None:
    """Every scribble either leaves a readable front or raises an error of this family."""
    content, chance = tiny_path.read_bytes(), random.Random(0)
    path = tmp_path / "scribbled.gguf"
    for _ in range(150):
        place = chance.randrange(8, 9000)
        path.write_bytes(content[:place] + chance.randbytes(8) + content[place + 8 :])
        try:
            read_gguf(path)
        except ModelError:
            continue
