"""The shipped model file: small enough, and trained on the prompt that the product renders today."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from models.builtin.prompt_fingerprint import prompt_fingerprint

import holocron.llm

FILE = Path(holocron.llm.__file__).with_name("builtin.gguf")
KEY = b"holocron.prompt_fingerprint"
#: the number of a string in a GGUF file's table of types
STRING = 8

shipped = pytest.mark.skipif(not FILE.exists(), reason="NO BUILT-IN MODEL SHIPS: there is no builtin.gguf")


def read_fingerprint(content: bytes) -> str:
    """Return the string under the fingerprint's key of a GGUF file."""
    at = content.index(KEY) + len(KEY)
    kind, length = struct.unpack_from("<IQ", content, at)
    assert kind == STRING
    return content[at + 12 : at + 12 + length].decode()


def test_the_fingerprint_is_a_hash() -> None:
    """The prompt's fingerprint is the same each time, and a SHA-256 in hexadecimal."""
    assert prompt_fingerprint() == prompt_fingerprint()
    assert len(bytes.fromhex(prompt_fingerprint())) == 32


def test_a_fingerprint_is_read_from_a_file() -> None:
    """The reader below finds the string that follows its key."""
    told = b"GGUF..." + KEY + struct.pack("<IQ", STRING, 4) + b"abcd" + b"more"
    assert read_fingerprint(told) == "abcd"


@shipped
def test_the_shipped_file_is_small() -> None:
    """The file takes at most 20 MB of the package."""
    assert FILE.stat().st_size <= 20_000_000


@shipped
def test_the_shipped_file_was_trained_on_this_prompt() -> None:
    """A change of the prompt is a reason to train again."""
    assert read_fingerprint(FILE.read_bytes()) == prompt_fingerprint(), "the prompt changed: train again"
