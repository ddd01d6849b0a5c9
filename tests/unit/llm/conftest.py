"""Fixtures of the engine tests: the tiny model's file, and the model, open for all that only ask it.

In: tiny_gguf. Out: a path, a LlamaCppModel. Never: a model that a test may close.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holocron.llm.llamacpp import LlamaCppModel
from tiny_gguf import write_tiny_gguf


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the tiny model."""
    return write_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="session")
def tiny_model(tiny_path: Path) -> Iterator[LlamaCppModel]:
    """Return the tiny model, open."""
    model = LlamaCppModel(tiny_path)
    yield model
    model.close()
