"""How much of the evidence a prompt can hold."""

from __future__ import annotations

import pytest

from holocron.derivation.contract import Contract
from holocron.derivation.derivations import Derivation, DerivationOptions
from holocron.derivation.fitting import FittedPrompt, Window, fit_prompt
from holocron.errors import PromptTooLong
from holocron.evidence import Segment, inline_bundle, number_segments

DERIVATION = Derivation(
    name="facts",
    version="1",
    instructions="",
    contract=Contract.parse({"type": "object", "properties": {"a": {"type": "string"}}}),
    options=DerivationOptions(max_output_tokens=100),
)
SEGMENTS = number_segments(inline_bundle("s", "\n\n".join(f"Line number {n} is here." for n in range(1, 41))))


def _words(text: str) -> int:
    return len(text.split())


def _fit(
    context_tokens: int, *, segments: tuple[Segment, ...] = SEGMENTS, correction: float = 1.0
) -> FittedPrompt:
    window = Window(tokens=context_tokens, estimate=_words)
    return fit_prompt(DERIVATION, "s", segments, window, correction=correction)


def test_what_fits_is_shown_whole() -> None:
    """With room for all, nothing is cut, and the estimate is within what the window leaves."""
    fitted = _fit(2000)
    assert fitted.shown == SEGMENTS
    assert fitted.not_read == ()
    assert fitted.prompt.messages[-1].content.count("\n") == 40
    assert fitted.estimated_tokens <= 2000 - 100


@pytest.mark.parametrize("context_tokens", [300, 350, 400])
def test_what_does_not_fit_is_cut_at_a_border_and_named(context_tokens: int) -> None:
    """The leading segments are shown; all others are named, and no schema lets the model cite them."""
    fitted = _fit(context_tokens)
    shown = len(fitted.shown)
    assert 0 < shown < 40
    assert fitted.shown == SEGMENTS[:shown]
    assert fitted.not_read == tuple(range(shown + 1, 41))
    assert fitted.prompt.schema == DERIVATION.specialiser.schema_for(shown)
    assert fitted.estimated_tokens <= context_tokens - 100


def test_an_engine_that_counts_more_makes_the_cut_earlier() -> None:
    """A correction of two halves what is estimated to fit."""
    assert len(_fit(600, correction=2.0).shown) < len(_fit(600).shown)


def test_half_the_window_is_left_for_the_prompt() -> None:
    """A small window is not eaten up by the answer's limit."""
    assert len(_fit(220).shown) > 0
    assert _fit(220).estimated_tokens <= 110


@pytest.mark.parametrize("context_tokens", [1, 50, 190])
def test_a_window_that_holds_no_segment_is_an_error(context_tokens: int) -> None:
    """Nothing is asked about evidence that nobody read; what prompt, answer and window take is named."""
    with pytest.raises(PromptTooLong) as caught:
        _fit(context_tokens)
    assert caught.value.context_tokens == context_tokens
    assert caught.value.prompt_tokens > context_tokens // 2
    assert context_tokens < 2 or f"its answer up to {context_tokens // 2}, and" in str(caught.value)
    with pytest.raises(PromptTooLong):
        _fit(2000, segments=())
