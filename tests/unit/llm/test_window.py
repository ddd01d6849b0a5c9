"""The window of one request."""

from __future__ import annotations

import pytest

from holocron.errors import SettingsInvalid
from holocron.llm.window import DEFAULT_CONTEXT_TOKENS, choose_window


@pytest.mark.parametrize(
    ("trained", "asked", "window"),
    [
        pytest.param(131_072, None, DEFAULT_CONTEXT_TOKENS, id="the usual one"),
        pytest.param(2048, None, 2048, id="a model with less"),
        pytest.param(0, None, DEFAULT_CONTEXT_TOKENS, id="a server that does not say"),
        pytest.param(8192, 8192, 8192, id="all of it"),
        pytest.param(8192, 1000, 768, id="rounded down"),
        pytest.param(0, 100_000, 99_840, id="asked of a server that does not say"),
    ],
)
def test_a_window_is_chosen(trained: int, asked: int | None, window: int) -> None:
    """A person's number counts; without one it is the usual, or the model's own where that is less."""
    assert choose_window(trained, asked) == window


@pytest.mark.parametrize("asked", [None, 64, 512])
def test_a_model_too_small_for_any_window_is_said(asked: int | None) -> None:
    """Whatever a person asked for, the model is what is too small, and the hint says so."""
    with pytest.raises(SettingsInvalid, match="the model's own window of 128 tokens") as caught:
        choose_window(128, asked)
    assert "Choose a model" in caught.value.hint


@pytest.mark.parametrize(("trained", "asked", "said"), [(4096, 4097, "more than"), (4096, 255, "too small")])
def test_a_window_that_cannot_be_is_refused(trained: int, asked: int, said: str) -> None:
    """Nothing is made smaller or larger in silence."""
    with pytest.raises(SettingsInvalid, match=said):
        choose_window(trained, asked)
